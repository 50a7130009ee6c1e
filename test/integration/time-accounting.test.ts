// Where the time goes: the init step by step and module by module, a freeze, what holds the process up, what the response takes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  phaseAttributes,
  serverAttributes,
} from '../../instrumentation/triggers/documentation/invocation-attributes.ts';
import type { OtlpSink, ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import { startFunction } from '../support/function-under-test.ts';

const HEADER = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';
const BUSY = 'for (const end = Date.now() + 8; Date.now() < end; );';

/** Names below a span, each with the names below it; such as every init has are left out. */
function below(spans: readonly ReceivedSpan[], { spanId }: ReceivedSpan): unknown[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === spanId)
    .map((span) => {
      const inside = below(spans, span);
      return inside.length === 0 ? span.name : [span.name, ...inside];
    });
}

const find = ({ spans }: Pick<OtlpSink, 'spans'>, name: string): ReceivedSpan => {
  const span = spans.find((candidate) => candidate.name === name);
  assert.ok(span, `${name} among ${spans.map((candidate) => candidate.name)}`);
  return span;
};

function assertInside(spans: readonly ReceivedSpan[], outer: ReceivedSpan): void {
  for (const span of spans.filter(({ parentSpanId }) => parentSpanId === outer.spanId)) {
    assert.ok(BigInt(span.startTimeUnixNano) >= BigInt(outer.startTimeUnixNano), span.name);
    assert.ok(BigInt(span.endTimeUnixNano) <= BigInt(outer.endTimeUnixNano), span.name);
    assertInside(spans, span);
  }
}

test('an init with CommonJS: node boot, runtime, registration, and the modules as they require each other', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `require('./lib/slow'); require('pkg'); exports.handler = async () => 1;`,
      'lib/slow.js': `${BUSY} require('./inner');`,
      'lib/inner.js': BUSY,
      'lib/unused.js': BUSY,
      'node_modules/pkg/package.json': '{"main":"main.js"}',
      'node_modules/pkg/main.js': BUSY,
    },
  });
  await fn.invoke({}, { traceHeader: HEADER });
  const init = find(fn.otlp, 'Initialization');
  assert.deepEqual(
    below(fn.otlp.spans, init)
      .map((step) => (Array.isArray(step) ? step[0] : step))
      .sort(),
    ['extension registration', 'handler load', 'node boot', 'runtime load'],
  );
  assert.deepEqual(below(fn.otlp.spans, find(fn.otlp, 'handler load')), [
    ['index.js', ['lib/slow.js', 'lib/inner.js'], 'pkg/main.js'],
  ]);
  assertInside(fn.otlp.spans, init);
  assert.equal(find(fn.otlp, 'lib/inner.js').flat['code.file.path'], `${fn.taskRoot}/lib/inner.js`);
  const names = fn.xray.documents.map(({ name }) => name);
  for (const name of ['Initialization', 'Invocation', 'Overhead']) assert.ok(names.includes(name), name);
  assert.match(JSON.stringify(fn.xray.documents), /"name":"lib\/inner.js"/);
  assert.deepEqual(fn.xray.violations, []);
});

test('an init with ES modules: every module’s own evaluation, CommonJS among them, and top-level await', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import './lib/slow.mjs'; import 'pkg'; await new Promise((resolve) => setTimeout(resolve, 100)); export const handler = async () => 1;`,
      'lib/slow.mjs': `import './inner.mjs'; ${BUSY}`,
      'lib/inner.mjs': BUSY,
      'node_modules/pkg/package.json': '{"main":"main.js"}',
      'node_modules/pkg/main.js': BUSY,
    },
  });
  await fn.invoke({}, { traceHeader: HEADER });
  const evaluation = find(fn.otlp, 'evaluation');
  assert.deepEqual(below(fn.otlp.spans, evaluation), [
    ['index.mjs', ['lib/slow.mjs', 'lib/inner.mjs'], 'pkg/main.js'],
    'top-level await',
  ]);
  assertInside(fn.otlp.spans, find(fn.otlp, 'Initialization'));
});

test('SPANSTRAP_INIT_MODULES=off: no modules, and nobody has touched them', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': `${BUSY} export const handler = async () => 1;` },
    environment: { SPANSTRAP_INIT_MODULES: 'off' },
  });
  await fn.invoke({}, { traceHeader: HEADER });
  assert.deepEqual(below(fn.otlp.spans, find(fn.otlp, 'handler load')), []);
});

test('faas.coldstart: true once; false with provisioned concurrency, whose init is nobody’s', async () => {
  const files = { 'index.mjs': 'export const handler = async () => 1;' };
  await using onDemand = await startFunction({ files });
  for (const isCold of [true, false]) {
    await onDemand.invoke({}, { traceHeader: HEADER });
    assert.equal(onDemand.otlp.spans.findLast(({ kind }) => kind === 2)?.flat['faas.coldstart'], isCold);
  }
  await using provisioned = await startFunction({ files, initializationType: 'provisioned-concurrency' });
  await provisioned.invoke({}, { traceHeader: HEADER });
  assert.equal(find(provisioned.otlp, 'test-function').flat['faas.coldstart'], false);
});

test('the resource: what the convention lists, the account from the first invocation’s ARN', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async () => 1;' },
    environment: { OTEL_RESOURCE_ATTRIBUTES: 'team=order%20desk,cloud.region=elsewhere', OTEL_SERVICE_NAME: 'shop' },
    functionVersion: '7',
    memoryMb: 256,
  });
  const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:test-function';
  await fn.invoke({}, { traceHeader: HEADER, invokedFunctionArn: `${arn}:live`, tenantId: 'acme' });
  const { resource, flat } = find(fn.otlp, 'test-function');
  const { 'faas.instance': instance, 'aws.log.stream.names': streams, ...rest } = resource;
  assert.deepEqual(streams, [instance]);
  for (const name of ['process.runtime.version', 'telemetry.sdk.version', 'telemetry.distro.version']) {
    assert.match(String(rest[name]), /^\d+\.\d+/);
    delete (rest as Record<string, unknown>)[name];
  }
  assert.deepEqual(rest, {
    'service.name': 'shop',
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': 'elsewhere',
    'cloud.account.id': '123456789012',
    'faas.name': 'test-function',
    'faas.version': '7',
    'faas.max_memory': 256 * 1_048_576,
    'aws.log.group.names': ['/aws/lambda/test-function'],
    'process.runtime.name': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.distro.name': 'spanstrap',
    team: 'order desk',
  });
  assert.equal(flat['cloud.resource_id'], `${arn}:7`, 'an alias stands for a version');
  assert.equal(flat['aws.lambda.invoked_arn'], `${arn}:live`);
  assert.equal(flat['cloud.account.id'], '123456789012');
  assert.equal(flat['aws.lambda.tenant_id'], 'acme');
});

test('docs/what-is-traced.md knows every attribute of ours that an invocation has', async () => {
  const known = new Set(Object.keys({ ...serverAttributes, ...phaseAttributes }));
  await using fn = await startFunction({ files: { 'index.mjs': 'export const handler = async () => gc();' } });
  for (let times = 0; times < 2; times++) await fn.invoke({}, { traceHeader: HEADER, tenantId: 'acme' });
  for (const name of ['test-function', 'Invocation']) {
    for (const { flat } of fn.otlp.spans.filter((span) => span.name === name)) {
      for (const attribute of Object.keys(flat)) {
        // Of the tracer itself another page tells.
        if (!attribute.startsWith('spanstrap.')) assert.ok(known.has(attribute), attribute);
      }
    }
  }
});

test('the first span after a thaw says how long the process was frozen', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async () => 1;' },
    freeze: true,
  });
  const from = performance.now();
  await fn.invoke({}, { traceHeader: HEADER });
  // Being frozen is the time that passes: nothing else can be waited for.
  await new Promise((resolve) => setTimeout(resolve, 600));
  await fn.invoke({}, { traceHeader: HEADER });
  const elapsedMs = performance.now() - from;
  const [, second] = fn.otlp.spans.filter(({ kind }) => kind === 2).map(({ flat }) => flat['lambda.frozen_ms']);
  assert.ok(Number(second) > 0 && Number(second) < elapsedMs, `${second} of ${elapsedMs} ms`);
});

test('what holds an invocation up: garbage collections, an event loop that does not turn, the response', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `
        export const handler = async ({ blockMs, collects }) => {
          await null;
          for (const end = Date.now() + (blockMs ?? 0); Date.now() < end; );
          if (collects) for (let times = 0; times < 3; times++) gc();
          return 'x'.repeat(1000);
        };`,
    },
  });
  await fn.invoke({ collects: true }, { traceHeader: HEADER });
  await fn.invoke({ collects: true }, { traceHeader: HEADER });
  await fn.invoke({ blockMs: 120, collects: true }, { traceHeader: HEADER });
  const [first, second, held] = fn.otlp.spans.filter(({ name }) => name === 'Invocation').map(({ flat }) => flat);
  for (const attributes of [first!, second!, held!]) {
    assert.equal(attributes['lambda.response.size'], 1002);
    assert.ok(Number(attributes['lambda.response.serialize_ms']) >= 0);
    assert.ok(Number(attributes['lambda.response.post_ms']) > 0);
  }
  const early = [first!, second!].map((attributes) => attributes['lambda.gc.count']);
  assert.deepEqual(early, [undefined, undefined], 'observed only after the second response');
  assert.ok(Number(held!['lambda.gc.count']) >= 3);
  assert.ok(Number(held!['lambda.gc.pause_ms']) > 0);
  assert.ok(
    Number(held!['lambda.event_loop.delay_max_ms']) >= 90,
    `${held!['lambda.event_loop.delay_max_ms']} of 100 ms`,
  );
});
