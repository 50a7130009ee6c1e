// What the file of a dead process tells: which invocation it was in, which spans it left, how many are lost. Reads only; a file that
// is torn, or is none of ours, tells less or nothing.

import type { FlightFacts } from '../flight-facts.ts';
import { FLIGHT_MAGIC, type FlightState, SPANS_AT } from '../flight-recorder.ts';
import type { Losses } from '../span-account.ts';
import type { AccountName } from '../span-counts.ts';
import { type BlockReport, readBlockReport } from './block-report.ts';
import type { ListedSpan } from './drawn-flight.ts';
import { BLOCK_AT, HEAD_BYTES, LOSSES_AT } from './spool-file.ts';
import { decodeRecord, type SpanSurroundings, type SpoolRecord } from './spool-record.ts';

export type AccountStory = {
  readonly name: AccountName;
  /** Spans that had neither left nor been dropped at the last write. */
  readonly outstanding: number;
  /** Of these, spans that were on their way. */
  readonly inFlight: number;
  readonly losses: Losses;
};

export type FlightStory = {
  readonly state: FlightState;
  readonly writtenEpochMs: number;
  /** Of the invocation that ran, when it was written down. */
  readonly facts: FlightFacts | undefined;
  /** Its open spans, as far as they were written down. */
  readonly open: readonly ListedSpan[];
  /** What another thread found out about it. */
  readonly block: BlockReport | undefined;
  readonly accounts: readonly AccountStory[];
  readonly records: readonly SpoolRecord[];
};

const FIRST_LINE = new RegExp(`^${FLIGHT_MAGIC} (flying|landed|ended) (\\d+)((?: (?:xray|otlp)=\\d+,\\d+)*) *$`);
const FACT_KINDS =
  /^string,string,string,number,number,string,string,string,(null|string),(null|string),(null|string),(boolean|string)$/;
const SPAN_KINDS = /^string,number,string,string,(null|string),number,number$/;
const NO_LOSSES: Losses = { dropped: {}, resent: 0 };

export function readFlight(bytes: Buffer, surroundings: SpanSurroundings): FlightStory | undefined {
  const [first = '', named = ''] = bytes.toString('utf8', 0, SPANS_AT).split('\n');
  const saved = lineAt(bytes, LOSSES_AT, BLOCK_AT);
  const match = FIRST_LINE.exec(first);
  if (match === null) return undefined;
  const losses = Object(parse(saved)) as Partial<Record<AccountName, unknown>>;
  const accounts = [...match[3]!.matchAll(/(xray|otlp)=(\d+),(\d+)/g)].map(([, name, outstanding, inFlight]) => ({
    name: name as AccountName,
    outstanding: Number(outstanding),
    inFlight: Number(inFlight),
    losses: areLosses(losses[name as AccountName]) ? (losses[name as AccountName] as Losses) : NO_LOSSES,
  }));
  const facts = asFacts(parse(named));
  const listed = parse(lineAt(bytes, SPANS_AT, LOSSES_AT));
  const [listedFor, ...open]: unknown[] = Array.isArray(listed) ? listed : [];
  const block = readBlockReport(parse(lineAt(bytes, BLOCK_AT, HEAD_BYTES)));
  const lines = bytes.toString('utf8', Math.min(HEAD_BYTES, bytes.length)).split('\n');
  return {
    state: match[1] as FlightState,
    writtenEpochMs: Number(match[2]),
    facts,
    open: listedFor === facts?.[0] ? open.filter(isListedSpan) : [],
    block: block?.requestId === facts?.[0] ? block : undefined,
    accounts,
    records: lines.flatMap((line) => (line === '' ? [] : (decodeRecord(line, surroundings) ?? []))),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function areLosses(value: unknown): value is Losses {
  const { dropped, resent } = Object(value) as Partial<Losses>;
  return typeof dropped === 'object' && dropped !== null && typeof resent === 'number';
}

/** The first line from there; empty when nothing was written. */
function lineAt(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('utf8', Math.min(start, bytes.length), Math.min(end, bytes.length)).split(/[\n\0]/, 1)[0]!;
}

const kindsOf = (values: readonly unknown[]): string =>
  values.map((value) => (value === null ? 'null' : typeof value)).join();

function asFacts(value: unknown): FlightFacts | undefined {
  return Array.isArray(value) && FACT_KINDS.test(kindsOf(value)) ? (value as unknown as FlightFacts) : undefined;
}

const isListedSpan = (value: unknown): value is ListedSpan => Array.isArray(value) && SPAN_KINDS.test(kindsOf(value));
