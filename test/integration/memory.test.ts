// Memory of a function that is called again and again: what the runtime keeps of an invocation is nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

/** Until V8 has found its sizes: little survives a collection, so that full ones, after which they are settled, are rare. */
const WARM_UP = 30_000;
const MEASURED = 20_000;
const LIMIT_MIB = 2;

/** The same one every time: glibc's setenv keeps each value that a variable ever had (docs/decisions/trace-id-variable.md). */
const TRACE = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';

const PLAIN = {
  'index.mjs': `export const handler = async ({ n, collects }) => {
      if (collects) for (let round = 0; round < 4; round++) gc();
      return { n };
    };`,
};

/** Resident memory after a collection, MiB (Linux). */
async function residentMib({ emulator }: FunctionUnderTest): Promise<number> {
  await (await emulator.invoke({ collects: true }, { traceHeader: TRACE })).idle;
  const status = readFileSync(`/proc/${emulator.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

for (const isTraced of [false, true]) {
  test(`${MEASURED} warm invocations of a plain handler, tracing ${isTraced ? 'on' : 'off'}: less than ${LIMIT_MIB} MiB`, async (t) => {
    await using fn = await startFunction({
      files: PLAIN,
      otlp: false,
      xray: isTraced,
      memoryMb: 128,
      environment: {
        // Otherwise V8 lets the space of young objects grow for as long as now and then one survives, up to 6 MiB here.
        NODE_OPTIONS: '--max-semi-space-size=1',
        // The trace header of the environment is another one with each span id of ours.
        ...(isTraced && { SPANSTRAP_XRAY_MODE: 'attach' }),
      },
    });
    const run = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) {
        await (await fn.emulator.invoke({ n }, { traceHeader: TRACE })).idle;
        if (n % 1000 === 0) fn.xray.clear();
      }
    };
    await run(WARM_UP);
    const before = await residentMib(fn);
    await run(MEASURED);
    const grown = (await residentMib(fn)) - before;
    t.diagnostic(`resident memory ${before.toFixed(1)} MiB after the warm-up, ${grown.toFixed(2)} MiB more at the end`);
    assert.equal(fn.emulator.generation, 1);
    assert.ok(grown < LIMIT_MIB, `grew by ${grown.toFixed(2)} MiB`);
  });
}
