// What the watchdog writes into the file of a process whose event loop is blocked, for the next process to tell of it.

import type { Attributes } from '@opentelemetry/api';

/** `marker`: what became of the one span that tells of the time limit; absent: nobody wanted it. */
export type BlockReport = {
  readonly requestId: string;
  /** Where the main thread was, youngest call first, one per line; absent: it answered no question, as inside of native code. */
  readonly stack?: string;
  readonly marker?: 'sent' | 'lost';
};

export function readBlockReport(value: unknown): BlockReport | undefined {
  const { requestId, stack, marker } = Object(value) as Partial<Record<keyof BlockReport, unknown>>;
  if (typeof requestId !== 'string' || (stack !== undefined && typeof stack !== 'string')) return undefined;
  return {
    requestId,
    ...(stack !== undefined && { stack }),
    ...((marker === 'sent' || marker === 'lost') && { marker }),
  };
}

/** What stands on the spans of an invocation whose event loop was blocked near its deadline. */
export function blockAttributes({ stack }: Pick<BlockReport, 'stack'>): Attributes {
  return { 'lambda.event_loop.blocked': true, ...(stack !== undefined && { 'code.stacktrace': stack }) };
}
