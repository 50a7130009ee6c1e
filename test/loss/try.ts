import { makeCertificates } from '../support/certificates.ts';
import { type Backend, type Cell, ENDS, type Mode } from './fault-matrix.ts';
import {
  balanceOf,
  countCell,
  deliveriesOfDocuments,
  deliveriesOfSpans,
  droppedOf,
  isSettled,
} from './ledger-balance.ts';
import { LedgerEnvironment } from './ledger-environment.ts';
import { readLedger } from './ledger-function.ts';

const cleanup: (() => unknown)[] = [];
const scope = { after: (w: () => unknown) => void cleanup.push(w) };
const good = makeCertificates(scope)!;
const [mode, backend, freeze = 'no freeze', ends = ENDS.join()] = process.argv.slice(2) as [Mode, Backend, any, string];
const t0 = performance.now();
const env = await LedgerEnvironment.start(mode, backend, { good, badPort: 1 });
const cells = ends.split(',').map((end) => ({ mode, backend, freeze, end }) as Cell);
for (const cell of cells) {
  const t = performance.now();
  await env.run(cell);
  console.log(cell.end, Math.round(performance.now() - t));
}
for (let i = 0; i < 3; i++) {
  await env.settle();
  const created = readLedger(env.ledgerPath);
  const roots = env.spans.filter((s) => s.kind === 2 || String(s.kind) === 'SPAN_KIND_SERVER');
  const own = env.spans
    .filter((s) => s.traceId === env.entries.at(-1)!.traceId && !s.name.startsWith('span '))
    .map((s) => s.name);
  const b = balanceOf('otlp', {
    entries: env.entries,
    created,
    deliveries: deliveriesOfSpans(env.spans),
    roots,
    initSpans: 5,
  });
  const x = balanceOf('xray', {
    entries: env.entries,
    created,
    deliveries: deliveriesOfDocuments(env.documents),
    roots,
    initSpans: 5,
  });
  console.log(own.join());
  console.log(b, isSettled(b), b.begun - b.delivered - droppedOf(b));
  console.log(x, isSettled(x), x.begun - x.delivered - droppedOf(x));
  if (i === 2 || (isSettled(b) && isSettled(x))) {
    for (const cell of cells)
      console.log(
        cell.end,
        countCell(cell, env.entries, created, deliveriesOfSpans(env.spans)),
        countCell(cell, env.entries, created, deliveriesOfDocuments(env.documents)),
      );
    if (!isSettled(b))
      for (const e of env.entries)
        console.log(
          e.end,
          e.status,
          e.isFirstOfProcess,
          e.first,
          env.spans
            .filter((s) => s.traceId === e.traceId)
            .map((s) => s.name)
            .join(),
        );
    if (!isSettled(x))
      for (const e of env.entries)
        console.log(
          'X',
          e.end,
          e.status,
          e.isFirstOfProcess,
          e.first,
          env.documents
            .filter((s) => s.trace_id?.slice(2).replace('-', '') === e.traceId)
            .map((s) => s.name)
            .join(),
        );
    break;
  }
}
console.log(env.fn.emulator.logs.filter((l) => l.includes('spanstrap')).join('\n'));
console.log(Math.round(performance.now() - t0), 'ms');
await env.close();
for (const w of cleanup) w();
