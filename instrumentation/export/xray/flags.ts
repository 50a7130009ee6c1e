// Which of `error`, `throttle` and `fault` a subsegment carries. The HTTP status speaks first, the span's status second; each
// subsegment is judged by itself.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

export type Flags = {
  readonly error: true | undefined;
  readonly throttle: true | undefined;
  readonly fault: true | undefined;
};

const FINE: Flags = { error: undefined, throttle: undefined, fault: undefined };
const CALLER_ERROR: Flags = { error: true, throttle: undefined, fault: undefined };
const THROTTLED: Flags = { error: true, throttle: true, fault: undefined };
const FAULT: Flags = { error: undefined, throttle: undefined, fault: true };

/** Names with which AWS services throttle, mostly with status 400. Source: the AWS SDK's service error classification. */
const AWS_THROTTLING: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
]);

/** The flags for an HTTP status, if there is one, and the span's own verdict. */
export function flagsOf(status: number | undefined, isFailed: boolean, isThrottled: boolean): Flags {
  if (isThrottled || status === 429) return THROTTLED;
  if (status !== undefined && status >= 400 && status <= 499) return CALLER_ERROR;
  if (status !== undefined && status >= 500 && status <= 599) return FAULT;
  return isFailed ? FAULT : FINE;
}

/** Whether an AWS call was turned away for its rate: by `error.type` or by the exception it threw. */
export function isThrottledByAws(errorType: unknown, events: ReadableSpan['events']): boolean {
  if (typeof errorType === 'string' && AWS_THROTTLING.has(errorType)) return true;
  return events.some(({ name, attributes }) => {
    const type = name === 'exception' ? attributes?.['exception.type'] : undefined;
    return typeof type === 'string' && AWS_THROTTLING.has(type);
  });
}
