// A thrown value as the Runtime API's error body and error type header. Never throws: user code may throw anything.
// Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"; body as aws-lambda-ric makes it.

import { types } from 'node:util';
import { PAYLOAD_LIMIT_BYTES } from './api/wire.ts';
import { errorTable } from './error-table.ts';
import type { HandlerCompat } from './handler-compat.ts';
import { cutText, isError } from './thrown-value.ts';
import { stringifyJson } from './untouched.ts';

export type ErrorBody = {
  /** JSON text `{errorType, errorMessage, trace}`. */
  readonly body: string;
  /** Value for `Lambda-Runtime-Function-Error-Type`: visible ASCII, at most 256 characters, never empty. */
  readonly errorType: string;
};

export type ErrorBodyOptions = {
  /** Where the managed families differ, follow this one; undefined: read as an error whatever either of them does. */
  readonly compat?: HandlerCompat;
  /** Longer bodies are cut: the trace first, then the message. At least 16 KiB. */
  readonly limitBytes?: number;
};

type Fields = {
  readonly type: string | undefined;
  readonly message: string | undefined;
  readonly trace: readonly string[] | undefined;
};

const HEADER_LIMIT = 256;
export function errorBody(thrown: unknown, options: ErrorBodyOptions = {}): ErrorBody {
  const { compat, limitBytes = PAYLOAD_LIMIT_BYTES } = options;
  const fields = readFields(thrown, compat, limitBytes);
  let body = toJson(fields);
  if (Buffer.byteLength(body) > limitBytes) body = toJson(shorten(fields, limitBytes));
  return { body, errorType: toHeader(fields.type ?? '') };
}

function readFields(thrown: unknown, compat: HandlerCompat, limit: number): Fields {
  try {
    if (countsAsError(thrown, compat)) {
      const { name, message, stack } = thrown;
      return {
        type: readString(name, limit),
        message: readString(message, limit),
        trace: readTrace(stack, compat, limit),
      };
    }
    if (compat === 'node22' && (thrown === null || thrown === undefined)) {
      return { type: 'string', message: 'handled', trace: [] };
    }
    return { type: typeof thrown, message: cutText(String(thrown), limit), trace: [] };
  } catch {
    const { wireType, message } = errorTable.ErrorUnreadable;
    return { type: wireType, message, trace: compat === 'node22' ? undefined : [] };
  }
}

type ErrorLike = { readonly name: unknown; readonly message: unknown; readonly stack: unknown };

function countsAsError(thrown: unknown, compat: HandlerCompat): thrown is ErrorLike {
  if (compat === 'node24') return thrown instanceof Error;
  if (compat === 'node22' ? types.isNativeError(thrown) : isError(thrown)) return true;
  const { name, message, stack } = (thrown ?? {}) as ErrorLike;
  const hasTexts = typeof name === 'string' && typeof message === 'string' && typeof stack === 'string';
  return hasTexts && name !== '' && stack !== '' && (message !== '' || compat === undefined);
}

/** As both families read it: nothing stays nothing, anything but a string makes the error unreadable. */
function readString(text: unknown, limit: number): string | undefined {
  if (text === undefined || text === null) return undefined;
  if (typeof text !== 'string') throw new TypeError('not a string');
  return cutText(text, limit).replaceAll('\x7f', '%7F');
}

function readTrace(stack: unknown, compat: HandlerCompat, limit: number): readonly string[] {
  const text = readString(stack, limit);
  if (text !== undefined) return text.split('\n');
  if (compat === 'node22') throw new TypeError('no stack');
  return [];
}

/** Written out by hand: a `toJSON` on a built-in prototype must not change or break what the platform gets. */
function toJson({ type, message, trace }: Fields): string {
  const members: string[] = [];
  if (type !== undefined) members.push(`"errorType":${stringifyJson(type)}`);
  if (message !== undefined) members.push(`"errorMessage":${stringifyJson(message)}`);
  if (trace !== undefined) members.push(`"trace":[${trace.map((line) => stringifyJson(line)).join(',')}]`);
  return `{${members.join(',')}}`;
}

function shorten({ type, message, trace }: Fields, limitBytes: number): Fields {
  // One UTF-16 unit is at most six bytes of JSON (`\u0001`), so an eighth of the limit per text is safe.
  const limit = Math.floor(limitBytes / 8);
  return {
    type: type === undefined ? undefined : cutText(type, HEADER_LIMIT),
    message: message === undefined || message.length <= limit ? message : `${cutText(message, limit)}… (cut)`,
    trace: trace === undefined ? undefined : shortenTrace(trace, limit),
  };
}

function shortenTrace(trace: readonly string[], limitBytes: number): readonly string[] {
  const kept: string[] = [];
  let left = limitBytes;
  for (const line of trace) {
    left -= stringifyJson(line).length * 3 + 1;
    if (left < 0) break;
    kept.push(line);
  }
  if (kept.length < trace.length) kept.push(`    … ${trace.length - kept.length} more lines`);
  return kept;
}

function toHeader(type: string): string {
  const ascii = cutText(type, HEADER_LIMIT).replace(/[^\x20-\x7e]/g, '?');
  return ascii.trim() || 'Error';
}
