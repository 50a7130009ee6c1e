// Amazon MQ: ActiveMQ and RabbitMQ brokers.
// Source: Lambda Developer Guide, "Using Lambda with Amazon MQ".

import { bytesCarrier, fieldsCarrier } from './carriers.ts';
import { integer, type Loose, text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { type Batch, batchOf, describeBatch, describeNamed, type MessageSource } from './messaging.ts';
import { type Description, type Reading, row } from './row.ts';

const activemqSource: MessageSource = {
  system: 'activemq',
  origin: (message) => text(message?.destination?.physicalName),
  single: 'messaging. message.id=messageID message.conversation_id=correlationID aws.mq. redelivered?',
  link: (message) => pick(message, 'messaging.message.id=messageID'),
  carrier: (message) => fieldsCarrier(message?.properties),
  sentEpochMs: (message) => integer(message?.brokerInTime),
};

export function describeActivemq(batch: Batch, brokerArn: unknown, reading: Reading): Description {
  const only = batch.size === 1 ? batch.records[0] : undefined;
  const inEpochMs = integer(only?.brokerInTime);
  const outEpochMs = integer(only?.brokerOutTime);
  return describeBatch(batch, activemqSource, reading, {
    'aws.mq.broker.arn': text(brokerArn),
    'aws.mq.broker_time_ms': inEpochMs && outEpochMs ? Math.max(0, outEpochMs - inEpochMs) : undefined,
  });
}

export const activemq = row('activemq', 'pubsub', shape('eventSource=aws:mq&messages[]'), (event, reading) =>
  describeActivemq(batchOf(event?.messages), event?.eventSourceArn, reading),
);

const rabbitmqFields =
  'messaging. message.id=basicProperties.messageId message.conversation_id=basicProperties.correlationId aws.mq. redelivered?';

/** The name of the list that a message stands in is `queue::virtual-host`. */
export function describeRabbitmq(batch: Batch, brokerArn: unknown, reading: Reading): Description {
  const { names = [] } = batch;
  const source: MessageSource = {
    system: 'rabbitmq',
    origin: (_message, index) => names[index],
    destination: (name) => text(name.split('::', 1)[0]),
    shared: () => ({ 'aws.mq.virtual_host': text(names[0]?.split('::', 2)[1]) }),
    single: rabbitmqFields,
    link: (message) => pick(message, 'messaging.message.id=basicProperties.messageId'),
    carrier: (message) => bytesCarrier(message?.basicProperties?.headers),
  };
  return describeBatch(batch, source, reading, { 'aws.mq.broker.arn': text(brokerArn) });
}

export const rabbitmq = row('rabbitmq', 'pubsub', shape('eventSource=aws:rmq&rmqMessagesByQueue{}'), (event, reading) =>
  describeNamed(event?.rmqMessagesByQueue, 'rabbitmq', reading, (batch) =>
    describeRabbitmq(batch, event?.eventSourceArn, reading),
  ),
);

/** The records of a pipe name their queue themselves. */
export function pipedRabbitmqBatch(batch: Batch): Batch {
  return { ...batch, names: batch.records.slice(0, 128).map((record: Loose) => text(record?.eventSourceKey) ?? '') };
}
