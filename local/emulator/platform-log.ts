// The lines that the platform itself writes to a function's log.
// Source: Lambda Developer Guide, "Understanding the Lambda execution environment lifecycle" and CloudWatch log examples.

import type { Extension } from './extension-states.ts';
import type { PendingInvocation } from './invocation.ts';
import { exitText, timeoutText } from './platform-errors.ts';
import type { InitFailure } from './sandbox.ts';

export const startLine = (requestId: string, version: string): string =>
  `START RequestId: ${requestId} Version: ${version}`;

export const endLine = (requestId: string): string => `END RequestId: ${requestId}`;

export function reportLine(invocation: PendingInvocation, billedMs: number, memoryMb: number): string {
  const fields = [
    `REPORT RequestId: ${invocation.requestId}`,
    `Duration: ${billedMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(billedMs)} ms`,
    `Memory Size: ${memoryMb} MB`,
  ];
  if (invocation.initMs !== undefined) fields.push(`Init Duration: ${invocation.initMs.toFixed(2)} ms`);
  return fields.join('\t');
}

export const extensionLine = ({ name, state, events }: Extension): string =>
  `EXTENSION\tName: ${name}\tState: ${state}\tEvents: [${events.join(', ')}]`;

export const timeoutLine = (requestId: string, timeoutMs: number): string =>
  `${new Date().toISOString()} ${requestId} ${timeoutText(timeoutMs)}`;

export const initReportLine = (initMs: number, failure: InitFailure): string =>
  `INIT_REPORT Init Duration: ${initMs.toFixed(2)} ms\tPhase: init\tStatus: ${initFailureText(failure)}`;

export function initFailureText(failure: InitFailure): string {
  if (failure.cause === 'timeout') return 'timeout';
  if (failure.cause === 'exit') return `error\tError Type: Runtime.ExitError (${exitText(failure.exit)})`;
  return `error\tError Type: ${failure.errorType ?? 'Runtime.Unknown'}`;
}
