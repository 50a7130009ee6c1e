// What a handler's result means for the span of its invocation: HTTP status, captured headers, failed records of a batch.

import { defaultTriggerOptions, type ResultDescription, type Trigger, type TriggerOptions } from './trigger.ts';

/**
 * Describes what a successful handler returned. `result` of a streamed response is its HTTP prelude when there is one. Never throws:
 * of a result that resists reading nothing is said.
 */
export function describeResult(
  { resultRule }: Pick<Trigger, 'resultRule'>,
  result: unknown,
  options: TriggerOptions = defaultTriggerOptions,
  isStreamed = false,
): ResultDescription {
  try {
    if (resultRule !== undefined) return resultRule(result, isStreamed, options);
  } catch {
    // A getter of the user's result threw.
  }
  return { attributes: {}, errorType: undefined };
}
