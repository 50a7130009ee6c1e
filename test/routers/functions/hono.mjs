// An app with middleware for everything, routes of other apps, and a handler that asks the app itself.

import { Hono } from 'hono';
import { handle } from 'hono/aws-lambda';
import { logger } from 'hono/logger';

const app = new Hono();
const answer = (c) => c.json({ params: c.req.param() });

/** Answers when as many requests as its path says are there. */
let waiting = [];
const meet = (count) =>
  new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length < count) return;
    for (const open of waiting) open();
    waiting = [];
  });

app.use(logger(() => {}));
app.use('/api/*', async (_c, next) => next());
app.get('/', answer);
app.get('/orders/:id', async (_c, next) => next(), answer);
app.post('/orders', answer);
app.all('/any', answer);
app.get('/fails/:id', () => {
  throw new Error('on purpose');
});
app.get('/asks/:id', async (c) => c.json(await (await app.request('/orders/7')).json()));
app.get('/gathers/:count', async (c) => {
  await meet(Number(c.req.param('count')));
  return answer(c);
});
app.get('/meets/:count/:kind', async (c) => {
  await meet(Number(c.req.param('count')));
  return answer(c);
});

const tenants = new Hono().basePath('/tenants/:tenant');
tenants.get('/items/:item', answer);
tenants.onError((error, c) => c.json({ error: error.message }, 500));
const api = new Hono();
api.route('/', tenants);
app.route('/api', api);
app.onError((error, c) => c.json({ error: error.message }, 500));

export const handler = handle(app);
