// What the file of a dead process tells: which invocation it was in, which spans it left, how many are lost. Reads only; a file that
// is torn, or is none of ours, tells less or nothing.

import type { FlightFacts } from '../flight-facts.ts';
import { FLIGHT_MAGIC, type FlightState } from '../flight-recorder.ts';
import type { Losses } from '../span-account.ts';
import type { AccountName } from '../span-counts.ts';
import { HEAD_BYTES, LOSSES_AT } from './spool-file.ts';
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
  readonly accounts: readonly AccountStory[];
  readonly records: readonly SpoolRecord[];
};

const FIRST_LINE = new RegExp(`^${FLIGHT_MAGIC} (flying|landed|ended) (\\d+)((?: (?:xray|otlp)=\\d+,\\d+)*) *$`);
const FACT_KINDS =
  /^string,string,string,number,number,string,string,string,(null|string),(null|string),(null|string),boolean$/;
const NO_LOSSES: Losses = { dropped: {}, resent: 0 };

export function readFlight(bytes: Buffer, surroundings: SpanSurroundings): FlightStory | undefined {
  const [first = '', named = ''] = bytes.toString('utf8', 0, LOSSES_AT).split('\n');
  const [saved = ''] = bytes.toString('utf8', LOSSES_AT, HEAD_BYTES).replaceAll('\0', '').split('\n');
  const match = FIRST_LINE.exec(first);
  if (match === null) return undefined;
  const losses = Object(parse(saved)) as Partial<Record<AccountName, unknown>>;
  const accounts = [...match[3]!.matchAll(/(xray|otlp)=(\d+),(\d+)/g)].map(([, name, outstanding, inFlight]) => ({
    name: name as AccountName,
    outstanding: Number(outstanding),
    inFlight: Number(inFlight),
    losses: areLosses(losses[name as AccountName]) ? (losses[name as AccountName] as Losses) : NO_LOSSES,
  }));
  const facts = parse(named);
  const lines = bytes.toString('utf8', Math.min(HEAD_BYTES, bytes.length)).split('\n');
  return {
    state: match[1] as FlightState,
    writtenEpochMs: Number(match[2]),
    facts: areFacts(facts) ? facts : undefined,
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

function areFacts(value: unknown): value is FlightFacts {
  if (!Array.isArray(value)) return false;
  return FACT_KINDS.test(value.map((fact) => (fact === null ? 'null' : typeof fact)).join());
}
