// Puts the trace into messages and invocations, which HTTP headers do not reach: before they are serialised and signed, on copies,
// and only where the service's limits leave room. What the caller has set stays.

import { isUtf8 } from 'node:buffer';
import { BODY_LIMIT_BYTES } from './message-limits.ts';

type Input = Readonly<Record<string, unknown>>;
export type InjectionTarget = 'sqs' | 'sns' | 'lambda' | 'eventbridge' | 'kinesis';

/** Names and values, in lower case: `traceparent` first. */
export type TraceFields = Readonly<Record<string, string>>;

type Inject = (input: Input, fields: TraceFields, xrayHeader: string | undefined) => Input;

const INJECTIONS: Readonly<Record<string, readonly [InjectionTarget, Inject]>> = {
  'SQS.SendMessage': ['sqs', (input, fields) => withAttributes(input, fields, input.MessageBody)],
  'SQS.SendMessageBatch': ['sqs', entries((entry, fields) => withAttributes(entry, fields, entry.MessageBody))],
  'SNS.Publish': [
    'sns',
    // The attributes of a text message to a phone are settings.
    (input, fields) => (input.PhoneNumber === undefined ? withAttributes(input, fields, input.Message) : input),
  ],
  'SNS.PublishBatch': [
    'sns',
    entries((entry, fields) => withAttributes(entry, fields, entry.Message), 'PublishBatchRequestEntries'),
  ],
  'Lambda.Invoke': ['lambda', withClientContext],
  'EventBridge.PutEvents': ['eventbridge', entries(withDetail)],
  'Kinesis.PutRecord': ['kinesis', withData],
  'Kinesis.PutRecords': ['kinesis', entries(withData, 'Records')],
};

/** The input to send in the place of this one; the same object when nothing is to be added. */
export function injectTrace(
  call: string,
  input: Input,
  targets: readonly InjectionTarget[],
  fields: TraceFields,
  xrayHeader: string | undefined,
): Input {
  const [target, inject] = INJECTIONS[call] ?? [];
  if (target === undefined || inject === undefined || !targets.includes(target) || !isCopyable(input)) return input;
  return inject(input, fields, xrayHeader);
}

function entries(inject: Inject, name = 'Entries'): Inject {
  return (input, fields, xrayHeader) => {
    const list = input[name];
    if (!Array.isArray(list)) return input;
    return { ...input, [name]: list.map((entry) => (isCopyable(entry) ? inject(entry, fields, xrayHeader) : entry)) };
  };
}

const MAX_ATTRIBUTES = 10;

/** SQS and SNS take ten attributes; a field that the message has already, or that finds no room, is left out. */
function withAttributes(input: Input, fields: TraceFields, body: unknown): Input {
  const present = isObject(input.MessageAttributes) ? input.MessageAttributes : {};
  if (typeof body === 'string' && body.length > BODY_LIMIT_BYTES) return input;
  // Whoever sends a context of his own means it.
  if (Object.hasOwn(present, 'traceparent') || !isCopyable(present)) return input;
  const attributes: Record<string, unknown> = { ...present };
  for (const [name, value] of Object.entries(fields)) {
    if (Object.keys(attributes).length >= MAX_ATTRIBUTES) break;
    attributes[name] ??= { DataType: 'String', StringValue: value };
  }
  return { ...input, MessageAttributes: attributes };
}

/** Of the encoded text (Lambda API Reference, "Invoke"). */
const MAX_CLIENT_CONTEXT_CHARS = 3583;

/** Lambda hands the client context over to functions that are waited for, and to no others. */
function withClientContext(input: Input, fields: TraceFields): Input {
  const { InvocationType: type = 'RequestResponse', ClientContext: given } = input;
  if (type !== 'RequestResponse') return input;
  let context: unknown = {};
  try {
    const bytes = Buffer.from(String(given ?? ''), 'base64');
    if (!isUtf8(bytes)) return input;
    if (given !== undefined) context = parseVerbatim(bytes.toString('utf8'));
  } catch {
    return input;
  }
  // What is no object in these places is the user's own idea of them, and would be lost.
  if (!isObject(context) || Array.isArray(context)) return input;
  const { custom = {} } = context;
  if (!isObject(custom) || Array.isArray(custom)) return input;
  const text = JSON.stringify({ ...context, custom: { ...fields, ...custom } });
  const encoded = Buffer.from(text).toString('base64');
  return encoded.length > MAX_CLIENT_CONTEXT_CHARS ? input : { ...input, ClientContext: encoded };
}

/** Keeps numbers as they are written: not every one is a number of JavaScript's. */
function parseVerbatim(text: string): unknown {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };
  const revive = (_key: string, value: unknown, { source }: { readonly source?: string }): unknown =>
    typeof value === 'number' && source !== undefined ? rawJSON(source) : value;
  return JSON.parse(text, revive as unknown as (key: string, value: unknown) => unknown);
}

/** `TraceHeader` is the service's own field for it; the consumer's tracer reads the detail. */
function withDetail(entry: Input, fields: TraceFields, xrayHeader: string | undefined): Input {
  const detail = withFields(entry.Detail, fields);
  const header = entry.TraceHeader ?? xrayHeader;
  return {
    ...entry,
    ...(detail === undefined ? {} : { Detail: detail }),
    ...(header === undefined ? {} : { TraceHeader: header }),
  };
}

function withData(record: Input, fields: TraceFields): Input {
  const { Data: data } = record;
  // Other bytes would not come back out of a text.
  if (!(data instanceof Uint8Array) || !isUtf8(data)) return record;
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
  const written = withFields(text, fields);
  return written === undefined ? record : { ...record, Data: new TextEncoder().encode(written) };
}

/** The JSON object in `text` with the fields that it does not have; undefined when it is none, or too long. */
function withFields(text: unknown, fields: TraceFields): string | undefined {
  if (typeof text !== 'string' || text.length > BODY_LIMIT_BYTES) return undefined;
  // Added to the text itself, so that numbers and the order of what is there stay as they were written.
  const end = text.lastIndexOf('}');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(parsed) || Array.isArray(parsed)) return undefined;
  const names = Object.keys(parsed);
  const added = Object.entries(fields).filter(([name]) => !names.includes(name));
  if (added.length === 0) return undefined;
  const addition = added.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
  return `${text.slice(0, end)}${names.length === 0 ? '' : ','}${addition}${text.slice(end)}`;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** A copy has an object's own properties alone: what a class of the user's computes would be missing in it. */
function isCopyable(value: unknown): value is Input {
  if (!isObject(value)) return false;
  let prototype: object | null = Object.getPrototypeOf(value);
  while (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const inherited = Object.values(Object.getOwnPropertyDescriptors(prototype));
    if (inherited.some((property) => typeof property.value !== 'function')) return false;
    prototype = Object.getPrototypeOf(prototype);
  }
  return true;
}
