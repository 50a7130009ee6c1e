// What the caller of a function sees when the function gives no answer of its own: timeouts, exits, refused answers.
// Source: Lambda Developer Guide; runtime interface emulator, `fatalerror` and `rapidcore/server.go`.

import { PAYLOAD_LIMIT_BYTES } from '../../runtime/api/wire.ts';
import type { ProcessExit } from './process.ts';

export type PlatformError = { readonly errorType: string; readonly errorMessage: string };

/** Go's names of the signals, as the platform's texts have them. */
const signalTexts: Readonly<Record<string, string>> = {
  SIGKILL: 'killed',
  SIGTERM: 'terminated',
  SIGABRT: 'aborted',
  SIGSEGV: 'segmentation fault',
  SIGBUS: 'bus error',
  SIGILL: 'illegal instruction',
  SIGFPE: 'floating point exception',
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
};

export function exitText({ exitCode, signal, startError }: ProcessExit): string {
  if (startError !== undefined) return `Couldn't find valid bootstrap(s): ${startError}`;
  if (signal) return `Runtime exited with error: signal: ${signalTexts[signal] ?? signal}`;
  if (exitCode === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${exitCode}`;
}

export const exitError = (requestId: string, exit: ProcessExit): PlatformError => ({
  errorType: exit.startError === undefined ? 'Runtime.ExitError' : 'Runtime.InvalidEntrypoint',
  errorMessage: `RequestId: ${requestId} Error: ${exitText(exit)}`,
});

export const timeoutText = (timeoutMs: number): string =>
  `Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;

export const timeoutError = (requestId: string, timeoutMs: number): PlatformError => ({
  errorType: 'Sandbox.Timedout',
  errorMessage: `RequestId: ${requestId} Error: ${timeoutText(timeoutMs)}`,
});

export const responseTooLarge = (bodyBytes: number): PlatformError => ({
  errorType: 'Function.ResponseSizeTooLarge',
  errorMessage: `Response payload size (${bodyBytes} bytes) exceeded maximum allowed payload size (${PAYLOAD_LIMIT_BYTES} bytes).`,
});

export const truncatedResponse: PlatformError = {
  errorType: 'Runtime.TruncatedResponse',
  errorMessage: 'The response ended before all of it had arrived',
};

export const invalidResponseModeHeader: PlatformError = {
  errorType: 'Runtime.InvalidResponseModeHeader',
  errorMessage: 'Lambda-Runtime-Function-Response-Mode may only be "streaming"',
};

/** How the platform files an error type that a runtime sent; the caller sees the body unchanged whatever this says. */
export function classifyErrorType(header: string | undefined): string {
  if (header && /(Runtime|Function)\.[A-Z][a-zA-Z]+/.test(header)) return header;
  return header?.startsWith('Function.') ? 'Function.Unknown' : 'Runtime.Unknown';
}
