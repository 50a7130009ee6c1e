// The handler string of the function's configuration, taken apart. Nothing is loaded here.

import { runtimeError } from '../errors.ts';

/** `lib/orders.api.create` is module `orders` in folder `lib`, export `api.create`. */
export type HandlerName = {
  /** The whole string, for messages. */
  readonly full: string;
  /** Folder before the module's name, with its slash, or empty; absolute or relative to the task root. */
  readonly folder: string;
  /** Module name without its extension. */
  readonly module: string;
  /** Export path with dots; empty for a string that ends in a dot. */
  readonly exportPath: string;
};

/**
 * Splits as the managed runtimes do: the module ends at the first dot of the last path element, so module names cannot
 * contain dots. Slashes at the end mean nothing.
 * @throws Runtime.MalformedHandlerName
 */
export function parseHandlerName(full: string): HandlerName {
  if (full.includes('..')) throw runtimeError('HandlerNameEscapes', { handler: full });
  const path = full.replace(/\/+$/, '');
  const slash = path.lastIndexOf('/');
  const last = path.slice(slash + 1);
  const dot = last.indexOf('.');
  if (dot < 0) throw runtimeError('HandlerNameWithoutDot', {});
  return { full, folder: path.slice(0, slash + 1), module: last.slice(0, dot), exportPath: last.slice(dot + 1) };
}
