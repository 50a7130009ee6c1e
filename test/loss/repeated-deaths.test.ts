// What one process knows of losses is handed on whenever it dies itself: numbers that are in no file die with it.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

const spools = mkdtempSync(join(tmpdir(), 'spools-'));
after(() => rmSync(spools, { recursive: true, force: true }));

const DIE = 'process.kill(process.pid, "SIGKILL"); await new Promise(() => {});';
const MANY = 'for (let n = 0; n < 30; n++) tracer.startSpan("many").end();';

const CLEAN = `for (const name of readdirSync(process.env.SPANSTRAP_SPOOL_FOLDER))
  rmSync(process.env.SPANSTRAP_SPOOL_FOLDER + '/' + name);`;

/** `deaths`: what the handler does when it is asked to, by name. */
function startDying(deaths: Readonly<Record<string, string>>, environment: object = {}): Promise<FunctionUnderTest> {
  const branches = Object.entries(deaths).map(([name, code]) => `if (how === '${name}') { ${code} }`);
  return startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        const { readdirSync, rmSync } = require('node:fs');
        const tracer = trace.getTracer('test');
        exports.handler = async ({ how }) => { ${branches.join('\n')} };`,
    },
    packages: ['@opentelemetry/api'],
    environment: { SPANSTRAP_SPOOL_FOLDER: mkdtempSync(join(spools, '-')), ...environment },
  });
}

const droppedOf = (fn: FunctionUnderTest, requestId: string, account: string): Record<string, unknown> => {
  const root = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === requestId)!;
  const prefix = `spanstrap.dropped.${account}.`;
  return Object.fromEntries(
    Object.entries(root.flat).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
};

test('killed after it has read what a killed one left: both losses are counted', async () => {
  await using fn = await startDying({
    first: `${MANY} ${DIE}`,
    second: `const isUnread = () => readdirSync(process.env.SPANSTRAP_SPOOL_FOLDER).some((name) => name.includes('.dead'));
      while (isUnread()) await new Promise(setImmediate);
      ${DIE}`,
  });
  await fn.invoke({});
  assert.equal((await fn.invoke({ how: 'first' })).status, 'crash');
  assert.equal((await fn.invoke({ how: 'second' })).status, 'crash');
  const { requestId } = await fn.invoke({});
  const delivered = fn.otlp.spans.filter(
    ({ flat, name }) => name === 'many' || flat['spanstrap.process_end'] === 'killed',
  );
  // The two own spans of each invocation that was killed, and the function's.
  const { killed = 0, unknown_fate: unknown = 0, ...others } = droppedOf(fn, requestId, 'otlp');
  assert.deepEqual(others, {});
  const certain = delivered.length + Number(killed);
  const begun = 2 + 30 + 2;
  assert.ok(certain <= begun && certain + Number(unknown) >= begun, `${delivered.length}, ${killed}, ${unknown}`);
});

test('killed in an invocation whose spans a backend has refused already: they stay in the books', async () => {
  await using fn = await startDying(
    { refused: `${MANY} setInterval(() => {}, 1000); await new Promise(() => {});` },
    { SPANSTRAP_FLUSH_STRATEGY: 'continuous,1' },
  );
  await fn.invoke({});
  fn.otlp.clear();
  fn.otlp.answerWith({ status: 400 });
  const dying = fn.invoke({ how: 'refused' });
  await fn.emulator.waitFor(() => fn.emulator.logs.some((line) => line.includes('export failed')), {
    what: 'a refusal',
  });
  fn.emulator.kill('SIGKILL');
  assert.equal((await dying).status, 'crash');
  const received = fn.otlp.spans.length;
  fn.otlp.answerWith(undefined);
  const { requestId } = await fn.invoke({});
  await fn.emulator.shutdown();
  const { refused = 0, unknown_fate: unknown = 0 } = droppedOf(fn, requestId, 'otlp');
  assert.ok(Number(refused) > 0);
  assert.ok(
    Number(refused) + Number(unknown) >= received,
    `${received} received, ${refused} refused, ${unknown} unknown`,
  );
});

test('a function that empties the folder: later deaths are told of all the same', async () => {
  await using fn = await startDying({ cleans: CLEAN, dies: DIE });
  await fn.invoke({ how: 'cleans' });
  const { status, requestId } = await fn.invoke({ how: 'dies' });
  assert.equal(status, 'crash');
  await fn.invoke({});
  const server = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === requestId);
  assert.equal(server?.flat['spanstrap.process_end'], 'killed');
});

test('a function that empties the folder and exits: the next process has its spans', async () => {
  await using fn = await startDying({ dies: `${MANY} ${CLEAN} process.exit(1);` });
  await fn.invoke({});
  assert.equal((await fn.invoke({ how: 'dies' })).status, 'crash');
  await fn.invoke({});
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'many').length, 30);
});

test('process.exit that a listener’s exception stops: what was left for the next process is sent by this one', async () => {
  await using fn = await startDying({
    exits: `${MANY}
      process.once('exit', () => { throw new Error('not yet'); });
      try { process.exit(1); } catch {}`,
  });
  await fn.invoke({});
  const { status } = await fn.invoke({ how: 'exits' });
  assert.equal(status, 'success');
  assert.equal((await fn.invoke({})).cold, false);
  assert.equal(fn.otlp.spans.filter(({ name }) => name === 'many').length, 30);
  const ids = fn.otlp.spans.map(({ spanId }) => spanId);
  assert.equal(new Set(ids).size, ids.length, 'a span came twice');
  await fn.emulator.shutdown();
  assert.ok(!fn.emulator.logs.some((line) => line.includes('kept for the next process')), fn.emulator.logs.join('\n'));
});
