// HTTP events: what the SERVER span says, and where the caller's context leads.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFunction } from '../support/function-under-test.ts';

const HEADER = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';

const context = {
  accountId: '123456789012',
  apiId: 'a1b2c3',
  domainName: 'a1b2c3.execute-api.eu-west-1.amazonaws.com',
  requestId: 'r-1',
  stage: '$default',
};

const httpApi = (headers: Record<string, string> = {}): object => ({
  version: '2.0',
  routeKey: 'GET /orders/{id}',
  rawPath: '/orders/42',
  rawQueryString: 'full=1&sig=secret',
  headers: { host: context.domainName, 'user-agent': 'shop/1', 'x-forwarded-proto': 'https', ...headers },
  requestContext: {
    ...context,
    http: { method: 'GET', path: '/orders/42', protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'shop/1' },
    routeKey: 'GET /orders/{id}',
  },
  isBase64Encoded: false,
});

const functionUrl = {
  ...httpApi(),
  routeKey: '$default',
  requestContext: {
    ...context,
    domainName: 'abc.lambda-url.eu-west-1.on.aws',
    http: { method: 'GET', path: '/orders/42', protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'shop/1' },
    routeKey: '$default',
  },
};

const rest = {
  resource: '/orders/{id}',
  path: '/orders/42',
  httpMethod: 'GET',
  headers: { Host: context.domainName, 'X-Forwarded-Proto': 'https', 'User-Agent': 'shop/1' },
  multiValueHeaders: { Host: [context.domainName] },
  queryStringParameters: { full: '1' },
  multiValueQueryStringParameters: { full: ['1'] },
  requestContext: {
    ...context,
    stage: 'prod',
    path: '/prod/orders/42',
    resourcePath: '/orders/{id}',
    httpMethod: 'GET',
    protocol: 'HTTP/1.1',
    identity: { sourceIp: '192.0.2.7', userAgent: 'shop/1' },
  },
};

const RESPOND = {
  'index.mjs': `export const handler = async (event) => ({ statusCode: Number(event.headers?.['x-want'] ?? 200), body: 'ok' });`,
};

for (const [what, event, name, route] of [
  ['HTTP API (payload 2.0)', httpApi(), 'GET /orders/{id}', '/orders/{id}'],
  ['function URL', functionUrl, 'GET', undefined],
  ['REST API', rest, 'GET /orders/{id}', '/orders/{id}'],
] as const) {
  test(`${what}: HTTP attributes in OTLP, the http block on Invocation in X-Ray`, async () => {
    await using fn = await startFunction({ files: RESPOND });
    await fn.invoke(event, { traceHeader: HEADER });
    const server = fn.otlp.spans.find(({ kind }) => kind === 2)!;
    assert.equal(server.name, name);
    assert.equal(server.flat['faas.trigger'], 'http');
    assert.equal(server.flat['http.request.method'], 'GET');
    assert.equal(server.flat['url.path'], '/orders/42');
    assert.equal(server.flat['url.scheme'], 'https');
    assert.equal(server.flat['http.route'], route);
    assert.equal(server.flat['client.address'], '192.0.2.7');
    assert.equal(server.flat['user_agent.original'], 'shop/1');
    assert.equal(server.flat['http.response.status_code'], 200);
    const invocation = fn.xray.documents.find((document) => document.name === 'Invocation')!;
    assert.equal(invocation.http?.request?.['method'], 'GET');
    assert.match(String(invocation.http?.request?.['url']), /\/orders\/42$/);
    assert.equal(invocation.http?.response?.['status'], 200);
    assert.deepEqual(fn.xray.violations, []);
  });
}

test('a 5xx of the handler is an error of the SERVER span and a fault in X-Ray; secrets in the query are not kept', async () => {
  await using fn = await startFunction({ files: RESPOND });
  await fn.invoke(httpApi({ 'x-want': '503' }), { traceHeader: HEADER });
  const server = fn.otlp.spans.find(({ kind }) => kind === 2)!;
  assert.equal(server.flat['http.response.status_code'], 503);
  assert.equal(server.flat['error.type'], '503');
  assert.equal(server.status?.code, 2);
  assert.equal(server.flat['url.query'], 'full=1&sig=REDACTED');
  assert.equal(fn.xray.documents.find((document) => document.name === 'Invocation')!.fault, true);
});

test('a W3C caller leads OTLP, the header leads X-Ray, and OTLP links to the header', async () => {
  await using fn = await startFunction({ files: RESPOND });
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await fn.invoke(httpApi({ traceparent }), { traceHeader: HEADER });
  const server = fn.otlp.spans.find(({ kind }) => kind === 2)!;
  assert.equal(server.traceId, '0af7651916cd43dd8448eb211c80319c');
  assert.equal(server.parentSpanId, 'b7ad6b7169203331');
  assert.equal(server.links?.[0]?.traceId, '65f1a2b30123456789abcdef01234567');
  assert.equal(server.links?.[0]?.spanId, '53995c3f42cd8ad8');
  for (const document of fn.xray.documents) {
    assert.equal(document.trace_id, '1-65f1a2b3-0123456789abcdef01234567');
    assert.equal(document['parent_id'], '53995c3f42cd8ad8');
  }
});
