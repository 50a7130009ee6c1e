// What only an SDK that can be reached tells of a call: parameters and results that stand in no header, or too deep in a body.
// Names: OpenTelemetry semantic conventions, "AWS SDK" and "Messaging". Keys and values of items are never among them.

import type { Attributes, AttributeValue } from '@opentelemetry/api';

type Read = (value: unknown) => AttributeValue | undefined;
type Rows = readonly (readonly [field: string, attribute: string, read: Read])[];

const MAX_ITEMS = 25;

const text: Read = (value) => (typeof value === 'string' ? value : undefined);
const whole: Read = (value) => (Number.isSafeInteger(value) ? (value as number) : undefined);
const flag: Read = (value) => (typeof value === 'boolean' ? value : undefined);
const texts: Read = (value) =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string').slice(0, MAX_ITEMS) : undefined;
const count: Read = (value) => (Array.isArray(value) ? value.length : undefined);
/** One object or a list of them, each as JSON. */
const objects: Read = (value) =>
  typeof value === 'object' && value !== null
    ? [value]
        .flat()
        .slice(0, MAX_ITEMS)
        .map((item) => JSON.stringify(item))
    : undefined;

const INPUTS: Readonly<Record<string, Rows>> = {
  DynamoDB: [
    ['ConsistentRead', 'aws.dynamodb.consistent_read', flag],
    ['ProjectionExpression', 'aws.dynamodb.projection', text],
    ['AttributesToGet', 'aws.dynamodb.attributes_to_get', texts],
    ['Limit', 'aws.dynamodb.limit', whole],
    ['IndexName', 'aws.dynamodb.index_name', text],
    ['Select', 'aws.dynamodb.select', text],
    ['ScanIndexForward', 'aws.dynamodb.scan_forward', flag],
    ['Segment', 'aws.dynamodb.segment', whole],
    ['TotalSegments', 'aws.dynamodb.total_segments', whole],
    ['ExclusiveStartTableName', 'aws.dynamodb.exclusive_start_table', text],
  ],
  S3: [
    ['CopySource', 'aws.s3.copy_source', text],
    ['UploadId', 'aws.s3.upload_id', text],
    ['PartNumber', 'aws.s3.part_number', whole],
  ],
  SQS: [['Entries', 'messaging.batch.message_count', count]],
  SNS: [['PublishBatchRequestEntries', 'messaging.batch.message_count', count]],
  EventBridge: [['Entries', 'messaging.batch.message_count', count]],
  Kinesis: [['Records', 'messaging.batch.message_count', count]],
};

const OUTPUTS: Readonly<Record<string, Rows>> = {
  DynamoDB: [
    ['Count', 'aws.dynamodb.count', whole],
    ['ScannedCount', 'aws.dynamodb.scanned_count', whole],
    ['TableNames', 'aws.dynamodb.table_count', count],
    ['ConsumedCapacity', 'aws.dynamodb.consumed_capacity', objects],
  ],
  SQS: [
    ['MessageId', 'messaging.message.id', text],
    ['Messages', 'messaging.batch.message_count', count],
  ],
  SNS: [['MessageId', 'messaging.message.id', text]],
  Kinesis: [['ShardId', 'messaging.destination.partition.id', text]],
};

export const describeInputOf = (service: string, input: unknown): Attributes => read(INPUTS[service], input);

export const describeOutputOf = (service: string, output: unknown): Attributes => read(OUTPUTS[service], output);

function read(rows: Rows | undefined, values: unknown): Attributes {
  const attributes: Attributes = {};
  if (rows === undefined || typeof values !== 'object' || values === null) return attributes;
  for (const [field, attribute, readValue] of rows) {
    const value = readValue((values as Record<string, unknown>)[field]);
    if (value !== undefined) attributes[attribute] = value;
  }
  return attributes;
}
