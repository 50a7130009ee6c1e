// Apache Kafka: Amazon MSK and self-managed clusters.
// Source: Lambda Developer Guide, "Using Lambda with Amazon MSK", "Using Lambda with self-managed Apache Kafka".

import { bytesCarrier } from './carriers.ts';
import { integer, type Loose, text } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { type Batch, common, describeBatch, describeNamed, type MessageSource } from './messaging.ts';
import { type Description, type Reading, row } from './row.ts';

const MAX_KEY_CHARS = 1024;

function partitionOf(record: Loose): string | undefined {
  return integer(record?.partition)?.toString();
}

/** The key of a record as text; undefined when its bytes are no text. */
function keyOf(record: Loose): string | undefined {
  const base64 = text(record?.key);
  if (!base64 || base64.length > MAX_KEY_CHARS) return undefined;
  const key = Buffer.from(base64, 'base64').toString();
  return key.includes('\uFFFD') ? undefined : key;
}

const source: MessageSource = {
  system: 'kafka',
  origin: (record) => text(record?.topic),
  single: 'messaging.kafka.offset#=offset',
  link: (record) =>
    pick(
      record,
      'messaging. destination.name=topic kafka.offset#=offset',
      defined({ 'messaging.destination.partition.id': partitionOf(record) }),
    ),
  carrier: (record) => bytesCarrier(record?.headers),
  sentEpochMs: (record) => integer(record?.timestamp),
};

export function describeKafka(batch: Batch, servers: unknown, reading: Reading): Description {
  const { records, size } = batch;
  // The first of `host:port,host:port`.
  const [, address, port] = /^([^:,]+):(\d{1,5})(?:,|$)/.exec(text(servers) ?? '') ?? [];
  const isOneTopic = common(records, (record) => text(record?.topic)) !== undefined;
  return describeBatch(batch, source, reading, {
    'messaging.destination.partition.id': isOneTopic ? common(records, partitionOf) : undefined,
    'messaging.kafka.message.key': size === 1 ? keyOf(records[0]) : undefined,
    'server.address': address,
    'server.port': integer(port),
  });
}

function describe(event: Loose, reading: Reading): Description {
  return describeNamed(event?.records, source.system, reading, (batch) =>
    describeKafka(batch, event?.bootstrapServers, reading),
  );
}

export const msk = row('msk', 'pubsub', shape('eventSource=aws:kafka&records{}'), describe);

export const selfManagedKafka = row(
  'self-managed-kafka',
  'pubsub',
  shape('eventSource=SelfManagedKafka&records{}'),
  describe,
);
