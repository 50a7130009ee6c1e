// The function whose spans are counted: it writes down the serial number of every span that it begins, where no tracer is involved.

import { existsSync, readFileSync } from 'node:fs';

export const LEDGER_VARIABLE = 'LEDGER_FILE';
export const SPANS_PER_INVOCATION = 4;
const OOM_MEMORY = 1_000_000;

/** What an invocation is told: the serial number of its first span, and how to end. */
export type LedgerEvent = { readonly first: number; readonly end: string };

export const LEDGER_FUNCTION = {
  'index.mjs': `
    import { openSync, writeSync } from 'node:fs';
    import { trace } from '@opentelemetry/api';
    const ledger = openSync(process.env.${LEDGER_VARIABLE}, 'a');
    const tracer = trace.getTracer('ledger');
    const begin = (serial) => {
      const span = tracer.startSpan('span ' + serial);
      writeSync(ledger, serial + '\\n');
      return span;
    };
    const never = () => new Promise(() => setTimeout(() => {}, 60_000));
    const ends = {
      normal: () => {},
      throw() { throw new Error('as ordered'); },
      exit() { process.exit(3); },
      timeout: never,
      SIGKILL() { process.kill(process.pid, 'SIGKILL'); return never(); },
      OOM() { for (const hold = []; ; ) hold.push(Array.from({ length: ${OOM_MEMORY} }, (_, n) => ({ n }))); },
    };
    export const handler = async ({ first, end }) => {
      const open = begin(first);
      for (let serial = first + 1; serial < first + ${SPANS_PER_INVOCATION}; serial++) begin(serial).end();
      await ends[end]();
      open.end();
      return { first, end, text: 'ä'.repeat(100) };
    };`,
};

/** The serial numbers that the function has begun spans for. */
export function readLedger(path: string): number[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map(Number);
}
