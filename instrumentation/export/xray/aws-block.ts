// The `aws` block: what the console needs to know a table, a queue or a bucket by name. One table, from the attributes that
// OpenTelemetry's AWS instrumentations emit and the older names that AWS's own distributions use.

import { isSqsCall } from './http-block.ts';
import { toJsonValue } from './json-value.ts';
import { type SpanAttributes, takeInteger, takeText } from './span-attributes.ts';
import type { AwsBlock } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';

type FieldKind = 'text' | 'integer' | 'boolean' | 'texts' | 'json';

type Row = {
  readonly field: string;
  readonly kind: FieldKind;
  /** Taken from any span. First wins. */
  readonly keys?: readonly string[];
  /** Taken after `keys`, and only where the span is a call of an AWS API: elsewhere these keys mean something else. */
  readonly callKeys?: readonly string[];
};

const ROWS: readonly Row[] = [
  { field: 'operation', kind: 'text', keys: ['aws.operation'], callKeys: ['rpc.method'] },
  { field: 'region', kind: 'text', keys: ['aws.region'], callKeys: ['cloud.region'] },
  { field: 'account_id', kind: 'text', keys: ['aws.account_id'], callKeys: ['cloud.account.id'] },
  { field: 'request_id', kind: 'text', keys: ['aws.request_id', 'aws.requestId', 'aws.request.id'] },
  { field: 'id_2', kind: 'text', keys: ['aws.extended_request_id', 'aws.request.extended_id'] },
  { field: 'retries', kind: 'integer', keys: ['aws.xray.retries'], callKeys: ['http.request.resend_count'] },
  // Of an SQS call `url.full` too, see `finishCall`.
  { field: 'queue_url', kind: 'text', keys: ['messaging.url', 'aws.sqs.queue.url', 'aws.queue_url', 'aws.queue.url'] },
  { field: 'queue_name', kind: 'text', keys: ['aws.sqs.queue.name'] },
  { field: 'message_id', kind: 'text', callKeys: ['messaging.message.id', 'messaging.message_id'] },
  { field: 'message_count', kind: 'integer', callKeys: ['messaging.batch.message_count'] },
  { field: 'topic_arn', kind: 'text', keys: ['aws.sns.topic.arn'] },
  { field: 'stream_name', kind: 'text', keys: ['aws.kinesis.stream_name', 'aws.kinesis.stream.name'] },
  { field: 'table_name', kind: 'text', keys: ['aws.table_name', 'aws.table.name'] },
  { field: 'table_names', kind: 'texts', keys: ['aws.dynamodb.table_names'] },
  { field: 'index_name', kind: 'text', keys: ['aws.dynamodb.index_name'] },
  { field: 'attributes_to_get', kind: 'texts', keys: ['aws.dynamodb.attributes_to_get'] },
  { field: 'consistent_read', kind: 'boolean', keys: ['aws.dynamodb.consistent_read'] },
  { field: 'limit', kind: 'integer', keys: ['aws.dynamodb.limit'] },
  { field: 'segment', kind: 'integer', keys: ['aws.dynamodb.segment'] },
  { field: 'total_segments', kind: 'integer', keys: ['aws.dynamodb.total_segments'] },
  { field: 'count', kind: 'integer', keys: ['aws.dynamodb.count'] },
  { field: 'scanned_count', kind: 'integer', keys: ['aws.dynamodb.scanned_count'] },
  { field: 'table_count', kind: 'integer', keys: ['aws.dynamodb.table_count'] },
  { field: 'consumed_capacity', kind: 'json', keys: ['aws.dynamodb.consumed_capacity'] },
  { field: 'item_collection_metrics', kind: 'json', keys: ['aws.dynamodb.item_collection_metrics'] },
  { field: 'bucket_name', kind: 'text', keys: ['aws.s3.bucket'] },
  { field: 'key', kind: 'text', keys: ['aws.s3.key'] },
  { field: 'function_name', kind: 'text', keys: ['aws.lambda.function.name'], callKeys: ['faas.invoked_name'] },
  { field: 'invocation_type', kind: 'text', keys: ['aws.lambda.invocation_type'] },
  { field: 'function_error', kind: 'text', keys: ['aws.lambda.function_error'] },
];

/** Of the SERVER span, on the `Invocation` document: what Lambda writes on its own function segment. */
const INVOCATION_ROWS: readonly Row[] = [
  { field: 'account_id', kind: 'text', keys: ['cloud.account.id'] },
  { field: 'function_arn', kind: 'text', keys: ['cloud.resource_id'] },
  { field: 'request_id', kind: 'text', keys: ['faas.invocation_id'] },
  { field: 'region', kind: 'text', keys: ['cloud.region'] },
];

const LIST_MAX = 100;
/** Longer JSON text is not worth its parsing here; it stays in the metadata, under the metadata's cap. */
const JSON_MAX_CHARS = 4096;

/** What any span is asked for. */
export const AWS_KEYS: readonly string[] = ROWS.flatMap(({ keys = [] }) => keys);

export type AwsSubject = {
  /** The span is a call of an AWS API. */
  readonly isCall: boolean;
  /** The span stands for Lambda's own invocation. */
  readonly isInvocation: boolean;
  /** It has one of `AWS_KEYS`. */
  readonly hasKeys: boolean;
};

/** The block; undefined when no attribute belongs there. */
export function awsBlockOf(
  attributes: SpanAttributes,
  { isCall, isInvocation, hasKeys }: AwsSubject,
): AwsBlock | undefined {
  if (!isCall && !isInvocation && !hasKeys) return undefined;
  const block: AwsBlock = {};
  if (isCall || hasKeys) setFields(block, ROWS, isCall, attributes);
  if (isInvocation) setFields(block, INVOCATION_ROWS, false, attributes);
  if (isCall) finishCall(block, attributes);
  // One table is `table_name`, as the console expects it.
  const tables = block.table_names as string[] | undefined;
  if (tables?.length === 1) {
    block.table_name ??= tables[0];
    delete block.table_names;
  }
  for (const _ in block) return block;
  return undefined;
}

function finishCall(block: AwsBlock, attributes: SpanAttributes): void {
  attributes.use('rpc.system');
  attributes.use('rpc.system.name');
  const { operation } = block;
  if (typeof operation === 'string' && operation.includes('/')) {
    block.operation = operation.slice(operation.lastIndexOf('/') + 1);
  }
  if (block.queue_url === undefined && isSqsCall(attributes)) {
    const url = takeText(attributes, ['url.full', 'http.url']);
    if (url !== undefined) block.queue_url = cutText(url, GENERIC_TEXT_CHARS);
  }
}

const CALL_KEYS: ReadonlyMap<Row, readonly string[]> = new Map(
  ROWS.map((row) => [row, [...(row.keys ?? []), ...(row.callKeys ?? [])]]),
);

function setFields(block: AwsBlock, rows: readonly Row[], isCall: boolean, attributes: SpanAttributes): void {
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index]!;
    const keys = isCall ? CALL_KEYS.get(row) : row.keys;
    if (keys === undefined) continue;
    const value = READ[row.kind](attributes, keys);
    if (value !== undefined && block[row.field] === undefined) block[row.field] = value;
  }
}

const READ: Readonly<Record<FieldKind, (attributes: SpanAttributes, keys: readonly string[]) => unknown>> = {
  text(attributes, keys) {
    const text = takeText(attributes, keys);
    return text === undefined ? undefined : cutText(text, GENERIC_TEXT_CHARS);
  },
  integer: takeInteger,
  boolean(attributes, keys) {
    for (const key of keys) {
      const value = attributes.values[key];
      if (typeof value !== 'boolean') continue;
      attributes.use(key);
      return value;
    }
    return undefined;
  },
  texts(attributes, keys) {
    for (const key of keys) {
      const value = attributes.values[key];
      if (typeof value !== 'string' && !isTextList(value)) continue;
      attributes.use(key);
      return (typeof value === 'string' ? [value] : value).map((text) => cutText(text, GENERIC_TEXT_CHARS));
    }
    return undefined;
  },
  json(attributes, keys) {
    for (const key of keys) {
      const value = attributes.values[key];
      const parsed = isTextList(value) ? parseAll(value) : undefined;
      if (parsed === undefined) continue;
      attributes.use(key);
      return parsed.length === 1 ? parsed[0] : parsed;
    }
    return undefined;
  },
};

const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.length <= LIST_MAX && value.every((one) => typeof one === 'string');

/** The instrumentation writes response objects as a list of JSON texts; undefined when one of them is not JSON. */
function parseAll(texts: readonly string[]): unknown[] | undefined {
  if (texts.reduce((chars, text) => chars + text.length, 0) > JSON_MAX_CHARS) return undefined;
  try {
    return texts.map((text) => toJsonValue(JSON.parse(text)));
  } catch {
    return undefined;
  }
}
