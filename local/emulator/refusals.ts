// What the Runtime and Extensions APIs answer when they refuse: status, error type and text, byte for byte.
// Source: Lambda Developer Guide (Runtime API, Extensions API) and the runtime interface emulator's `rapi/rendering`.

import { PAYLOAD_LIMIT_BYTES } from '../../runtime/api/wire.ts';

/** One HTTP answer of the API. Header values are strings of characters; they go out as UTF-8. */
export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
};

const json = (status: number, value: unknown): Answer => ({
  status,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
});

export const refusal = (status: number, errorType: string, errorMessage: string): Answer =>
  json(status, { errorMessage, errorType });

export const forbidden = (errorType: string, errorMessage: string): Answer => refusal(403, errorType, errorMessage);

export const accepted: Answer = { ...json(202, { status: 'OK' }) };

export const answerJson = (value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => {
  const answer = json(200, value);
  return { ...answer, headers: { ...answer.headers, ...headers } };
};

const NOT_ALLOWED = 'State transition is not allowed';

export const runtimeTransitionRefused = (from: string, to: string): Answer =>
  forbidden(
    'InvalidStateTransition',
    `State transition from ${from} to ${to} failed for runtime. Error: ${NOT_ALLOWED}`,
  );

export const extensionTransitionRefused = (from: string, to: string, extension: string): Answer =>
  forbidden(
    'Extension.InvalidExtensionState',
    `State transition from ${from} to ${to} failed for extension ${extension}. Error: ${NOT_ALLOWED}`,
  );

export const invalidRequestId = refusal(400, 'InvalidRequestID', 'Invalid request ID');
export const invalidResponseMode = refusal(400, 'InvalidFunctionResponseMode', 'Invalid function response mode');
export const truncatedRequest = refusal(400, 'TruncatedHTTPRequest', 'HTTP request detected as truncated');
export const payloadTooLarge = refusal(
  413,
  'RequestEntityTooLarge',
  `Exceeded maximum allowed payload size (${PAYLOAD_LIMIT_BYTES} bytes).`,
);
export const invokeTimedOut = refusal(410, 'InvokeTimeout', 'Invoke timeout');
export const tooManyIdleRuntimes = refusal(
  500,
  'Runtime.TooManyIdleRuntimes',
  'More next polls are open than AWS_LAMBDA_MAX_CONCURRENCY allows',
);
export const notFound = refusal(404, 'NotFound', 'There is no such path in this API');
export const methodNotAllowed = refusal(405, 'MethodNotAllowed', 'This path does not take that method');

export const telemetryUnsupported = json(202, {
  errorType: 'Telemetry.NotSupported',
  errorMessage: 'Telemetry API is not supported',
});
export const logsUnsupported = json(202, { errorType: 'Logs.NotSupported', errorMessage: 'Logs API is not supported' });
