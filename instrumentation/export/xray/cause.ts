// The `cause` of a subsegment: the exceptions recorded on its span. One that passed through several subsegments stands in full on
// the innermost; the others name its id.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createExceptionId, type ExceptionText, exceptionFrom, exceptionIdOf, expandCauses } from './exceptions.ts';
import type { Cause, XrayException } from './subsegment.ts';

type TimedEvent = ReadableSpan['events'][number];

/** Exceptions of one span beyond these are only counted. */
const MAX_EXCEPTIONS = 10;

/** Which exceptions a batch has in full already. Subsegments must come children first. */
export class RecordedExceptions {
  #ids: Set<string> | undefined;
  /** By stack text: the stack of one Error is the same text wherever it is recorded. */
  #idsByStack: Map<string, string> | undefined;

  /** False when it is there already. */
  add(id: string): boolean {
    this.#ids ??= new Set();
    return this.#ids.size !== this.#ids.add(id).size;
  }

  idOfStack(stack: string): string | undefined {
    return this.#idsByStack?.get(stack);
  }

  rememberStack(stack: string, id: string): void {
    this.#idsByStack ??= new Map();
    this.#idsByStack.set(stack, id);
  }
}

export type CauseInput = {
  readonly events: readonly TimedEvent[];
  /** Of a span in error: what its status says. Used when no exception was recorded. */
  readonly failureMessage: string | undefined;
  /** The span called something outside, which is where the exception came from. */
  readonly isRemote: boolean;
  readonly workingDirectory: string;
  readonly liveErrorOf: ((event: TimedEvent) => unknown) | undefined;
};

/** The cause; undefined when nothing is known of one. */
export function causeOf(input: CauseInput, recorded: RecordedExceptions): Cause | undefined {
  const events = input.events.filter(({ name }) => name === 'exception');
  if (events.length === 0) return statusCause(input);
  const exceptions: XrayException[] = [];
  let reference: string | undefined;
  for (const event of events.slice(0, MAX_EXCEPTIONS)) {
    const error = liveErrorOf(input, event);
    const text = textOf(event);
    const id = idOf(error, text, recorded);
    if (!recorded.add(id)) {
      reference ??= id;
      continue;
    }
    const exception = exceptionFrom(id, text, input.isRemote);
    exceptions.push(exception);
    if (error === undefined) continue;
    for (const inner of expandCauses(exception, error, input.isRemote)) {
      if (recorded.add(inner.id)) exceptions.push(inner);
    }
  }
  const last = exceptions.at(-1);
  if (last === undefined) return reference;
  if (events.length > MAX_EXCEPTIONS) last.skipped = (last.skipped ?? 0) + events.length - MAX_EXCEPTIONS;
  return { working_directory: input.workingDirectory, exceptions };
}

function statusCause({ failureMessage, isRemote, workingDirectory }: CauseInput): Cause | undefined {
  if (failureMessage === undefined || failureMessage === '') return undefined;
  const text = { type: undefined, message: failureMessage, stack: undefined };
  return { working_directory: workingDirectory, exceptions: [exceptionFrom(createExceptionId(), text, isRemote)] };
}

function liveErrorOf({ liveErrorOf: lookUp }: CauseInput, event: TimedEvent): object | undefined {
  const error = lookUp?.(event);
  return typeof error === 'object' && error !== null ? error : undefined;
}

function textOf({ attributes }: TimedEvent): ExceptionText {
  const text = (key: string): string | undefined => {
    const value = attributes?.[key];
    return value === undefined || value === null ? undefined : String(value);
  };
  return { type: text('exception.type'), message: text('exception.message'), stack: text('exception.stacktrace') };
}

function idOf(error: object | undefined, { stack }: ExceptionText, recorded: RecordedExceptions): string {
  const known = stack === undefined ? undefined : recorded.idOfStack(stack);
  if (error === undefined && known !== undefined) return known;
  const id = error === undefined ? createExceptionId() : exceptionIdOf(error, known);
  if (stack !== undefined && known === undefined) recorded.rememberStack(stack, id);
  return id;
}
