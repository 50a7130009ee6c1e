// What goes wrong in the tracer stays there; it can be switched off; it takes little memory, and says how much
// time it took.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const spool = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(spool, { recursive: true, force: true }));

const faults = (fn: FunctionUnderTest): string[] => fn.emulator.logs.filter((line) => line.includes('of the tracer'));

/** A result that JSON takes and that nobody else may look at; a thrown value that not even its name can be asked of. */
const HOSTILE = `
  const fail = () => { throw new Error('do not touch'); };
  const hostile = (shown) => Object.defineProperties({ toJSON: () => shown }, {
    statusCode: { get: fail, enumerable: true }, batchItemFailures: { get: fail }, headers: { get: fail },
  });
  const http = { statusCode: 200, headers: {}, body: 'the body' };`;

const API_EVENT = {
  version: '2.0',
  routeKey: 'GET /x',
  rawPath: '/x',
  rawQueryString: '',
  headers: { host: 'example.com' },
  requestContext: { http: { method: 'GET', path: '/x', protocol: 'HTTP/1.1', sourceIp: '1.2.3.4' }, stage: '$default' },
  isBase64Encoded: false,
};

test('results that throw when they are looked at: every answer is right, and every invocation is traced', async () => {
  await using fn = await startFunction({
    files: { 'index.js': `${HOSTILE} exports.handler = async () => hostile(http);` },
  });
  for (let round = 0; round < 12; round++) {
    assert.equal((await fn.invoke(API_EVENT)).text, '{"statusCode":200,"headers":{},"body":"the body"}');
  }
  assert.deepEqual(faults(fn), []);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 12);
});

test('errors that throw when they are looked at are the same errors to the caller as without a tracer', async () => {
  const files = {
    'index.js': `exports.handler = async ({ kind }) => {
      const fail = () => { throw new Error('do not touch'); };
      if (kind === 'proxy') throw new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail });
      if (kind === 'getters') throw Object.defineProperties(new Error('x'), { name: { get: fail }, stack: { get: fail }, cause: { get: fail } });
      throw Object.create(null);
    };`,
  };
  await using traced = await startFunction({ files });
  await using plain = await startFunction({ files, environment: { SPANSTRAP_DISABLED: 'true' } });
  for (const kind of ['proxy', 'getters', 'null']) {
    const own = await traced.invoke({ kind });
    const other = await plain.invoke({ kind });
    assert.deepEqual(
      [own.status, own.text.replaceAll(traced.taskRoot, '')],
      [other.status, other.text.replaceAll(plain.taskRoot, '')],
      kind,
    );
  }
});

const NOT_INSTALLED = {
  'an error': [`new Error('not for you')`, 'Error: not for you'],
  'what is no text': ['Object.create(null)', 'a value of type object that cannot be converted to a string'],
} as const;

for (const [name, [thrown, told]] of Object.entries(NOT_INSTALLED)) {
  test(`a tracer that cannot be installed, for ${name}: the function runs without`, async () => {
    const preload = `Object.defineProperty(globalThis, Symbol.for('opentelemetry.js.api.1'), {
      get() { throw ${thrown}; },
    });`;
    await using fn = await startFunction({
      files: { 'preload.cjs': preload, 'index.js': `exports.handler = async () => 'untraced';` },
      environment: { NODE_OPTIONS: '--require ./preload.cjs' },
    });
    assert.equal((await fn.invoke({})).text, '"untraced"');
    const lines = fn.emulator.logs.join('\n');
    assert.ok(lines.includes(`spanstrap: nothing is traced: the tracer could not be installed: ${told}`), lines);
    assert.deepEqual(fn.otlp.spans, []);
  });
}

test('globals that user code breaks during the handler: the answer is the handler’s', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `exports.handler = async ({ breaks }) => {
        if (!breaks) return 'whole';
        const fail = () => { throw new Error('broken'); };
        Date.now = fail;
        globalThis.setTimeout = fail;
        globalThis.setImmediate = fail;
        Math.random = fail;
        performance.now = fail;
        return 'broken';
      };`,
    },
  });
  assert.equal((await fn.invoke({})).text, '"whole"');
  for (const _ of [1, 2, 3]) assert.equal((await fn.invoke({ breaks: true })).text, '"broken"');
  assert.equal((await fn.emulator.shutdown())!.exitCode, 0);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 4);
});

test('spans with values of the wrong kind cost no invocation, also when time is watched', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        exports.handler = async ({ waitMs }) => {
          const tracer = trace.getTracer('test');
          for (const name of [7, undefined, null, { toString() { throw new Error('no name'); } }, Symbol('s')]) {
            try {
              const span = tracer.startSpan(name, { attributes: { a: { b: 1 }, get c() { return 1n; } } });
              span.updateName(name);
              span.setAttribute('x', () => {}).setStatus('bad').addEvent(undefined, 5);
              if (waitMs === 0) span.end('yesterday');
            } catch {}
          }
          await new Promise((resolve) => setTimeout(resolve, waitMs));
          return 'done';
        };`,
    },
    packages: ['@opentelemetry/api'],
    timeoutMs: 1500,
  });
  for (const waitMs of [0, 100, 1450]) assert.equal((await fn.invoke({ waitMs })).text, '"done"', `${waitMs}`);
  assert.equal((await fn.invoke({ waitMs: 0 })).text, '"done"');
});

test('parts that hooks have put in and that throw: no invocation is lost; after ten faults the tracer is off, with one line', async () => {
  await using fn = await startFunction({
    files: {
      'hooks.cjs': `
        const fail = () => { throw new Error('broken part'); };
        let decisions = 0;
        const shouldSample = () => (++decisions > 4 ? fail() : { decision: 2 });
        globalThis.configureTracer = (config) => ({ ...config, sampler: { shouldSample, toString: () => 'broken' } });
        globalThis.configureTracerProvider = (provider) => {
          provider.addSpanProcessor({ onStart: fail, onEnd: fail, forceFlush: fail, shutdown: () => Promise.reject(new Error('broken part')) });
        };`,
      'index.js': "exports.handler = async () => 'done';",
    },
    environment: { NODE_OPTIONS: '--require ./hooks.cjs' },
  });
  for (let round = 0; round < 14; round++) assert.equal((await fn.invoke({})).text, '"done"');
  const lines = faults(fn);
  assert.equal(lines.length, 2, lines.join('\n'));
  assert.match(lines[0]!, /fault 1 of the tracer, the function is not affected: Error: broken part/);
  assert.match(lines[1]!, /fault 10 of the tracer, nothing is traced from now on: Error: broken part/);
  // What was recorded before was sent, and the process ends in order.
  assert.ok(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length >= 2);
  assert.equal((await fn.emulator.shutdown())!.exitCode, 0);
});

for (const variable of ['OTEL_SDK_DISABLED', 'SPANSTRAP_DISABLED']) {
  test(`${variable} leaves the plain runtime: no span, no extension, no file, nothing in the process`, async () => {
    const files: FunctionOptions['files'] = {
      'index.mjs': `import diagnostics from 'node:diagnostics_channel';
        export const handler = async () => ({
          api: Object.getOwnPropertySymbols(globalThis).filter((one) => String(one).includes('opentelemetry')).length,
          channels: ['http.client.request.start', 'undici:request:create'].map((name) => diagnostics.hasSubscribers(name)),
          trace: process.env._X_AMZN_TRACE_ID,
        });`,
    };
    await using fn = await startFunction({
      files,
      environment: { [variable]: 'true', SPANSTRAP_SPOOL_FOLDER: spool },
    });
    const traceHeader = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
    const result = await fn.invoke({}, { traceHeader });
    assert.deepEqual(result.json(), { api: 0, channels: [false, false], trace: traceHeader });
    assert.deepEqual(fn.emulator.state!.extensions, []);
    assert.deepEqual([fn.otlp.requests, fn.xray.datagrams, readdirSync(spool)], [[], [], []]);
    fn.emulator.kill('SIGTERM');
  });
}

test('telemetry takes 5 % of the function’s memory at most; what does not fit is counted, and errors stay', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        const tracer = trace.getTracer('test');
        let sequence = 0;
        exports.handler = async ({ spans }) => {
          for (let n = 0; n < spans; n++) {
            const span = tracer.startSpan('large', { attributes: { n: sequence++, text: String(n).padEnd(10_000, 'x') } });
            if (n === 0) span.setStatus({ code: 2 });
            span.end();
          }
          return spans;
        };`,
    },
    packages: ['@opentelemetry/api'],
    memoryMb: 128,
    xray: false,
  });
  await fn.invoke({ spans: 0 });
  fn.otlp.clear();
  assert.equal((await fn.invoke({ spans: 3000 })).text, '3000');
  const root = (await fn.invoke({ spans: 0 })).requestId;
  const large = fn.otlp.spans.filter(({ name }) => name === 'large');
  const dropped = Number(
    fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === root)!.flat['spanstrap.dropped.otlp.memory'],
  );
  assert.equal(large.length + dropped, 3000);
  assert.ok(large.length * 10_000 <= 128 * 1024 * 1024 * 0.05);
  assert.ok(large.length > 300, `${large.length} spans were kept`);
  assert.ok(
    large.some(({ flat }) => flat.n === 0),
    'the first one was an error',
  );
});

test('the tracer’s own time is on the spans, per invocation and of init; the time of the flush is in Overhead', async () => {
  await using fn = await startFunction({ files: { 'index.mjs': 'export const handler = async () => 1;' } });
  for (const _ of [1, 2, 3]) await fn.invoke({});
  const named = (name: string) => fn.otlp.spans.filter((span) => span.name === name);
  const roots = named('test-function');
  assert.equal(roots.length, 3);
  for (const { flat } of [...roots, ...named('Initialization')]) {
    const us = flat['spanstrap.overhead_us'];
    assert.ok(Number.isInteger(us) && Number(us) > 0 && Number(us) < 5e6, `${us}`);
  }
  assert.equal(named('Initialization').length, 1);
  const [first, ...later] = named('Overhead');
  assert.equal(first!.flat['spanstrap.previous_flush_us'], undefined);
  for (const { flat } of later) assert.ok(Number(flat['spanstrap.previous_flush_us']) > 0);
});
