// The CONSUMER span and the links that all messaging sources share. Source: OpenTelemetry semantic conventions, "Messaging Spans"
// and "AWS Lambda"; the CONSUMER span is a child of the invocation's SERVER span.

import type { Attributes } from '@opentelemetry/api';
import { isObject, type Loose, list, text } from './event-fields.ts';
import { defined, pick } from './field-specs.ts';
import type { Description, Reading } from './row.ts';
import type { Carrier, LinkCarrier, ResultRule, Trigger } from './trigger.ts';

/** More records than this are not looked at: what is said of all of them is then left out. */
export const MAX_SURVEYED = 128;
const MAX_FAILURES_READ = 128;

/** A CONSUMER span; `place` is what its name says after `process` when that is not the destination. */
export function describeConsumer(
  system: string,
  destination: string | undefined,
  { options }: Reading,
  attributes: Attributes,
  place = destination,
): NonNullable<Trigger['consumer']> {
  return {
    name: place ? `process ${place}` : 'process',
    attributes: defined({
      'messaging.system': system,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.operation': options.semconvOptIn.includes('messaging/dup') ? 'process' : undefined,
      'messaging.destination.name': destination,
      ...attributes,
    }),
  };
}

/** What the first 128 items have in common; undefined when they differ or there are more. */
export function common<Item, Value>(items: readonly Item[], read: (item: Item) => Value): Value | undefined {
  return items.length > MAX_SURVEYED || differ(items, read)
    ? undefined
    : items.length > 0
      ? read(items[0]!)
      : undefined;
}

/** Whether the items, of which only the first 128 are asked, are not all the same. */
export function differ<Item>(items: readonly Item[], read: (item: Item, index: number) => unknown): boolean {
  return items.slice(1, MAX_SURVEYED).some((item, index) => read(item, index + 1) !== read(items[0]!, 0));
}

/** The smallest of a number over the first records of a batch, such as the time the oldest was sent. */
export function smallest(records: readonly Loose[], read: (record: Loose) => number | undefined): number | undefined {
  const values = records
    .slice(0, MAX_SURVEYED)
    .map(read)
    .filter((value) => value !== undefined);
  return values.length > 0 ? Math.min(...values) : undefined;
}

/** Links for those of the first `maxLinks` records that carry a context. */
export function linksOf(
  records: readonly Loose[],
  { options }: Reading,
  describe: (record: Loose) => { readonly carrier: Carrier | undefined; readonly attributes: Attributes },
): LinkCarrier[] {
  const links: LinkCarrier[] = [];
  for (const record of records.slice(0, Math.min(options.maxLinks, MAX_SURVEYED))) {
    const { carrier, attributes } = describe(record);
    if (carrier && options.contextKeys.some((key) => carrier.get(key))) links.push({ carrier, attributes });
  }
  return links;
}

/**
 * What reported `batchItemFailures` mean. They fail the whole batch when they name as many records as it has, when one has no
 * identifier, or when it is the first record of a source that retries from a checkpoint.
 * Source: Lambda Developer Guide, "Implementing partial batch responses".
 */
export function batchResultRule(size: number, checkpoint?: string): ResultRule {
  return (result, _isStreamed, { batchFailureIsError }) => {
    const reported: unknown = (result as Loose)?.batchItemFailures;
    if (!Array.isArray(reported)) return { attributes: {}, errorType: undefined };
    const failures = list(reported);
    const failsAll =
      failures.length >= size ||
      failures.slice(0, MAX_FAILURES_READ).some((failure) => {
        const identifier = text(failure?.itemIdentifier);
        return identifier === undefined || identifier === checkpoint;
      });
    const isError = batchFailureIsError === 'any' || (batchFailureIsError === 'all' && failsAll);
    return {
      attributes: { 'lambda.batch_item_failures': failures.length },
      errorType: isError && failures.length > 0 ? 'batch_item_failure' : undefined,
    };
  };
}

/** A batch of records: the first ones, and how many there are in all. */
export type Batch = {
  readonly records: readonly Loose[];
  readonly size: number;
  /** The name of the list that each record stood in, where records stand in lists with names. */
  readonly names?: readonly string[];
};

/** The records of an event or of one list in it. */
export function batchOf(records: unknown): Batch {
  return { records: list(records), size: list(records).length };
}

/** Records in lists that stand under names (partitions, queues): one more than is surveyed, so that "too many" shows. */
export function namedBatchOf(lists: Loose): Batch {
  const records: Loose[] = [];
  const names: string[] = [];
  let size = 0;
  let opened = 0;
  for (const name in isObject(lists) ? lists : {}) {
    if (++opened > MAX_SURVEYED) break;
    const items = list(lists?.[name]);
    size += items.length;
    for (const item of items.slice(0, MAX_SURVEYED + 1 - records.length)) {
      records.push(item);
      names.push(name);
    }
  }
  return { records, names, size };
}

/**
 * Describes records in lists that stand under names: at once when the names can be listed in time, else after the response, with
 * no more than the system until then.
 */
export function describeNamed(
  lists: Loose,
  system: string,
  reading: Reading,
  describe: (batch: Batch) => Description,
): Description {
  const whole = (): Description => describe(namedBatchOf(lists));
  return reading.mayEnumerate()
    ? whole()
    : { consumer: describeConsumer(system, undefined, reading, {}), later: whole };
}

export type MessageSource = {
  readonly system: string;
  /** Where a record comes from. Records that differ here have no common destination. */
  readonly origin: (record: Loose, index: number) => string | undefined;
  /** Name of the destination out of that origin; the origin itself unless told. */
  readonly destination?: (origin: string) => string | undefined;
  /** Attributes that all records of one origin share. */
  readonly shared?: (first: Loose, reading: Reading) => Attributes;
  /** Fields of the only record that become attributes. */
  readonly single: string;
  /** Attributes of a record's link. */
  readonly link: (record: Loose, reading: Reading) => Attributes;
  readonly carrier: (record: Loose, reading: Reading) => Carrier | undefined;
  readonly sentEpochMs?: (record: Loose) => number | undefined;
  /** Sequence number of a record, for sources that retry from a checkpoint. */
  readonly sequence?: (record: Loose) => string | undefined;
};

/** Describes a batch; `attributes` are further ones of the CONSUMER span. */
export function describeBatch(
  { records, size }: Batch,
  source: MessageSource,
  reading: Reading,
  attributes?: Attributes,
): Description {
  const { system, origin, destination = (value: string) => value } = source;
  const first = records[0];
  const hasSeveralOrigins = differ(records, origin);
  const from = hasSeveralOrigins || size === 0 ? undefined : origin(first, 0);
  return {
    consumer: describeConsumer(
      system,
      from && destination(from),
      reading,
      {
        'messaging.batch.message_count': size,
        ...(hasSeveralOrigins ? undefined : source.shared?.(first, reading)),
        ...(size === 1 ? pick(first, source.single) : undefined),
        ...attributes,
      },
      hasSeveralOrigins ? 'multiple_sources' : undefined,
    ),
    linkCarriers: linksOf(records, reading, (record) => ({
      carrier: source.carrier(record, reading),
      attributes: source.link(record, reading),
    })),
    sentEpochMs: source.sentEpochMs && smallest(records, source.sentEpochMs),
    resultRule: batchResultRule(size, source.sequence?.(first)),
  };
}
