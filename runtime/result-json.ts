// A handler's result as the JSON text of a buffered response.

import { runtimeError } from './errors.ts';
import type { HandlerCompat } from './handler-compat.ts';
import { stringifyJson } from './untouched.ts';

/**
 * JSON text of a result; `undefined` is `null`.
 * @throws Runtime.JSONStringifyError, TypeError
 */
export function serializeResult(result: unknown, compat: HandlerCompat): string {
  let json: string | undefined;
  try {
    json = stringifyJson(result === undefined ? null : result);
  } catch {
    const error = runtimeError('JSONStringifyError', {});
    if (compat === 'node22') error.name = 'Error';
    throw error;
  }
  if (json === undefined) throw runtimeError('ResponseWithoutJson', {});
  return json;
}
