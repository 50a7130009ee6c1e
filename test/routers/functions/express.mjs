// An app that has its routes in every place where Express allows them.

import express from 'express';
import serverless from 'serverless-http';

const app = express();
const answer = (request, response) => response.json({ params: request.params });

/** Answers when as many requests as its path says are there. */
let waiting = [];
const meet = (count) =>
  new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length < count) return;
    for (const open of waiting) open();
    waiting = [];
  });

app.use((_request, _response, next) => next());
app.use(express.json());
app.get('/', answer);
app.get('/orders/:id', (_request, _response, next) => next(), answer);
app.post('/orders', answer);
app.all('/any', answer);
app.get(['/either-a', '/either-b'], answer);
app.get(/^\/v\d+$/, answer);
app.get('/fails/:id', () => {
  throw new Error('on purpose');
});
app.get('/passes/:id', (_request, _response, next) => next('route'));
app.get('/gathers/:count', async (request, response) => {
  await meet(Number(request.params.count));
  answer(request, response);
});
app.get('/meets/:count/:kind', async (request, response) => {
  await meet(Number(request.params.count));
  answer(request, response);
});

const items = express.Router({ mergeParams: true });
items.get('/', answer);
items.route('/items/:item').get(answer);
const tenants = express.Router();
tenants.param('tenant', (_request, _response, next) => next());
tenants.use('/:tenant', (_request, _response, next) => next());
tenants.use('/:tenant', items);
const api = express.Router();
api.use('/tenants', tenants);
api.get('/health/', answer);
app.use('/api/', api);

const inner = express();
inner.get('/things/:thing', answer);
app.use('/inner/:area', inner);

app.get('/:first/:second', answer);
app.use((error, _request, response, _next) => response.status(500).json({ error: error.message }));

export const handler = serverless(app);
