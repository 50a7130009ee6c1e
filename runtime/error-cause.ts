// The `Lambda-Runtime-Function-XRay-Error-Cause` header: a thrown value with its causes as X-Ray shows them on the function's
// segment. One line of ASCII JSON, bounded. Source: aws-lambda-runtime-interface-emulator, rapi/model/error_cause.

import { parseStackFrames, type StackFrame } from './stack-frames.ts';
import { cutText, isError, readText, textOf } from './thrown-value.ts';
import { stringifyJson } from './untouched.ts';

const LIMIT_BYTES = 8192;
const MAX_FRAMES = 50;
const MAX_EXCEPTIONS = 10;
const MAX_DEPTH = 5;
const MESSAGE_LIMIT = 4096;
const NAME_LIMIT = 512;

type Exception = { readonly type: string; readonly message: string; readonly stack: readonly StackFrame[] };

/**
 * Value of the header, ASCII, at most `limitBytes`. Frames go first when it is too long, from the end; then exceptions;
 * then messages are cut. Empty when nothing can be said: leave the header out. Never throws.
 */
export function xrayErrorCause(thrown: unknown, workingDirectory: string, limitBytes = LIMIT_BYTES): string {
  try {
    const exceptions = collectExceptions(thrown);
    const fits = (text: string): boolean => text.length <= limitBytes;
    for (let frames = MAX_FRAMES; frames >= 1; frames -= frames > 10 ? 5 : 1) {
      const text = encode(exceptions, frames, workingDirectory);
      if (fits(text)) return text;
    }
    for (let count = exceptions.length - 1; count >= 1; count--) {
      const text = encode(exceptions.slice(0, count), 1, workingDirectory);
      if (fits(text)) return text;
    }
    const [first] = exceptions;
    for (let limit = MESSAGE_LIMIT; limit >= 16; limit /= 2) {
      const text = encode(
        [{ type: cutText(first!.type, limit), message: cutText(first!.message, limit), stack: [] }],
        0,
        '',
      );
      if (fits(text)) return text;
    }
  } catch {
    // What is thrown may break anything; the error itself still reaches the platform.
  }
  return '';
}

/** The value itself first, then its causes, then what aggregate errors hold; each object once. */
function collectExceptions(thrown: unknown): Exception[] {
  const exceptions: Exception[] = [];
  const seen = new Set<unknown>();
  const visit = (value: unknown, depth: number): void => {
    if (exceptions.length >= MAX_EXCEPTIONS || depth > MAX_DEPTH || seen.has(value)) return;
    if (typeof value === 'object' && value !== null) seen.add(value);
    exceptions.push(describe(value));
    const cause = read(value, 'cause');
    if (cause !== undefined && cause !== null) visit(cause, depth + 1);
    for (const member of readErrors(value)) visit(member, depth + 1);
  };
  visit(thrown, 0);
  return exceptions;
}

function describe(value: unknown): Exception {
  if (!isError(value) && readText(value, 'stack') === undefined) {
    return { type: typeof value, message: clean(textOf(value), MESSAGE_LIMIT), stack: [] };
  }
  const message = readText(value, 'message') ?? '';
  const stack = readText(value, 'stack') ?? '';
  return {
    type: clean(readText(value, 'name') ?? 'Error', NAME_LIMIT),
    message: clean(message, MESSAGE_LIMIT),
    stack: parseStackFrames(stack, message, MAX_FRAMES).map(({ path, line, label }) => ({
      ...(path === undefined ? undefined : { path: clean(path, NAME_LIMIT) }),
      ...(line === undefined ? undefined : { line }),
      label: clean(label, NAME_LIMIT),
    })),
  };
}

function clean(text: string, limit: number): string {
  return cutText(text, limit).replaceAll('\x7f', '%7F');
}

function read(value: unknown, property: string): unknown {
  try {
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[property] : undefined;
  } catch {
    return undefined;
  }
}

function readErrors(value: unknown): readonly unknown[] {
  try {
    const errors = isError(value) ? read(value, 'errors') : undefined;
    return Array.isArray(errors) ? errors.slice(0, MAX_EXCEPTIONS) : [];
  } catch {
    return [];
  }
}

function encode(exceptions: readonly Exception[], frames: number, workingDirectory: string): string {
  const kept = exceptions.map((exception) => ({ ...exception, stack: exception.stack.slice(0, frames) }));
  const paths = new Set(kept.flatMap(({ stack }) => stack.flatMap(({ path }) => (path === undefined ? [] : [path]))));
  return toAscii(stringifyJson({ working_directory: workingDirectory, exceptions: kept, paths: [...paths] }));
}

/** JSON may escape any character, and a header value must be ASCII to pass every HTTP parser. */
function toAscii(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
