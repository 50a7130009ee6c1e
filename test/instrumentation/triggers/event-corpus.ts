// The event corpus under test/fixtures/events: each event, and what its expectation file says of it.

import { readdirSync, readFileSync } from 'node:fs';
import type { Attributes } from '@opentelemetry/api';
import { recogniseTrigger } from '../../../instrumentation/triggers/recognition.ts';
import {
  type Carrier,
  type Delivery,
  defaultTriggerOptions,
  type Trigger,
  type TriggerOptions,
} from '../../../instrumentation/triggers/trigger.ts';

const folder = new URL('../../fixtures/events/', import.meta.url);

/** All headers that any propagator asks for. */
const propagationHeaders = [
  'traceparent',
  'tracestate',
  'baggage',
  'x-amzn-trace-id',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-sampled',
  'x-datadog-trace-id',
  'x-datadog-parent-id',
  'x-datadog-sampling-priority',
];

export type Expectation = {
  /** What differs from the defaults. */
  readonly given?: { readonly options?: Partial<TriggerOptions>; readonly delivery?: Delivery };
  readonly source: string;
  readonly faasTrigger: string;
  readonly spanName: string | null;
  readonly attributes: Attributes;
  readonly consumer: { readonly name: string; readonly attributes: Attributes } | null;
  readonly carrierHeaders: { readonly [header: string]: string };
  readonly links: readonly {
    readonly headers: { readonly [header: string]: string };
    readonly attributes: Attributes;
  }[];
  readonly sentEpochMs?: number;
};

export type CorpusEntry = { readonly name: string; readonly json: string; readonly expectation: Expectation };

function read(file: string): string {
  return readFileSync(new URL(file, folder), 'utf8');
}

/** Every event of the corpus, in the order of their names. An event without an expectation, or the reverse, is an error. */
export function readCorpus(): CorpusEntry[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const expected = new Set(names.filter((name) => name.endsWith('.expected.json')));
  const entries = names
    .filter((name) => !expected.has(name))
    .map((file) => {
      const name = file.slice(0, -'.json'.length);
      expected.delete(`${name}.expected.json`);
      return { name, json: read(file), expectation: JSON.parse(read(`${name}.expected.json`)) as Expectation };
    });
  if (expected.size > 0) throw new Error(`expectations without an event: ${[...expected].join(', ')}`);
  return entries;
}

export function optionsOf({ expectation }: CorpusEntry): TriggerOptions {
  return { ...defaultTriggerOptions, ...expectation.given?.options };
}

export function recogniseEntry(entry: CorpusEntry): Trigger {
  const event: unknown = JSON.parse(entry.json);
  const eventBytes = Buffer.byteLength(entry.json);
  return recogniseTrigger(event, optionsOf(entry), { eventBytes, ...entry.expectation.given?.delivery });
}

/** What a carrier holds of the headers that propagators know. */
export function headersOf(carrier: Carrier | undefined): { [header: string]: string } {
  const headers: { [header: string]: string } = {};
  for (const name of propagationHeaders) {
    const value = carrier?.get(name);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
