// Amazon Kinesis data streams and DynamoDB streams: sharded, in order, retried from a checkpoint.
// Source: Lambda Developer Guide, "Using Lambda with Kinesis", "Using Lambda with DynamoDB".

import { fieldsCarrier, headerCarrier, layeredCarrier } from './carriers.ts';
import { payloadCarrier } from './envelope.ts';
import { arnStep, epochMsOfSeconds, isoTime, type Loose, text, translate } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import {
  type Batch,
  batchOf,
  batchResultRule,
  common,
  describeBatch,
  differ,
  linksOf,
  type MessageSource,
} from './messaging.ts';
import { type Description, type Reading, row } from './row.ts';
import type { Carrier } from './trigger.ts';

/** The data of a record: nested in an event source mapping's record, flat in that of a pipe. */
function kinesisOf(record: Loose): Loose {
  return record?.kinesis ?? record;
}

/** Kinesis has no headers: a context is inside the data, and the data is parsed only when it mentions one. */
function dataCarrier(record: Loose, reading: Reading): Carrier | undefined {
  const data: unknown = kinesisOf(record)?.data;
  const { contextKeys, readsDatadog } = reading.options;
  // In base64 `{` and two further bits are an `e`. Decoding 64 Ki units takes 15 µs: not worth it when they cannot be parsed then.
  if (typeof data !== 'string' || !data.startsWith('e') || !reading.canParse(data.length * 0.75)) return undefined;
  const json = Buffer.from(data, 'base64').toString();
  const keys = readsDatadog ? [...contextKeys, '_datadog'] : contextKeys;
  return keys.some((key) => json.includes(`"${key}"`)) ? payloadCarrier(reading.parse(json), reading) : undefined;
}

const kinesisSource: MessageSource = {
  system: 'aws.kinesis',
  origin: (record) => text(record?.eventSourceARN),
  destination: (arn) => arnStep(arn, 1),
  shared: (first) => ({
    'aws.kinesis.stream_name': arnStep(first?.eventSourceARN, 1),
    // `shardId-000000000006:4959…`; a batch comes from one shard.
    'messaging.destination.partition.id': text(first?.eventID)?.split(':', 1)[0],
  }),
  single: 'messaging.message.id=sequenceNumber messaging.message.id=kinesis.sequenceNumber',
  link: (record) => pick(kinesisOf(record), 'messaging.message.id=sequenceNumber'),
  carrier: dataCarrier,
  sentEpochMs: (record) => epochMsOfSeconds(kinesisOf(record)?.approximateArrivalTimestamp),
  sequence: (record) => text(kinesisOf(record)?.sequenceNumber),
};

export function describeKinesis(batch: Batch, reading: Reading): Description {
  return describeBatch(batch, kinesisSource, reading);
}

export const kinesis = row('kinesis', 'pubsub', shape('Records.0.kinesis{}'), (event, reading) =>
  describeKinesis(batchOf(event?.Records), reading),
);

const operations = { INSERT: 'insert', MODIFY: 'edit', REMOVE: 'delete' };

/** A context that the writer keeps in the item: attributes of the headers' names, or one attribute `_trace` that holds them. */
function itemCarrier(image: Loose): Carrier | undefined {
  return layeredCarrier(
    fieldsCarrier(image, 'S'),
    fieldsCarrier(image?._trace?.M, 'S'),
    headerCarrier('traceparent', image?._trace?.S),
  );
}

export function describeDynamodb({ records, size }: Batch, reading: Reading): Description {
  const first = records[0];
  const table = differ(records, (record) => record?.eventSourceARN) ? undefined : arnStep(first?.eventSourceARN, 1);
  const sentEpochMs = epochMsOfSeconds(first?.dynamodb?.ApproximateCreationDateTime);
  return {
    attributes: defined({
      'faas.document.collection': table,
      'faas.document.operation': common(records, (record) => translate(operations, record?.eventName)),
      'faas.document.time': size === 1 ? isoTime(sentEpochMs) : undefined,
      'aws.dynamodb.table_names': table && [table],
      'lambda.batch_size': size,
    }),
    linkCarriers: linksOf(records, reading, (record) => ({
      carrier: itemCarrier(record?.dynamodb?.NewImage),
      attributes: pick(record, 'aws.dynamodb.event_id=eventID'),
    })),
    sentEpochMs,
    resultRule: batchResultRule(size, text(first?.dynamodb?.SequenceNumber)),
  };
}

export const dynamodb = row('dynamodb', 'datasource', shape('Records.0.dynamodb{}'), (event, reading) =>
  describeDynamodb(batchOf(event?.Records), reading),
);
