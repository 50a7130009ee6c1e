// Amazon SQS, also with SNS notifications and EventBridge events as its messages.
// Source: Lambda Developer Guide, "Using Lambda with Amazon SQS".

import { datadogCarrier, fieldsCarrier, headerCarrier, layeredCarrier } from './carriers.ts';
import { openEnvelope } from './envelope.ts';
import { arnParts, arnStep, bodyBytes, integer, type Loose, text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { type Batch, batchOf, describeBatch, type MessageSource, smallest } from './messaging.ts';
import { type Description, type Reading, row } from './row.ts';
import type { Carrier } from './trigger.ts';

function recordCarrier(record: Loose, reading: Reading): Carrier | undefined {
  const attributes = record?.messageAttributes;
  const datadog = attributes?._datadog;
  return layeredCarrier(
    fieldsCarrier(attributes, 'stringValue'),
    openEnvelope(record?.body, reading)?.carrier,
    datadogCarrier(datadog?.stringValue ?? datadog?.binaryValue, reading),
    headerCarrier('x-amzn-trace-id', record?.attributes?.AWSTraceHeader),
  );
}

const source: MessageSource = {
  system: 'aws_sqs',
  origin: (record) => text(record?.eventSourceARN),
  destination: (arn) => arnStep(arn, 0),
  single: 'messaging. message.id=messageId aws.sqs. message_group_id=attributes.MessageGroupId',
  link: (record, reading) =>
    pick(record, 'messaging. message.id=messageId', { ...openEnvelope(record?.body, reading)?.attributes }),
  carrier: recordCarrier,
  sentEpochMs: (record) => integer(record?.attributes?.SentTimestamp),
  shared(first, { options }) {
    const [partition, , region = options.region, account, queue] = arnParts(first?.eventSourceARN);
    // The partitions other than China's share a domain.
    const host = region && `sqs.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
    return { 'server.address': host, 'aws.sqs.queue.url': queue && `https://${host}/${account}/${queue}` };
  },
};

export function describeSqs(batch: Batch, reading: Reading): Description {
  const only = batch.size === 1 ? batch.records[0] : undefined;
  // The greatest count is the smallest of the negatives.
  const count = smallest(batch.records, (record) => -(integer(record?.attributes?.ApproximateReceiveCount) ?? 0));
  return describeBatch(batch, source, reading, {
    ...(only && openEnvelope(only.body, reading)?.attributes),
    'aws.sqs.approximate_receive_count': count ? -count : undefined,
    'messaging.message.body.size': reading.options.capturesBodySizes ? bodyBytes(only?.body, false) : undefined,
  });
}

const isSqs = shape('Records.0.eventSource=aws:sqs');

function describeRecords(event: Loose, reading: Reading): Description {
  return describeSqs(batchOf(event?.Records), reading);
}

function isEnvelope(event: Loose, reading: Reading, kind: string): boolean {
  return isSqs(event) && openEnvelope(event?.Records?.[0]?.body, reading)?.kind === kind;
}

/** SNS subscription without raw delivery; with it the message attributes are the queue's own and the row is `sqs`. */
export const snsSqs = row('sns-sqs', 'pubsub', (event, reading) => isEnvelope(event, reading, 'sns'), describeRecords);

export const eventbridgeSqs = row(
  'eventbridge-sqs',
  'pubsub',
  (event, reading) => isEnvelope(event, reading, 'eventbridge'),
  describeRecords,
);

export const sqs = row('sqs', 'pubsub', isSqs, describeRecords);
