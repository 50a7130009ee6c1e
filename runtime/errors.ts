// Makes errors and texts from the error table.

import { type ErrorEntry, errorTable } from './error-table.ts';
import { textOf } from './thrown-value.ts';

export type ErrorName = keyof typeof errorTable;
/** The entries that fail something, and so can be made into an error. */
export type FailureName = {
  [Name in ErrorName]: (typeof errorTable)[Name]['wireType'] extends string ? Name : never;
}[ErrorName];

type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
/** One value per placeholder of the entry's message; anything goes, it is converted without throwing. */
export type ErrorValues<Name extends ErrorName> = {
  readonly [Key in Placeholders<(typeof errorTable)[Name]['message']>]: unknown;
};

/** An error of the table. `name` is the wire type, `code` the table's code: match on `code`, messages may be completed. */
export class RuntimeError extends Error {
  /** Not enumerable: log lines show an error's own properties, and the managed runtimes' lines have no such one. */
  declare readonly code: ErrorEntry['code'];
}

/** The text of an entry with its values filled in. */
export function errorText<Name extends ErrorName>(name: Name, values: ErrorValues<Name>): string {
  const given: Record<string, unknown> = values;
  return errorTable[name].message.replace(/( ?)\{(\w+)\}/g, (_, space: string, key: string) => {
    const value = textOf(given[key]);
    return value === '' ? '' : space + value;
  });
}

/**
 * Makes the error of an entry. A `cause` among the values becomes the error's cause, and its stack the error's stack,
 * because it says where the user's code went wrong.
 */
export function runtimeError<Name extends FailureName>(name: Name, values: ErrorValues<Name>): RuntimeError {
  const { code, wireType } = errorTable[name];
  const error = new (errorClass(wireType))(errorText(name, values));
  hide(error, 'name', wireType);
  hide(error, 'code', code);
  Error.captureStackTrace(error, runtimeError);
  if ('cause' in values) adoptCause(error, values.cause);
  return error;
}

/**
 * The error for a rejection that nobody caught, with the `reason` and the `promise` as own properties.
 * Its trace shows where the reason came from.
 */
export function unhandledRejection(reason: unknown, promise: unknown): RuntimeError {
  const error = runtimeError('UnhandledPromiseRejection', { reason });
  const origin = framesOf(reason);
  if (origin !== undefined) error.stack = `${error.name}: ${error.message}\n${origin}`;
  return Object.assign(error, { reason, promise });
}

function adoptCause(error: RuntimeError, cause: unknown): void {
  hide(error, 'cause', cause);
  try {
    const { stack } = cause as { stack?: unknown };
    if (typeof stack === 'string' && stack !== '') error.stack = stack;
  } catch {
    // A cause that cannot be read leaves the error its own stack.
  }
}

function framesOf(reason: unknown): string | undefined {
  try {
    const { stack } = reason as { stack?: unknown };
    const start = typeof stack === 'string' ? stack.search(/^[ \t]+at /m) : -1;
    return start < 0 ? undefined : (stack as string).slice(start);
  } catch {
    return undefined;
  }
}

function hide(error: Error, property: string, value: unknown): void {
  Object.defineProperty(error, property, { value, writable: true, configurable: true, enumerable: false });
}

const classes = new Map<string, typeof RuntimeError>();

/** JSON log records give an error's class name as its type: `HandlerNotFound` for `Runtime.HandlerNotFound`. */
function errorClass(wireType: string): typeof RuntimeError {
  let found = classes.get(wireType);
  if (found === undefined) {
    found = class extends RuntimeError {};
    Object.defineProperty(found, 'name', { value: wireType.slice(wireType.lastIndexOf('.') + 1), configurable: true });
    classes.set(wireType, found);
  }
  return found;
}
