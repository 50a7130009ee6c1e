// Exceptions as X-Ray writes them: from the attributes of an `exception` event, and from the live Error behind it when the
// recorder still has it, because only that knows its causes.

import { random } from '../../../runtime/untouched.ts';
import { parseStack } from './stack-frames.ts';
import type { XrayException } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';

const MAX_CAUSES = 5;
const MAX_AGGREGATED = 5;
/** How far a longer chain is followed only to say how long it is. */
const MAX_COUNTED = 100;
/** The service's 250 characters are its limit for fields without one of their own; the X-Ray SDK sends messages whole. */
const MESSAGE_CHARS = 4096;

/** What an `exception` event says. */
export type ExceptionText = {
  readonly type: string | undefined;
  readonly message: string | undefined;
  readonly stack: string | undefined;
};

/** The same Error has the same id in every subsegment it passes through, also in a later flush. */
const errorIds = new WeakMap<object, string>();

/** 64 random bits, never all zero. They need be unique within a trace, not secret. */
export function createExceptionId(): string {
  const half = (): string =>
    Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  const id = half() + half();
  return id === '0000000000000000' ? '0000000000000001' : id;
}

/** The id of a live Error; `proposed` becomes it if it has none yet. */
export function exceptionIdOf(error: object, proposed?: string): string {
  const known = errorIds.get(error);
  if (known !== undefined) return known;
  const id = proposed ?? createExceptionId();
  errorIds.set(error, id);
  return id;
}

/** One exception from what was recorded as text. */
export function exceptionFrom(id: string, text: ExceptionText, isRemote: boolean): XrayException {
  const exception: XrayException = { id };
  if (text.type) exception.type = cutText(text.type, GENERIC_TEXT_CHARS);
  if (text.message) exception.message = cutText(text.message, MESSAGE_CHARS);
  if (isRemote) exception.remote = true;
  if (text.stack) {
    const { frames, truncated } = parseStack(text.stack, text.message);
    if (truncated > 0) exception.truncated = truncated;
    if (frames.length > 0) exception.stack = frames;
  }
  return exception;
}

/** What is behind `outer`: its causes, and what it aggregates, as exceptions linked by `cause`. Sets `outer.cause`. */
export function expandCauses(outer: XrayException, error: object, isRemote: boolean): XrayException[] {
  const expanded: XrayException[] = [];
  const seen = new Set<unknown>([error]);
  let exception = outer;
  let current: unknown = error;
  for (let depth = 0; ; depth += 1) {
    addAggregated(exception, current, seen, expanded, isRemote);
    const next = causeOf(current);
    if (next === undefined || seen.has(next)) return expanded;
    if (depth === MAX_CAUSES) {
      exception.skipped = countCauses(current, seen);
      return expanded;
    }
    seen.add(next);
    const inner = exceptionOf(next, isRemote);
    exception.cause = inner.id;
    expanded.push(inner);
    exception = inner;
    current = next;
  }
}

function addAggregated(
  exception: XrayException,
  error: unknown,
  seen: Set<unknown>,
  expanded: XrayException[],
  isRemote: boolean,
): void {
  // Other errors have an `errors` too, mostly a list of validation results.
  const errors = read(error, 'name') === 'AggregateError' ? read(error, 'errors') : undefined;
  if (!Array.isArray(errors)) return;
  for (const one of errors.slice(0, MAX_AGGREGATED)) {
    if (seen.has(one)) continue;
    seen.add(one);
    const inner = exceptionOf(one, isRemote);
    // A cause of its own, if there is one, takes this place afterwards.
    exception.cause ??= inner.id;
    expanded.push(inner);
  }
  if (errors.length > MAX_AGGREGATED) exception.skipped = errors.length - MAX_AGGREGATED;
}

/** An exception from whatever was thrown. */
function exceptionOf(thrown: unknown, isRemote: boolean): XrayException {
  if (typeof thrown !== 'object' || thrown === null) {
    return exceptionFrom(
      createExceptionId(),
      { type: typeof thrown, message: textOf(thrown), stack: undefined },
      isRemote,
    );
  }
  const name = read(thrown, 'name');
  const message = read(thrown, 'message');
  const stack = read(thrown, 'stack');
  return exceptionFrom(
    exceptionIdOf(thrown),
    {
      type: typeof name === 'string' && name !== '' ? name : 'Error',
      message: message === undefined ? undefined : textOf(message),
      stack: typeof stack === 'string' ? stack : undefined,
    },
    isRemote,
  );
}

function causeOf(error: unknown): unknown {
  const cause = read(error, 'cause');
  return cause === null ? undefined : cause;
}

function countCauses(error: unknown, seen: Set<unknown>): number {
  let count = 0;
  for (let next = causeOf(error); next !== undefined && !seen.has(next) && count < MAX_COUNTED; next = causeOf(next)) {
    seen.add(next);
    count += 1;
  }
  return count;
}

/** A property of something user code threw: a getter or proxy may throw again. */
function read(thrown: unknown, key: string): unknown {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  try {
    return (thrown as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return '';
  }
}
