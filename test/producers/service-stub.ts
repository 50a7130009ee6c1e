// SQS, SNS, EventBridge, Kinesis and Lambda as far as producers need them: takes one call, answers it so that the SDK is content,
// and makes of it the event that the service would deliver to a function.

import { createHash } from 'node:crypto';
import type { ReceivedRequest } from '../support/http-server.ts';

/** What reaches a function: its event, and what the Runtime API says beside it. */
export type Delivery = {
  readonly event: unknown;
  /** The trace header that the service takes along; null: it has none. */
  readonly traceHeader: string | null;
  readonly clientContext?: string;
};

type Answer = { readonly body: string; readonly contentType: string };
export type ServedCall = { readonly answer: Answer; readonly delivery: Delivery };

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const json = (body: object): Answer => ({ body: JSON.stringify(body), contentType: 'application/x-amz-json-1.0' });
const headerOf = ({ headers }: ReceivedRequest): string | null => {
  const header = headers['x-amzn-trace-id'];
  return typeof header === 'string' ? header : null;
};

/** @throws Error for a call that no producer makes */
export function serve(request: ReceivedRequest): ServedCall {
  const target = String(request.headers['x-amz-target'] ?? '');
  const text = request.body.toString();
  if (target === 'AmazonSQS.SendMessage') return serveSqs(request, [JSON.parse(text)]);
  if (target === 'AmazonSQS.SendMessageBatch') return serveSqs(request, JSON.parse(text).Entries, true);
  if (target === 'AWSEvents.PutEvents') return serveEventBridge(request, JSON.parse(text));
  if (target === 'Kinesis_20131202.PutRecord') return serveKinesis(JSON.parse(text));
  if (request.path.includes('/functions/')) return serveLambda(request);
  const form = new URLSearchParams(text);
  if (form.get('Action') === 'Publish') return serveSns(request, form);
  throw new Error(`no such call: ${request.method} ${request.path} ${target} ${text.slice(0, 200)}`);
}

type SqsAttribute = { readonly DataType: string; readonly StringValue?: string; readonly BinaryValue?: string };
type SqsEntry = {
  readonly Id?: string;
  readonly MessageBody: string;
  readonly MessageAttributes?: Readonly<Record<string, SqsAttribute>>;
  readonly MessageSystemAttributes?: Readonly<Record<string, SqsAttribute>>;
};

/** SQS keeps the header of the request as `AWSTraceHeader` of its messages (SQS Developer Guide, "AWS X-Ray"). */
function serveSqs(request: ReceivedRequest, entries: readonly SqsEntry[], isBatch = false): ServedCall {
  const records = entries.map(({ MessageBody, MessageAttributes = {}, MessageSystemAttributes = {} }, at) => {
    const traceHeader = MessageSystemAttributes['AWSTraceHeader']?.StringValue ?? headerOf(request);
    return {
      messageId: `00000000-0000-4000-8000-00000000000${at}`,
      receiptHandle: 'handle',
      body: MessageBody,
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: String(Date.now()),
        SenderId: 'AIDAEXAMPLE',
        ApproximateFirstReceiveTimestamp: String(Date.now()),
        ...(traceHeader === null ? {} : { AWSTraceHeader: traceHeader }),
      },
      messageAttributes: Object.fromEntries(
        Object.entries(MessageAttributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
          name,
          {
            ...(StringValue === undefined ? {} : { stringValue: StringValue }),
            ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
            stringListValues: [],
            binaryListValues: [],
            dataType: DataType,
          },
        ]),
      ),
      md5OfBody: md5(MessageBody),
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:orders',
      awsRegion: 'eu-west-1',
    };
  });
  const results = records.map(({ messageId, md5OfBody }, at) => ({
    Id: entries[at]?.Id,
    MessageId: messageId,
    MD5OfMessageBody: md5OfBody,
  }));
  return {
    answer: json(isBatch ? { Successful: results, Failed: [] } : results[0]!),
    // Lambda polls the queue: the trace of an invocation begins with the poller.
    delivery: { event: { Records: records }, traceHeader: null },
  };
}

function serveSns(request: ReceivedRequest, form: URLSearchParams): ServedCall {
  const attributes: Record<string, object> = {};
  for (let at = 1; form.has(`MessageAttributes.entry.${at}.Name`); at++) {
    const prefix = `MessageAttributes.entry.${at}`;
    attributes[form.get(`${prefix}.Name`)!] = {
      Type: form.get(`${prefix}.Value.DataType`),
      Value: form.get(`${prefix}.Value.StringValue`) ?? form.get(`${prefix}.Value.BinaryValue`),
    };
  }
  const body = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>`;
  const record = {
    EventVersion: '1.0',
    EventSubscriptionArn: `${form.get('TopicArn')}:00000000-0000-4000-8000-000000000000`,
    EventSource: 'aws:sns',
    Sns: {
      Type: 'Notification',
      MessageId: '00000000-0000-4000-8000-000000000001',
      TopicArn: form.get('TopicArn'),
      Message: form.get('Message'),
      Timestamp: new Date().toISOString(),
      MessageAttributes: attributes,
    },
  };
  return {
    answer: { body, contentType: 'text/xml' },
    delivery: { event: { Records: [record] }, traceHeader: headerOf(request) },
  };
}

function serveEventBridge(
  request: ReceivedRequest,
  { Entries }: { Entries: readonly Record<string, string>[] },
): ServedCall {
  const [entry = {}] = Entries;
  const event = {
    version: '0',
    id: '00000000-0000-4000-8000-000000000002',
    'detail-type': entry['DetailType'],
    source: entry['Source'],
    account: '123456789012',
    time: new Date().toISOString(),
    region: 'eu-west-1',
    resources: [],
    detail: JSON.parse(entry['Detail'] ?? '{}'),
  };
  return {
    answer: json({ FailedEntryCount: 0, Entries: [{ EventId: event.id }] }),
    delivery: { event, traceHeader: entry['TraceHeader'] ?? headerOf(request) },
  };
}

function serveKinesis({ Data, PartitionKey }: { readonly Data: string; readonly PartitionKey: string }): ServedCall {
  const sequenceNumber = '49590338271490256608559692538361571095921575989136588898';
  const record = {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: PartitionKey,
      sequenceNumber,
      data: Data,
      approximateArrivalTimestamp: Date.now() / 1000,
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `shardId-000000000006:${sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    awsRegion: 'eu-west-1',
    eventSourceARN: 'arn:aws:kinesis:eu-west-1:123456789012:stream/orders',
  };
  return {
    answer: json({ ShardId: 'shardId-000000000006', SequenceNumber: sequenceNumber }),
    delivery: { event: { Records: [record] }, traceHeader: null },
  };
}

/** The header goes through, as with the default tracing mode of the called function. */
function serveLambda(request: ReceivedRequest): ServedCall {
  const encoded = request.headers['x-amz-client-context'];
  const clientContext = typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString() : undefined;
  return {
    answer: { body: '{}', contentType: 'application/json' },
    delivery: {
      event: JSON.parse(request.body.toString()),
      traceHeader: headerOf(request),
      ...(clientContext === undefined ? {} : { clientContext }),
    },
  };
}
