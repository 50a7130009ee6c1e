// An app with plugins, hooks and a schema that turn requests away, and a handler that asks the app itself.

import adapter from '@fastify/aws-lambda';
import fastify from 'fastify';

const app = fastify();
const answer = async (request) => ({ params: request.params });

/** Answers when as many requests as its path says are there. */
let waiting = [];
const meet = (count) =>
  new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length < count) return;
    for (const open of waiting) open();
    waiting = [];
  });

app.addHook('onRequest', async (request, reply) => {
  if (request.headers['x-turn-away'] !== undefined) await reply.code(401).send({ error: 'who are you' });
});
app.get('/', answer);
app.get('/orders/:id', answer);
app.post('/orders', answer);
app.get('/numbers/:n', { schema: { params: { type: 'object', properties: { n: { type: 'integer' } } } } }, answer);
app.get('/fails/:id', async () => {
  throw new Error('on purpose');
});
app.get('/asks/:id', async () => (await app.inject('/orders/7')).json());
app.get('/gathers/:count', async (request) => {
  await meet(Number(request.params.count));
  return answer(request);
});
app.get('/meets/:count/:kind', async (request) => {
  await meet(Number(request.params.count));
  return answer(request);
});
app.register(
  async (api) => {
    api.register(async (tenants) => tenants.get('/items/:item', answer), { prefix: '/tenants/:tenant' });
    api.get('/files/*', answer);
    api.setNotFoundHandler(async (_request, reply) => reply.code(404).send({ error: 'not below /api' }));
  },
  { prefix: '/api' },
);

export const handler = adapter(app);
