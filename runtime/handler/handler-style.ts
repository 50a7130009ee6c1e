// What is said about handlers that finish by callback or by methods of the context: a refusal where the managed Node 24
// runtime is followed exactly, one line in the log elsewhere. How they are served is completion.ts.

import { types } from 'node:util';
import { errorText, runtimeError } from '../errors.ts';
import type { HandlerCompat } from '../handler-compat.ts';
import type { HandlerFunction } from './module-loading.ts';

export type HandlerStyleOptions = {
  readonly compat: HandlerCompat;
  readonly isStreaming: boolean;
  /** `AWS_EXECUTION_ENV`: which Node line the refusal speaks of. */
  readonly executionEnvironment: string | undefined;
  /** `AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING` is set, to anything. */
  readonly isWarningSilenced: boolean;
  warn(text: string): void;
};

/**
 * Looks at a loaded handler. Returns what is to be called when a handler is seen to use `context.succeed`, `fail` or `done`.
 * @throws Runtime.CallbackHandlerDeprecated
 */
export function checkHandlerStyle(handler: HandlerFunction, options: HandlerStyleOptions): () => void {
  const { compat, isStreaming, executionEnvironment } = options;
  if (isStreaming) return () => {};
  if (compat === 'node24') {
    if (handler.length < 3) return () => {};
    const isNode22 = executionEnvironment === 'AWS_Lambda_nodejs22.x';
    throw runtimeError(isNode22 ? 'CallbackHandlerManagedInstances' : 'CallbackHandlerDeprecated', {});
  }
  let isSilent = options.isWarningSilenced;
  const warn = (): void => {
    if (isSilent) return;
    isSilent = true;
    options.warn(errorText(compat === 'node22' ? 'CallbackHandlerWarning' : 'CallbackStyleWarning', {}));
  };
  if (handler.length === 3 && !types.isAsyncFunction(handler)) warn();
  // The managed Node 22 runtime says nothing of the context's methods.
  return compat === 'node22' ? () => {} : warn;
}
