// Amazon SQS, also with SNS notifications and EventBridge events as its messages.
// Source: Lambda Developer Guide, "Using Lambda with Amazon SQS".

import { datadogCarrier, fieldsCarrier, headerCarrier, layeredCarrier } from './carriers.ts';
import { openEnvelope } from './envelope.ts';
import { arnParts, arnStep, bodyBytes, integer, type Loose, text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { type Batch, batchOf, describeBatch, linksOf, type MessageSource, smallest } from './messaging.ts';
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
  link: 'messaging. message.id=messageId',
  carrier: recordCarrier,
  sentEpochMs: (record) => integer(record?.attributes?.SentTimestamp),
  shared(first) {
    // The event has only the ARN; partitions other than China's share a domain.
    const [partition, , region, account, queue] = arnParts(first?.eventSourceARN);
    const host = `sqs.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
    return region ? { 'server.address': host, 'aws.sqs.queue.url': `https://${host}/${account}/${queue}` } : {};
  },
};

export function describeSqs(batch: Batch, reading: Reading): Description {
  const { records } = batch;
  const { region, capturesBodySizes } = reading.options;
  const only = records.length === 1 ? records[0] : undefined;
  // The greatest is the smallest of the negatives.
  const received = smallest(records, (record) => -(integer(record?.attributes?.ApproximateReceiveCount) ?? 0));
  return {
    ...describeBatch(batch, source, reading, {
      ...(only && openEnvelope(only.body, reading)?.attributes),
      'aws.sqs.approximate_receive_count': -(received ?? 0) || undefined,
      'messaging.message.body.size': capturesBodySizes ? bodyBytes(only?.body, false) : undefined,
    }),
    // Again, because a link also tells of the envelope.
    linkCarriers: linksOf(records, reading, (record) => ({
      carrier: recordCarrier(record, reading),
      attributes: pick(record, source.link, { ...openEnvelope(record?.body, reading)?.attributes }),
    })),
  };
  void region;
}
