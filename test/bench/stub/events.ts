// The events of the benchmark, as bytes.

import type { EventPlan } from './run-plan.ts';

/** Payload version 2.0, as a browser's request arrives. Source: Lambda Developer Guide, "HTTP API payload format". */
const httpApiEvent = {
  version: '2.0',
  routeKey: 'GET /orders/{id}',
  rawPath: '/prod/orders/A-1001',
  rawQueryString: 'full=1&fields=items',
  cookies: ['session=0123456789abcdef', 'theme=dark'],
  headers: {
    accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'accept-encoding': 'gzip, deflate, br',
    'accept-language': 'en-GB,en;q=0.5',
    'content-length': '0',
    host: 'abcde12345.execute-api.eu-west-1.amazonaws.com',
    'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'x-amzn-trace-id': 'Root=1-5e1b4151-5ac6c58f5b5daa6532e1a5e7',
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-port': '443',
    'x-forwarded-proto': 'https',
  },
  queryStringParameters: { full: '1', fields: 'items' },
  requestContext: {
    accountId: '123456789012',
    apiId: 'abcde12345',
    domainName: 'abcde12345.execute-api.eu-west-1.amazonaws.com',
    domainPrefix: 'abcde12345',
    http: {
      method: 'GET',
      path: '/prod/orders/A-1001',
      protocol: 'HTTP/1.1',
      sourceIp: '203.0.113.7',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    },
    requestId: 'JKJaXmPLvHcESHA=',
    routeKey: 'GET /orders/{id}',
    stage: 'prod',
    time: '31/Jan/2026:10:00:00 +0000',
    timeEpoch: 1_769_853_600_000,
  },
  pathParameters: { id: 'A-1001' },
  isBase64Encoded: false,
};

export function makeEvent(plan: EventPlan): Uint8Array {
  switch (plan.kind) {
    case 'http-api':
      return Buffer.from(JSON.stringify(httpApiEvent));
    case 'spans':
      return Buffer.from(JSON.stringify({ spans: plan.spans }));
    case 'padded': {
      const frame = Buffer.byteLength('{"data":""}');
      return Buffer.from(JSON.stringify({ data: 'x'.repeat(Math.max(0, plan.bytes - frame)) }));
    }
  }
}
