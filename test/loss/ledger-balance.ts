// What an environment's books must say: every span that was begun is delivered or counted as dropped, and none is there twice.

import type { ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import type { Cell, End } from './fault-matrix.ts';
import { type Entry, type LossSources, serialOf } from './ledger-environment.ts';
import { SPANS_PER_INVOCATION } from './ledger-function.ts';

/** The function's own spans of one cell, as they came out at one backend. */
export type CellCount = { readonly created: number; readonly delivered: number; readonly doubled: number };

export type Balance = {
  readonly account: 'otlp' | 'xray';
  /** Spans that were begun, the runtime's own included. */
  readonly begun: number;
  readonly delivered: number;
  /** Deliveries of a span beyond its first. */
  readonly doubled: number;
  readonly droppedByReason: Readonly<Record<string, number>>;
  readonly resent: number;
  /** Documents of processes that exited while nobody listened at the daemon's address: they cannot have heard of it. */
  readonly blind: number;
  /** Serial numbers that nobody had begun. */
  readonly invented: readonly number[];
};

type Delivery = { readonly spanId: string; readonly name: string };

/** The runtime's own spans of an invocation: SERVER, Invocation, Overhead; a marker before a deadline. */
const OWN_SPANS: Readonly<Record<End, number>> = { normal: 3, throw: 3, exit: 3, timeout: 4, SIGKILL: 2, OOM: 2 };
/** There is no marker in X-Ray. */
const OWN_DOCUMENTS: Readonly<Record<End, number>> = { ...OWN_SPANS, timeout: 3 };

export const deliveriesOfSpans = (spans: readonly ReceivedSpan[]): Delivery[] =>
  spans.map(({ spanId, name }) => ({ spanId, name }));

/** The SERVER span has no document, it is the platform's segment: what there is to say of it comes with the Invocation. */
export const deliveriesOfDocuments = (documents: readonly XrayDocument[]): Delivery[] =>
  documents.flatMap(({ id: spanId, name }) =>
    name === 'Invocation'
      ? [
          { spanId, name },
          { spanId: `SERVER of ${spanId}`, name },
        ]
      : [{ spanId, name }],
  );

export function balanceOf(
  account: 'otlp' | 'xray',
  {
    entries,
    created,
    deliveries,
    losses,
    initSpans,
  }: {
    readonly entries: readonly Entry[];
    /** Serial numbers. */
    readonly created: readonly number[];
    readonly deliveries: readonly Delivery[];
    readonly losses: readonly LossSources[];
    /** That an invocation draws of its init. */
    readonly initSpans: number;
  },
): Balance {
  const own = account === 'otlp' ? OWN_SPANS : OWN_DOCUMENTS;
  // The init is drawn at the end of its first invocation, if that comes to one.
  const drawsInit = ({ end, isFirstOfProcess }: Entry): boolean =>
    isFirstOfProcess && end !== 'SIGKILL' && end !== 'OOM';
  const ownBegun = entries.reduce((sum, entry) => sum + own[entry.end] + (drawsInit(entry) ? initSpans : 0), 0);
  const known = new Set(created);
  const invented = deliveries
    .map(({ name }) => serialOf(name))
    .filter((serial) => serial !== undefined && !known.has(serial));
  const distinct = new Set(deliveries.map(({ spanId }) => spanId)).size;
  const { droppedByReason, resent } = lossesOf(account, losses);
  return {
    account,
    begun: created.length + ownBegun,
    delivered: distinct,
    doubled: deliveries.length - distinct,
    droppedByReason,
    resent,
    blind: account === 'xray' ? blindDocuments(entries, initSpans) : 0,
    invented: invented as number[],
  };
}

/** Numbers since the environment began; the largest is the last. */
function lossesOf(
  account: string,
  environments: readonly LossSources[],
): { droppedByReason: Record<string, number>; resent: number } {
  const sums: Record<string, number> = {};
  for (const { roots, lines } of environments) {
    const most: Record<string, number> = {};
    const tell = (name: string, value: unknown): void => {
      most[name] = Math.max(most[name] ?? 0, Number(value));
    };
    for (const [name, value] of roots.flatMap(({ flat }) => Object.entries(flat))) {
      const [, reason] = new RegExp(`^spanstrap\\.dropped\\.${account}\\.(\\w+)$`).exec(name) ?? [];
      if (reason !== undefined) tell(reason, value);
      if (name === `spanstrap.resent.${account}`) tell('resent', value);
    }
    for (const line of lines) {
      const [, losses = ''] = new RegExp(`spanstrap: ${account} spans of this environment: (.*)`).exec(line) ?? [];
      for (const [, reason, spans] of losses.matchAll(/\b([a-z]+(?:_[a-z]+)*) (\d+)(?=,|$)/g)) tell(reason!, spans);
      const [, resent] = /(\d+) perhaps sent twice/.exec(losses) ?? [];
      if (resent !== undefined) tell('resent', resent);
    }
    for (const [name, spans] of Object.entries(most)) sums[name] = (sums[name] ?? 0) + spans;
  }
  const { resent = 0, ...droppedByReason } = sums;
  return { droppedByReason, resent };
}

export const droppedOf = ({ droppedByReason }: Balance): number =>
  Object.values(droppedByReason).reduce((sum, spans) => sum + spans, 0);

/** No span is there more often than it was sent. */
export function isCounted({ doubled, resent, droppedByReason }: Balance): boolean {
  // What was being sent again when the process was killed may be there twice as well.
  return doubled <= resent + (droppedByReason.unknown_fate ?? 0);
}

/** Everything that was begun has found its end. */
export function isSettled(balance: Balance): boolean {
  const { account, resent, droppedByReason } = balance;
  const surplus = balance.delivered + droppedOf(balance) - balance.begun;
  // Of what left without an answer nobody can know whether it arrived, if it was dropped in the end.
  const unknowable = (droppedByReason.unknown_fate ?? 0) + resent;
  // Whether a SERVER span was among those that had to go cannot be seen in X-Ray.
  const unseen = account === 'xray' ? (droppedByReason.queue_full ?? 0) : 0;
  return surplus >= -balance.blind && surplus <= unknowable + unseen;
}

function blindDocuments(entries: readonly Entry[], initSpans: number): number {
  const blind = entries.filter(({ end, isDaemonThere }) => end === 'exit' && !isDaemonThere);
  return blind.length * (OWN_DOCUMENTS.exit + SPANS_PER_INVOCATION + initSpans);
}

/** What came of the function's spans in one cell. */
export function countCell(
  cell: Cell,
  entries: readonly Entry[],
  created: readonly number[],
  deliveries: readonly Delivery[],
): CellCount {
  const firsts = entries.filter((entry) => entry.cell === cell).map(({ first }) => first);
  const isOfCell = (serial: number | undefined): boolean =>
    serial !== undefined && firsts.some((first) => serial >= first && serial < first + SPANS_PER_INVOCATION);
  const serials = deliveries.map(({ name }) => serialOf(name)).filter(isOfCell);
  const delivered = new Set(serials).size;
  return { created: created.filter(isOfCell).length, delivered, doubled: serials.length - delivered };
}
