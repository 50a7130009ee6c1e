// Amazon SNS, also with EventBridge events as its messages. One record always.
// Source: Lambda Developer Guide, "Invoking Lambda functions with Amazon SNS notifications".

import { layeredCarrier } from './carriers.ts';
import { openEnvelope, snsAttributesCarrier } from './envelope.ts';
import { arnStep, bodyBytes, epochMsOfIso, type Loose } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { describeConsumer } from './messaging.ts';
import { type Description, type Reading, row } from './row.ts';

function describeSns(event: Loose, reading: Reading): Description {
  const message = event?.Records?.[0]?.Sns;
  const envelope = openEnvelope(message?.Message, reading);
  return {
    consumer: describeConsumer(
      'aws.sns',
      arnStep(message?.TopicArn, 0),
      reading,
      pick(message, 'aws.sns. topic.arn=TopicArn subject=Subject messaging. message.id=MessageId', {
        ...envelope?.attributes,
        'messaging.message.body.size': reading.options.capturesBodySizes
          ? bodyBytes(message?.Message, false)
          : undefined,
      }),
    ),
    carrier: layeredCarrier(snsAttributesCarrier(message?.MessageAttributes, reading), envelope?.carrier),
    sentEpochMs: epochMsOfIso(message?.Timestamp),
  };
}

const isSns = shape('Records.0.Sns{}');

export const eventbridgeSns = row(
  'eventbridge-sns',
  'pubsub',
  (event, reading) => isSns(event) && openEnvelope(event?.Records?.[0]?.Sns?.Message, reading)?.kind === 'eventbridge',
  describeSns,
);

export const sns = row('sns', 'pubsub', isSns, describeSns);
