// Amazon EventBridge: buses, scheduled rules, EventBridge Scheduler, and what AWS services put on the default bus.
// Source: EventBridge User Guide, "Events in Amazon EventBridge"; Scheduler User Guide, "Context attributes".

import { eventbridgeFields, payloadCarrier } from './envelope.ts';
import { epochMsOfIso, type Loose, text, translate } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { describeConsumer } from './messaging.ts';
import { type Description, type Reading, row } from './row.ts';

function describeMessage(event: Loose, reading: Reading): Description {
  const detailType = text(event?.['detail-type']);
  return {
    // The event does not name its bus, so there is no destination; its type is what tells one stream of events from another.
    consumer: describeConsumer(
      'aws.eventbridge',
      undefined,
      reading,
      pick(event, `${eventbridgeFields} time messaging. message.id=id`),
      detailType,
    ),
    carrier: payloadCarrier(event?.detail, reading),
    sentEpochMs: epochMsOfIso(event?.time),
  };
}

export const eventbridgeRule = row(
  'eventbridge-rule',
  'timer',
  shape('source=aws.events&detail-type=Scheduled Event'),
  (event) => ({
    attributes: pick(event, 'faas.time=time aws.eventbridge.rule.arn=resources.0'),
    sentEpochMs: epochMsOfIso(event?.time),
  }),
);

export const eventbridgeScheduler = row(
  'eventbridge-scheduler',
  'timer',
  shape('source=aws.scheduler&detail-type=Scheduled Event'),
  (event) => ({
    attributes: pick(event, 'faas.time=time aws.scheduler.schedule.arn=resources.0'),
    sentEpochMs: epochMsOfIso(event?.time),
  }),
);

const isOnBus = shape('source&detail-type');

const s3Operations = {
  'Object Created': 'insert',
  'Object Deleted': 'delete',
  'Object Tags Added': 'edit',
  'Object Tags Deleted': 'edit',
  'Object ACL Updated': 'edit',
};

/** S3, and DynamoDB through CloudTrail, tell of a document; to all others the rule of a plain message applies. */
export const documentEvent = row(
  'aws-document-event',
  'datasource',
  (event) => isOnBus(event) && ['aws.s3', 'aws.dynamodb'].includes(text(event?.source) ?? ''),
  (event) => ({
    attributes: pick(
      event,
      `${eventbridgeFields} faas.document. collection=detail.requestParameters.tableName collection=detail.bucket.name ` +
        'name=detail.object.key time aws.s3. bucket=detail.bucket.name key=detail.object.key',
      defined({ 'faas.document.operation': translate(s3Operations, event?.['detail-type']) }),
    ),
    sentEpochMs: epochMsOfIso(event?.time),
  }),
);

export const serviceEvent = row(
  'aws-service-event',
  'pubsub',
  (event) => isOnBus(event) && text(event?.source)?.startsWith('aws.') === true,
  describeMessage,
);

export const eventbridge = row('eventbridge', 'pubsub', isOnBus, describeMessage);
