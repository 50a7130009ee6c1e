// Messages that arrive inside other messages: an SNS notification or an EventBridge event as the text of a queue's or topic's message.

import { datadogCarrier, fieldsCarrier, layeredCarrier } from './carriers.ts';
import { type Loose, text } from './event-fields.ts';
import { pick } from './field-specs.ts';
import type { Envelope, Reading } from './row.ts';
import type { Carrier } from './trigger.ts';

/** Fields of an EventBridge event that become attributes. */
export const eventbridgeFields = 'aws.eventbridge. source detail_type=detail-type id';

/** Context in SNS message attributes; `_datadog` may be a string or base64. */
export function snsAttributesCarrier(attributes: Loose, reading: Reading): Carrier | undefined {
  return layeredCarrier(fieldsCarrier(attributes, 'Value'), datadogCarrier(attributes?._datadog?.Value, reading));
}

/** Context in an object of the user's: the `detail` of an EventBridge event, the data of a Kinesis record. */
export function payloadCarrier(payload: Loose, reading: Reading): Carrier | undefined {
  return layeredCarrier(fieldsCarrier(payload), datadogCarrier(payload?._datadog, reading));
}

function open(json: string, reading: Reading): Envelope | undefined {
  // Searching 64 KiB takes 1 µs, parsing them up to 500 µs. Inside a nested text the field's quotes are escaped and do not match.
  if (!json.includes('"TopicArn"') && !json.includes('"detail-type"')) return undefined;
  const message = reading.parse(json);
  if (text(message?.Type) === 'Notification' && text(message?.TopicArn)) {
    const inner = openEnvelope(message?.Message, reading);
    return {
      kind: 'sns',
      carrier: layeredCarrier(snsAttributesCarrier(message?.MessageAttributes, reading), inner?.carrier),
      attributes: pick(message, 'aws.sns.topic.arn=TopicArn', inner?.attributes),
    };
  }
  if (!text(message?.['detail-type'])) return undefined;
  return {
    kind: 'eventbridge',
    carrier: payloadCarrier(message?.detail, reading),
    attributes: pick(message, eventbridgeFields),
  };
}

/** The SNS notification or EventBridge event in a message's text. A text is parsed only when it says that it is one. */
export function openEnvelope(body: unknown, reading: Reading): Envelope | undefined {
  if (typeof body !== 'string' || body.length > reading.options.maxBodyChars) return undefined;
  if (reading.opened?.body === body) return reading.opened.envelope;
  const envelope = open(body, reading);
  reading.opened = { body, envelope };
  return envelope;
}
