// An invocation that does not come to its end by itself is an error: with SPANSTRAP_OTLP_KEEP=errors it is kept, whoever has to tell
// of it.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from '../support/conditions.ts';
import { startHttpServer } from '../support/http-server.ts';
import {
  droppedOf,
  invokeOnce,
  namesOf,
  ORDERS,
  OWN,
  ofRequest,
  reasonOf,
  serverOf,
  startKeeping,
} from '../support/keeping-function.ts';

for (const watchdog of ['auto', 'off']) {
  test(`F172: out of time is an error: the marker before the deadline, and the spans; watchdog ${watchdog}`, async (t) => {
    const fn = await startKeeping(t, 'errors', { timeoutMs: 2000, environment: { SPANSTRAP_WATCHDOG: watchdog } });
    const { port } = await startHttpServer(t, () => {});
    const { result, spans } = await invokeOnce(fn, { url: `http://127.0.0.1:${port}/` });
    assert.equal(result.status, 'timeout');
    const kept = spans.filter(({ name }) => [...OWN, 'GET', 'Timeout imminent'].includes(name));
    assert.deepEqual(namesOf(kept), [...OWN, 'GET', 'Timeout imminent'].toSorted());
    assert.deepEqual([serverOf(spans).flat['spanstrap.process_end'], reasonOf(spans)], ['timeout', 'errors']);
  });
}

test('F172: a blocked event loop: the watchdog’s marker, and the spans from the next process', async (t) => {
  const fn = await startKeeping(t, 'errors', {
    timeoutMs: 2000,
    memoryMb: 512,
    environment: { SPANSTRAP_SPOOL_FOLDER: newFolder(t) },
  });
  await invokeOnce(fn, {});
  const { result } = await invokeOnce(fn, { waitMs: 1000, blocks: true });
  assert.equal(result.status, 'timeout');
  assert.deepEqual(namesOf(ofRequest(fn, result.requestId)), ['Timeout imminent']);
  await invokeOnce(fn, {});
  const spans = ofRequest(fn, result.requestId);
  // The list of open spans was not written once more when `inner` ended.
  const names = namesOf(spans).filter((name) => name !== 'inner');
  assert.deepEqual(names, ['Invocation', 'Timeout imminent', 'outer', 'test-function']);
  assert.deepEqual([serverOf(spans).flat['spanstrap.process_end'], reasonOf(spans)], ['timeout', 'errors']);
});

test('F172: near its deadline and done after all: kept, since the marker says that something was wrong', async (t) => {
  const fn = await startKeeping(t, 'errors', { timeoutMs: 2000 });
  const { spans } = await invokeOnce(fn, { waitMs: 1700 });
  const names = namesOf(spans);
  assert.ok(names.includes('test-function') && names.includes('outer'), names.join());
  assert.equal(reasonOf(spans), 'deadline');
});

test('F172: a crash is kept', async (t) => {
  const fn = await startKeeping(t, 'errors', {
    files: {
      'index.mjs': `export const handler = async ({ crashes }) => {
        if (!crashes) return 1;
        setTimeout(() => { throw new RangeError('boom'); });
        await new Promise(() => {});
      };`,
    },
  });
  assert.deepEqual((await invokeOnce(fn, {})).spans, []);
  const { spans } = await invokeOnce(fn, { crashes: true });
  assert.deepEqual(namesOf(spans), ['Invocation', 'Overhead', 'test-function']);
  assert.equal(reasonOf(spans), 'errors');
});

/** Without a span of the function's own nobody looks into an invocation while it runs. */
const PLAIN = {
  'index.mjs': `export const handler = async ({ kills, fails }) => {
    if (kills) { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); }
    if (fails) throw new RangeError('boom');
  };`,
};

for (const [what, files, begun] of [
  ['that nobody has looked into', PLAIN, ['Invocation', 'test-function']],
  [
    'with spans, some of which had ended',
    ORDERS,
    ['Invocation', 'inner', 'many', 'many', 'many', 'outer', 'test-function'],
  ],
] as const) {
  test(`F172: the next process tells of an invocation ${what} when the process was killed`, async (t) => {
    const fn = await startKeeping(t, 'errors', { files, environment: { SPANSTRAP_SPOOL_FOLDER: newFolder(t) } });
    assert.deepEqual((await invokeOnce(fn, { many: 3 })).spans, []);
    const { result } = await invokeOnce(fn, { kills: true, many: 3 });
    assert.equal(result.status, 'crash');
    const next = await invokeOnce(fn, { fails: true });
    const spans = ofRequest(fn, result.requestId);
    assert.deepEqual([serverOf(spans).flat['spanstrap.process_end'], reasonOf(spans)], ['killed', 'errors']);
    for (const name of namesOf(spans)) assert.ok((begun as readonly string[]).includes(name), name);
    // The open spans are drawn again, the ended ones are lost, and counted.
    const server = next.spans.find(({ flat }) => flat['faas.invocation_id'] === next.result.requestId)!;
    const lost = begun.length - spans.length;
    assert.deepEqual(droppedOf(server), lost === 0 ? {} : { 'spanstrap.dropped.otlp.killed': lost });
    assert.deepEqual((await invokeOnce(fn, {})).spans, []);
  });
}

test('F172: a kill between invocations loses nothing of what was not kept', async (t) => {
  const fn = await startKeeping(t, 'errors', { environment: { SPANSTRAP_SPOOL_FOLDER: newFolder(t) } });
  await invokeOnce(fn, { many: 30 });
  const stat = `/proc/${fn.emulator.pid}/stat`;
  fn.emulator.kill('SIGKILL');
  await until(() => !existsSync(stat), 'the process is gone');
  const { spans } = await invokeOnce(fn, { fails: true });
  assert.deepEqual(droppedOf(serverOf(spans)), {});
  assert.ok(namesOf(spans).every((name) => name !== 'many'));
});

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'spool-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('F172: an init that fails is an error', async (t) => {
  const fn = await startKeeping(t, 'errors', { files: { 'index.mjs': 'throw new RangeError("not today");' } });
  await fn.invoke({});
  const roots = fn.otlp.spans.filter(({ name }) => name === 'Initialization');
  assert.deepEqual(
    roots.map(({ flat, flags = 1 }) => [flat['error.type'], flat['spanstrap.kept_because'], flags & 1]),
    [
      ['RangeError', 'errors', 0],
      ['RangeError', 'errors', 0],
    ],
  );
});
