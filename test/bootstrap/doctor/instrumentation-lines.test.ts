// What the report says of instrumentations, calls, packages and what it cannot see in a bundle.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { findBundledClients, handlerFiles } from '../../../bootstrap/doctor/bundled-clients.ts';
import { instrumentationLines } from '../../../bootstrap/doctor/instrumentation-lines.ts';
import { loadedPackages } from '../../../bootstrap/doctor/loaded-packages.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

const INTERNAL = 0;
const CLIENT = 2;

const span = (kind: number, attributes: Attributes, scope = 'spanstrap'): ReadableSpan =>
  ({ kind, attributes, instrumentationScope: { name: scope } }) as unknown as ReadableSpan;

const nothing = { isEnabled: () => true, packages: [], bundled: [], spans: [] };

test('nothing was there and nothing was called', () => {
  assert.deepEqual(instrumentationLines(nothing), [
    ['on', 'http, undici, http2, aws-sdk, pg, mysql2, mongodb, ioredis, redis, express, fastify, hono'],
    ['modules', 'nothing'],
    ['calls', 'nothing'],
  ]);
});

test('calls by what they are, own spans by their tracer, and what is off', () => {
  const aws = span(CLIENT, { 'rpc.system': 'aws-api', 'rpc.service': 'DynamoDB', 'http.request.method': 'POST' });
  const http = span(CLIENT, { 'http.request.method': 'GET' });
  const spans = [
    http,
    aws,
    span(INTERNAL, {}),
    http,
    span(CLIENT, { 'db.system.name': 'postgresql' }),
    span(INTERNAL, {}, 'shop'),
  ];
  const lines = Object.fromEntries(
    instrumentationLines({
      ...nothing,
      isEnabled: (name) => name !== 'redis',
      packages: [{ name: 'pg', version: '8.1.0' }],
      spans,
    }),
  );
  assert.equal(lines.calls, 'http 2, aws-sdk DynamoDB 1, postgresql 1');
  assert.equal(lines['own spans'], 'shop 1');
  assert.match(lines.off!, /^redis \(OTEL_NODE_/);
  assert.equal(lines.modules, 'pg 8.1.0');
  assert.match(lines['in part']!, /the AWS SDK is bundled/);
});

test('an SDK that can be reached is no matter; a bundled client that is switched off neither', () => {
  const aws = span(CLIENT, { 'rpc.system': 'aws-api' });
  const lines = instrumentationLines({
    isEnabled: (name) => name !== 'mongodb',
    packages: [{ name: '@smithy/smithy-client', version: '4.0.0' }],
    bundled: [
      { client: 'mongodb', file: 'index.js' },
      { client: 'mysql2', file: 'index.js' },
    ],
    spans: [aws],
  });
  const labels = lines.map(([label]) => label);
  assert.ok(!labels.includes('in part'));
  assert.deepEqual(
    lines.filter(([label]) => label === 'not seen').map(([, text]) => text.slice(0, 38)),
    ['mysql2 is bundled into index.js: its c'],
  );
});

test('bundled clients are found in the function’s own files, unless they publish their calls', (t) => {
  const root = makeFolder(t, {
    'old.js': 'var a="mysql_clear_password"',
    'new.js': 'var a="mysql_clear_password";b("mysql2:query")',
    'mongo.mjs': 'get name(){return"MongoServerSelectionError"}',
    'node_modules/mongodb/index.js': '"MongoServerSelectionError"',
  });
  const files = ['old.js', 'new.js', 'mongo.mjs', 'node_modules/mongodb/index.js', 'gone.js'].map(
    (file) => `${root}/${file}`,
  );
  assert.deepEqual(findBundledClients([...files, '/elsewhere/mongo.js'], root), [
    { client: 'mysql2', file: 'old.js' },
    { client: 'mongodb', file: 'mongo.mjs' },
  ]);
  assert.deepEqual(handlerFiles(root, 'mongo.handler'), [`${root}/mongo.mjs`]);
  assert.deepEqual(handlerFiles(root, 'src/none.handler'), []);
});

test('of a framework the routes are missed, not calls', () => {
  const bundled = [
    { client: 'express', file: 'index.js' },
    { client: 'hono', file: 'index.js' },
  ];
  const lines = instrumentationLines({ ...nothing, isEnabled: (name) => name !== 'hono', bundled });
  assert.deepEqual(
    lines.filter(([label]) => label === 'not seen').map(([, text]) => text.slice(0, 69)),
    ['express is bundled into index.js: the routes of requests are not found'.slice(0, 69)],
  );
});

test('packages with their versions, only those that matter', (t) => {
  const root = makeFolder(t, {
    'node_modules/pg/package.json': '{"version":"8.16.0"}',
    'node_modules/@aws-sdk/client-s3/package.json': '{"version":"3.1.0"}',
  });
  const files = [
    'pg/lib/index.js',
    'pg/lib/client.js',
    '@aws-sdk/client-s3/dist/index.js',
    'left-pad/index.js',
    'ioredis/index.js',
  ];
  assert.deepEqual(loadedPackages(files.map((file) => `${root}/node_modules/${file}`)), [
    { name: '@aws-sdk/client-s3', version: '3.1.0' },
    { name: 'ioredis', version: '(version unknown)' },
    { name: 'pg', version: '8.16.0' },
  ]);
});
