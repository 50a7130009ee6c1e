// Amazon Data Firehose record transformation.
// Source: Amazon Data Firehose Developer Guide, "Transform source data in Amazon Data Firehose".

import { arnStep, integer, list } from './event-fields.ts';
import { shape } from './field-specs.ts';
import { describeConsumer, smallest } from './messaging.ts';
import { row } from './row.ts';

export const firehose = row('firehose', 'pubsub', shape('deliveryStreamArn&records[]'), (event, reading) => {
  const records = list(event?.records);
  return {
    consumer: describeConsumer('aws.firehose', arnStep(event?.deliveryStreamArn, 1), reading, {
      'messaging.batch.message_count': records.length,
    }),
    sentEpochMs: smallest(records, (record) => integer(record?.approximateArrivalTimestamp)),
  };
});
