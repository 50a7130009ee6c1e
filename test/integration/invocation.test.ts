// The built layer under the emulator: what callers, X-Ray and an OTLP backend get from one function.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const ECHO = { 'index.mjs': 'export const handler = async (event) => ({ echo: event });' };

const HEADER = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0';

const names = (documents: readonly XrayDocument[]): string[] => documents.map(({ name }) => name).sort();

function documentNamed({ xray }: FunctionUnderTest, name: string): XrayDocument {
  const found = xray.documents.filter((document) => document.name === name);
  assert.equal(found.length, 1, `one document ${name} among ${names(xray.documents)}`);
  return found[0]!;
}

test('a cold invocation draws Initialization, Invocation and Overhead, a warm one no Initialization', async () => {
  await using fn = await startFunction({ files: ECHO });
  const cold = await fn.invoke({ n: 1 }, { traceHeader: HEADER });
  assert.deepEqual(cold.json(), { echo: { n: 1 } });
  assert.equal(cold.cold, true);
  assert.deepEqual(names(fn.xray.documents), ['Initialization', 'Invocation', 'Overhead']);
  for (const document of fn.xray.documents) {
    assert.equal(document.trace_id, '1-65f1a2b3-0123456789abcdef01234567');
    assert.equal(document['parent_id'], '53995c3f42cd8ad8');
  }
  const initialization = documentNamed(fn, 'Initialization');
  assert.deepEqual(names(initialization.subsegments ?? []), [
    'extension registration',
    'handler load',
    'node boot',
    'runtime load',
  ]);

  fn.xray.clear();
  const warm = await fn.invoke({ n: 2 });
  assert.equal(warm.cold, false);
  assert.deepEqual(names(fn.xray.documents), ['Invocation', 'Overhead']);
  assert.deepEqual(fn.xray.violations, []);
});

test('the same spans arrive at the OTLP backend with the same ids', async () => {
  await using fn = await startFunction({ files: ECHO });
  await fn.invoke({}, { traceHeader: HEADER });
  const byName = new Map(fn.otlp.spans.map((span) => [span.name, span]));
  const server = byName.get('test-function')!;
  assert.ok(server, `a SERVER span among ${[...byName.keys()]}`);
  assert.equal(server.traceId, '65f1a2b30123456789abcdef01234567');
  for (const phase of ['Initialization', 'Invocation', 'Overhead']) {
    const span = byName.get(phase)!;
    assert.equal(span.spanId, documentNamed(fn, phase).id);
    assert.equal(span.parentSpanId, server.spanId);
    assert.equal(span.traceId, server.traceId);
  }
  assert.equal(server.flat['faas.coldstart'], true);
  assert.equal(server.flat['faas.trigger'], 'other');
  assert.equal(server.flat['aws.xray.parent_id'], '53995c3f42cd8ad8');
  assert.equal(server.resource['service.name'], 'test-function');
  assert.equal(server.resource['cloud.platform'], 'aws_lambda');
  const request = fn.otlp.requests[0]!;
  assert.equal(request.headers['content-type'], 'application/x-protobuf');
  assert.equal(request.error, undefined);
});

const STYLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'async, CommonJS': { 'index.js': 'exports.handler = async (event) => event.n + 1;' },
  'async, ESM': { 'index.mjs': 'export async function handler(event) { return event.n + 1; }' },
  'ESM by package.json, top-level await': {
    'package.json': '{"type":"module"}',
    'index.js': 'const step = await Promise.resolve(1); export const handler = async ({ n }) => n + step;',
  },
  'synchronous result': { 'index.js': 'exports.handler = (event) => event.n + 1;' },
  callback: { 'index.js': 'exports.handler = (event, context, callback) => callback(null, event.n + 1);' },
  'callback after a timer': {
    'index.js': 'exports.handler = (event, _, callback) => { setTimeout(() => callback(null, event.n + 1), 5); };',
  },
  'context.succeed from a timer that an arrow function returns': {
    'index.js': 'exports.handler = (event, context) => setTimeout(() => context.succeed(event.n + 1), 5);',
  },
  'no result of a synchronous handler until the event loop is empty': {
    'index.js': 'exports.handler = (event, context) => { setImmediate(() => context.done(null, event.n + 1)); };',
  },
};

for (const [style, files] of Object.entries(STYLES)) {
  test(`handler style: ${style}`, async () => {
    await using fn = await startFunction({ files });
    for (const n of [1, 2]) {
      const result = await fn.invoke({ n });
      assert.equal(result.status, 'success', result.text);
      assert.equal(result.json(), n + 1);
    }
    assert.deepEqual(fn.xray.violations, []);
  });
}

test('a handler error goes to the caller, to the log and into both traces; the next invocation works', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = async (event) => {
        if (event.fail) throw Object.assign(new TypeError('no such order: Ünbekannt'), { orderId: 7 });
        return 'fine';
      };`,
    },
  });
  const failed = await fn.invoke({ fail: true }, { traceHeader: HEADER });
  assert.equal(failed.status, 'error');
  const body = failed.json() as { errorType: string; errorMessage: string; trace: string[] };
  assert.equal(body.errorType, 'TypeError');
  assert.equal(body.errorMessage, 'no such order: Ünbekannt');
  assert.match(body.trace[1]!, /index\.mjs:2:/);
  const { exceptions } = failed.xrayCause as {
    exceptions: { type: string; stack: { path: string; line: number }[] }[];
  };
  assert.equal(exceptions[0]!.type, 'TypeError');
  assert.match(exceptions[0]!.stack[0]!.path, /index\.mjs$/);
  assert.equal(exceptions[0]!.stack[0]!.line, 2);

  const invocation = documentNamed(fn, 'Invocation');
  assert.equal(invocation.fault, true);
  const cause = invocation['cause'] as { exceptions: { message: string }[] };
  assert.equal(cause.exceptions[0]!.message, 'no such order: Ünbekannt');
  const span = fn.otlp.spans.find(({ name }) => name === 'Invocation')!;
  assert.equal(span.status?.code, 2);
  assert.equal(span.flat['error.type'], 'TypeError');
  const line = fn.emulator.logs.find((text) => text.includes('Invoke Error'))!;
  assert.match(line, new RegExp(`\\t${failed.requestId}\\tERROR\\tInvoke Error \\t\\{"errorType":"TypeError"`));

  assert.equal((await fn.invoke({})).json(), 'fine');
  assert.deepEqual(fn.xray.violations, []);
});

test('an init error is reported to the platform and ends the process', async () => {
  await using fn = await startFunction({ files: { 'index.mjs': "throw new RangeError('not today');" } });
  const result = await fn.invoke({});
  assert.equal(result.status, 'init-error');
  assert.equal(result.errorType, 'RangeError');
  assert.match(result.text, /not today/);
});

for (const [handler, errorType] of [
  ['index', 'Runtime.MalformedHandlerName'],
  ['../index.handler', 'Runtime.MalformedHandlerName'],
  ['missing.handler', 'Runtime.ImportModuleError'],
  ['index.nothing', 'Runtime.HandlerNotFound'],
  ['index.text', 'Runtime.HandlerNotFound'],
  ['broken.handler', 'Runtime.UserCodeSyntaxError'],
] as const) {
  test(`handler ${handler} fails init with ${errorType}`, async () => {
    await using fn = await startFunction({
      files: { 'index.js': "exports.text = 'not a function';", 'broken.js': 'exports.handler = (' },
      handler,
    });
    const result = await fn.invoke({});
    assert.equal(result.status, 'init-error');
    assert.equal(result.errorType, errorType);
  });
}

test('an unsampled header: no datagram, the OTLP backend gets the invocation all the same', async () => {
  await using fn = await startFunction({ files: ECHO });
  await fn.invoke({}, { traceHeader: HEADER.replace('Sampled=1', 'Sampled=0') });
  assert.equal(fn.xray.datagrams.length, 0);
  assert.deepEqual(fn.otlp.spans.map(({ name }) => name).includes('Invocation'), true);
});

for (const [what, traceHeader] of [
  ['none', null],
  ['garbage', 'Root=;;;=,=Parent'],
  ['over-long', `Root=1-65f1a2b3-0123456789abcdef01234567;Lineage=${'x'.repeat(20_000)}`],
  ['unknown keys', 'Self=1-65f1a2b3-aaaaaaaaaaaaaaaaaaaaaaaa;Foo=bar'],
  ['only a root', 'Root=1-65f1a2b3-0123456789abcdef01234567'],
] as const) {
  test(`trace header: ${what}`, async () => {
    await using fn = await startFunction({ files: ECHO });
    assert.equal((await fn.invoke({}, { traceHeader })).status, 'success');
    assert.equal((await fn.invoke({}, { traceHeader })).status, 'success');
    assert.equal(fn.xray.datagrams.length, 0);
    const servers = fn.otlp.spans.filter(({ name }) => name === 'test-function');
    assert.equal(servers.length, 2);
    if (what === 'only a root') assert.equal(servers[0]!.traceId, '65f1a2b30123456789abcdef01234567');
  });
}

test('what user code sees as its trace header names our Invocation as the parent and keeps Lineage', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = async (event, context) => ({
        variable: process.env._X_AMZN_TRACE_ID,
        store: awslambda.InvokeStore.getXRayTraceId(),
        context: context.xRayTraceId,
      });`,
    },
  });
  const seen = (await fn.invoke({}, { traceHeader: HEADER })).json() as Record<string, string>;
  const expected = HEADER.replace('53995c3f42cd8ad8', documentNamed(fn, 'Invocation').id);
  assert.deepEqual(seen, { variable: expected, store: expected, context: expected });
  const without = (await fn.invoke({}, { traceHeader: null })).json() as Record<string, string>;
  assert.deepEqual(without, {});
});

test('an event that is not JSON is an error of its invocation; the next one is served', async () => {
  await using fn = await startFunction({ files: ECHO });
  const bad = await fn.invoke('{"half":');
  assert.equal(bad.status, 'error');
  assert.equal(bad.errorType, 'SyntaxError');
  assert.equal((await fn.invoke({ n: 1 })).status, 'success');
  assert.equal(fn.emulator.generation, 1);
});
