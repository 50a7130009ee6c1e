// Polling when several invocations run at once (Lambda Managed Instances): how many polls there are, and what happens when
// one is refused. The environment serves others meanwhile, so a poll is tried again instead of ending the process.
// Source: Lambda Developer Guide, "Building custom runtimes for Lambda Managed Instances"; retries as aws-lambda-ric 4.

import type { Delivery, RuntimeApi } from './api/runtime-api.ts';
import { setTimeout } from './untouched.ts';

const ATTEMPTS = 20;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 90_000;
/** Lambda's own default per vCPU. */
const DEFAULT_POLLS = 64;

/** Polls to keep open for a value of `AWS_LAMBDA_MAX_CONCURRENCY`; one that is no number counts as Lambda's default. */
export function pollCount(maxConcurrency: string): number {
  const count = Number(maxConcurrency);
  return Number.isSafeInteger(count) && count > 0 ? count : DEFAULT_POLLS;
}

export type PollRetry = {
  /** One line for the function's log. */
  report(text: string): void;
  /** Default: a timer. */
  sleep?(delayMs: number): Promise<void>;
};

/**
 * Waits for the next invocation; a poll that fails is tried 20 times, at longer and longer intervals, 15 minutes in all.
 * @throws Runtime.PlatformError, the last failure
 */
export async function pollWithRetry(
  api: Pick<RuntimeApi, 'next'>,
  { report, sleep = sleepMs }: PollRetry,
): Promise<Delivery> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await api.next();
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
      report(`${error}; attempt ${attempt} of ${ATTEMPTS}, the next one in ${delayMs} ms`);
      await sleep(delayMs);
    }
  }
}

function sleepMs(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
