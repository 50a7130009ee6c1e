// However the process dies, what it recorded is delivered or counted: by itself in the time there is, else by the
// next process of the same environment, once.

import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { until } from '../support/conditions.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const spools = mkdtempSync(join(tmpdir(), 'spools-'));
after(() => rmSync(spools, { recursive: true, force: true }));

let folders = 0;

type Stand = { readonly fn: FunctionUnderTest; readonly spool: string };

/** `death` stands in the handler, behind a span that has ended and one that has not. */
async function startDying(death: string, options: { memoryMb?: number; environment?: object } = {}): Promise<Stand> {
  const spool = mkdtempSync(join(spools, `${++folders}-`));
  const fn = await startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        const tracer = trace.getTracer('test');
        exports.handler = async ({ dies }) => {
          if (!dies) return 'lives';
          tracer.startSpan('ended one').end();
          tracer.startSpan('open one');
          ${death}
        };`,
    },
    packages: ['@opentelemetry/api'],
    memoryMb: 128,
    ...options,
    environment: { SPANSTRAP_SPOOL_FOLDER: spool, ...options.environment },
  });
  return { fn, spool };
}

const names = (documents: readonly XrayDocument[]): string[] =>
  documents.flatMap((document) => [document.name, ...names(document.subsegments ?? [])]);

const ofRequest = (fn: FunctionUnderTest, requestId: string): ReceivedSpan[] => {
  const traceId = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === requestId)?.traceId;
  return fn.otlp.spans.filter((span) => span.traceId === traceId);
};

const spanNames = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ name }) => name).sort();

function assertNothingTwice(fn: FunctionUnderTest): void {
  const ids = fn.otlp.spans.map(({ spanId }) => spanId);
  assert.equal(new Set(ids).size, ids.length, 'an OTLP span came twice');
  const documents = fn.xray.documents.filter(({ in_progress }) => in_progress !== true).map(({ id }) => id);
  assert.equal(new Set(documents).size, documents.length, 'an X-Ray document came twice');
}

async function killAndWait(fn: FunctionUnderTest): Promise<void> {
  const stat = `/proc/${fn.emulator.pid}/stat`;
  fn.emulator.kill('SIGKILL');
  await until(() => !existsSync(stat), 'the process is gone');
}

const ALL = ['Invocation', 'Overhead', 'ended one', 'open one', 'test-function'];

for (const [what, death, errorType] of [
  [
    'an uncaught exception',
    'setTimeout(() => { throw new RangeError("boom"); }); await new Promise(() => {});',
    'RangeError',
  ],
  [
    'a rejection that nobody caught',
    'Promise.reject(new RangeError("boom")); await new Promise(() => setTimeout(() => {}, 60_000));',
    'Runtime.UnhandledPromiseRejection',
  ],
  [
    'a stack overflow outside of the handler',
    'setTimeout(() => { const f = () => f() + 1; f(); }); await new Promise(() => {});',
    'RangeError',
  ],
] as const) {
  test(`${what}: answered, and everything is sent before the process ends`, async () => {
    const { fn, spool } = await startDying(death);
    await using _ = fn;
    await fn.invoke({});
    const before = fn.xray.documents.length;
    const result = await fn.invoke({ dies: true });
    assert.deepEqual([result.status, (result.json() as { errorType: string }).errorType], ['error', errorType]);
    const spans = ofRequest(fn, result.requestId);
    assert.deepEqual(spanNames(spans), ALL);
    const server = spans.find(({ name }) => name === 'test-function')!;
    assert.deepEqual([server.status?.code, server.flat['error.type']], [2, errorType]);
    assert.equal(spans.find(({ name }) => name === 'open one')!.flat['spanstrap.unfinished'], true);
    assert.deepEqual(
      names(fn.xray.documents.slice(before)).sort(),
      ALL.filter((name) => name !== 'test-function'),
    );
    assert.deepEqual(readdirSync(spool), [], 'nothing is left for anybody');
    await fn.invoke({});
    assertNothingTwice(fn);
  });
}

test('a stack overflow in the handler is its error, and nothing dies', async () => {
  const { fn } = await startDying('const f = () => f() + 1; f();');
  await using _ = fn;
  const { status, requestId } = await fn.invoke({ dies: true });
  assert.equal(status, 'error');
  assert.equal((await fn.invoke({})).cold, false);
  assert.ok(spanNames(ofRequest(fn, requestId)).includes('ended one'));
});

for (const [how, death, attributes] of [
  ['exit', 'process.exit(3);', { 'spanstrap.process_end': 'exit', 'process.exit.code': 3 }],
  ['exit', 'process.exitCode = 4; process.exit();', { 'spanstrap.process_end': 'exit', 'process.exit.code': 4 }],
  ['abort', 'process.abort();', { 'spanstrap.process_end': 'abort' }],
] as const) {
  test(`${death}: X-Ray hears of it at once, OTLP from the next process, which says how it ended`, async () => {
    const { fn, spool } = await startDying(death);
    await using _ = fn;
    await fn.invoke({});
    const before = fn.xray.documents.length;
    const result = await fn.invoke({ dies: true });
    assert.equal(result.status, 'crash');
    const documents = fn.xray.documents.slice(before);
    assert.deepEqual(
      names(documents).sort(),
      ALL.filter((name) => name !== 'test-function'),
    );
    assert.equal(documents.find(({ name }) => name === 'Invocation')!.fault, true);
    assert.deepEqual(ofRequest(fn, result.requestId), []);
    const [file, ...others] = readdirSync(spool);
    assert.deepEqual(others, []);
    assert.equal(statSync(join(spool, file!)).mode & 0o777, 0o600, 'nobody else may read it');

    await fn.invoke({});
    const spans = ofRequest(fn, result.requestId);
    assert.deepEqual(spanNames(spans), ALL);
    const { flat, status } = spans.find(({ name }) => name === 'Invocation')!;
    assert.deepEqual([status?.code, flat['error.type']], [2, 'Runtime.ExitError']);
    for (const [name, value] of Object.entries(attributes)) assert.equal(flat[name], value, `${how} ${name}`);
    await fn.invoke({});
    assertNothingTwice(fn);
    await fn.emulator.shutdown();
    assert.deepEqual(readdirSync(spool), []);
  });
}

/** Deaths that no code of the process sees. */
for (const [what, death, seen] of [
  ['SIGKILL', 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {});', ['open one', 'ended one']],
  [
    'SIGKILL when the list of open spans is up to date',
    `const { readdirSync, readFileSync } = require('node:fs');
     const folder = process.env.SPANSTRAP_SPOOL_FOLDER;
     const isListed = () => readdirSync(folder).some((file) => readFileSync(folder + '/' + file, 'latin1').includes('ended one'));
     while (isListed()) await new Promise(setImmediate);
     process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});`,
    ['open one'],
  ],
  ['SIGSEGV', 'process.kill(process.pid, "SIGSEGV"); await new Promise(() => {});', ['open one', 'ended one']],
  ['V8’s heap limit', 'const hoard = []; for (;;) hoard.push(new Array(1000).fill({}));', ['open one', 'ended one']],
] as const) {
  test(`${what}: the next process tells of the invocation, its open spans, and how many are lost`, async () => {
    const { fn, spool } = await startDying(death);
    await using _ = fn;
    await fn.invoke({});
    const result = await fn.invoke({ dies: true });
    assert.equal(result.status, 'crash');

    const before = fn.xray.documents.length;
    const next = await fn.invoke({});
    assert.equal(next.status, 'success');
    const spans = ofRequest(fn, result.requestId);
    const recovered = spanNames(spans).filter((name) => name.endsWith('one'));
    assert.ok(recovered.includes('open one'));
    assert.ok(recovered.every((name) => (seen as readonly string[]).includes(name)));
    for (const name of ['test-function', 'Invocation']) {
      const { flat, status } = spans.find((span) => span.name === name)!;
      assert.deepEqual(
        [status?.code, flat['spanstrap.process_end'], flat['error.type'], flat['spanstrap.unfinished']],
        [2, 'killed', 'Runtime.ExitError', true],
      );
    }
    const [document] = fn.xray.documents.slice(before);
    assert.deepEqual(
      [document!.name, document!.fault, names(document!.subsegments ?? []).includes('open one')],
      ['Invocation', true, true],
    );
    // Two spans of the function's and two of the runtime's were begun; what did not come is counted.
    const root = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === next.requestId)!;
    const lost = 2 - recovered.length;
    assert.equal(root.flat['spanstrap.dropped.otlp.killed'], lost === 0 ? undefined : lost);
    assert.equal(root.flat['spanstrap.dropped.xray.killed'], lost === 0 ? undefined : lost);
    assert.ok(fn.emulator.logs.some((line) => line.includes(`ended during request ${result.requestId}`)));
    await fn.invoke({});
    assertNothingTwice(fn);
    await fn.emulator.shutdown();
    assert.deepEqual(readdirSync(spool), []);
  });
}

test('killed by the platform’s time limit while it waits: the timeout is told of once, by whoever could', async () => {
  const { fn } = await startDying('await new Promise(() => setTimeout(() => {}, 60_000));');
  await using _ = fn;
  await fn.invoke({});
  const result = await fn.emulator.invoke({ dies: true }, { timeoutMs: 1000 } as object);
  await result.idle;
  assert.equal(result.status, 'timeout');
  await fn.invoke({});
  assertNothingTwice(fn);
  const ends = ofRequest(fn, result.requestId).filter(({ name }) => name === 'test-function');
  assert.deepEqual(
    ends.map(({ flat }) => flat['spanstrap.process_end']),
    ['timeout'],
  );
});

test('a kill between invocations is no failure of one; lost is the span that was still open, and counted', async () => {
  const { fn } = await startDying('');
  await using _ = fn;
  const first = await fn.invoke({ dies: true });
  await killAndWait(fn);
  const next = await fn.invoke({});
  assert.equal(next.status, 'success');
  const root = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === next.requestId)!;
  assert.deepEqual(
    Object.entries(root.flat).filter(([name]) => name.startsWith('spanstrap.dropped')),
    [
      ['spanstrap.dropped.xray.killed', 1],
      ['spanstrap.dropped.otlp.killed', 1],
    ],
  );
  assert.ok(ofRequest(fn, first.requestId).every(({ flat }) => !('spanstrap.process_end' in flat)));
  assertNothingTwice(fn);
});

test('an environment that dies in every invocation: each is told of once', async () => {
  const { fn, spool } = await startDying('process.exit(1);');
  await using _ = fn;
  const ids: string[] = [];
  for (let round = 0; round < 4; round++) ids.push((await fn.invoke({ dies: true })).requestId);
  assert.ok(readdirSync(spool).length <= 10);
  await fn.invoke({});
  for (const id of ids)
    assert.deepEqual(
      spanNames(ofRequest(fn, id)).filter((name) => ALL.includes(name)),
      ALL,
    );
  assertNothingTwice(fn);
});

test('another environment leaves the file of a dead one alone, in whatever folder they share', async () => {
  const { fn, spool } = await startDying('process.exit(1);');
  await using _ = fn;
  await fn.invoke({ dies: true });
  const files = readdirSync(spool);
  assert.equal(files.length, 1);
  const { fn: other } = await startDying('', { environment: { SPANSTRAP_SPOOL_FOLDER: spool } });
  await using __ = other;
  await other.invoke({});
  await other.emulator.shutdown();
  assert.deepEqual(readdirSync(spool), files);
  assert.ok(other.otlp.spans.every(({ flat }) => !('spanstrap.process_end' in flat)));
});

const MANY = 'for (let n = 0; n < 500; n++) tracer.startSpan("many", { attributes: { n } }).end();';

test('500 spans and an exit: the next process sends each of them once', async () => {
  const { fn } = await startDying(`${MANY} process.exit(1);`);
  await using _ = fn;
  await fn.invoke({ dies: true });
  await fn.invoke({});
  const numbers = fn.otlp.spans.filter(({ name }) => name === 'many').map(({ flat }) => flat.n);
  assert.deepEqual(
    numbers,
    Array.from({ length: 500 }, (_, n) => n),
  );
  assertNothingTwice(fn);
});

for (const [what, death] of [
  ['at once', 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {});'],
  [
    'while an export may be under way',
    'await new Promise((resolve) => setTimeout(resolve, 60)); process.kill(process.pid, "SIGKILL"); await new Promise(() => {});',
  ],
] as const) {
  for (const [mode, environment] of [
    ['async', {}],
    ['continuous', { SPANSTRAP_FLUSH_STRATEGY: 'continuous,1' }],
  ] as const) {
    test(`502 spans and SIGKILL ${what}, ${mode}: what is not delivered is counted`, async () => {
      const { fn } = await startDying(`${MANY} ${death}`, { environment });
      await using _ = fn;
      await fn.invoke({});
      assert.equal((await fn.invoke({ dies: true })).status, 'crash');
      const next = await fn.invoke({});
      await fn.emulator.shutdown();
      const delivered = fn.otlp.spans.filter(({ name }) => name === 'many' || name.endsWith(' one')).length;
      const root = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === next.requestId)!;
      const lost = (reason: string): number => Number(root.flat[`spanstrap.dropped.otlp.${reason}`] ?? 0);
      assert.ok(delivered + lost('killed') <= 502, `${delivered} delivered, ${lost('killed')} killed`);
      assert.ok(delivered + lost('killed') + lost('unknown_fate') >= 502, `${delivered}, ${JSON.stringify(root.flat)}`);
      assertNothingTwice(fn);
    });
  }
}

test('a spool folder that cannot be written to: nothing is spooled, and the function does not feel it', async () => {
  const { fn } = await startDying('process.exit(1);', { environment: { SPANSTRAP_SPOOL_FOLDER: '/proc/nowhere' } });
  await using _ = fn;
  assert.equal((await fn.invoke({})).status, 'success');
  assert.equal((await fn.invoke({ dies: true })).status, 'crash');
  assert.equal((await fn.invoke({})).status, 'success');
});

test('a link in the place of the file is not followed: what it points to is neither read nor written', async () => {
  const { fn, spool } = await startDying('');
  await using _ = fn;
  await fn.invoke({});
  await killAndWait(fn);
  const [file] = readdirSync(spool);
  const victim = join(spool, 'victim');
  renameSync(join(spool, file!), victim);
  const content = readFileSync(victim);
  symlinkSync(victim, join(spool, file!));
  for (const _ of [1, 2]) assert.equal((await fn.invoke({})).status, 'success');
  assert.deepEqual(readFileSync(victim), content);
  assert.equal(lstatSync(join(spool, file!)).isSymbolicLink(), false);
});

test('a crash while a large answer is on its way: the caller gets the whole answer', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = async ({ dies }) => {
        if (dies) setImmediate(() => { throw new Error('too late'); });
        return 'x'.repeat(5_000_000);
      };`,
    },
  });
  const { status, text } = await fn.invoke({ dies: true });
  assert.deepEqual([status, text.length], ['success', 5_000_002]);
  assert.equal((await fn.invoke({})).text.length, 5_000_002);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'Invocation').length, 2);
});
