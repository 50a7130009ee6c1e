// Serves several invocations at once (Lambda Managed Instances), each over a connection of its own. In a bundle of its own: few
// functions run like that.

import type { RuntimeApi } from './api/runtime-api.ts';
import { flushInBackground } from './background-flush.ts';
import { pollCount, pollWithRetry } from './concurrent-polling.ts';
import type { InvocationObserver } from './lifecycle.ts';
import type { Loop } from './loop.ts';

export type ConcurrentServingOptions = {
  readonly loop: Pick<Loop, 'serveOne'>;
  /** Value of `AWS_LAMBDA_MAX_CONCURRENCY`. */
  readonly maxConcurrency: string;
  /** One that is open already. */
  readonly api: RuntimeApi;
  openApi(): RuntimeApi;
  readonly observer: Pick<InvocationObserver, 'flush'>;
  readonly log: { error(text: string): void };
};

/**
 * For ever. Nothing is frozen in between, so nothing waits for a flush.
 * @throws Runtime.PlatformError when one of the connections cannot be used any more
 */
export async function serveConcurrently(options: ConcurrentServingOptions): Promise<never> {
  const { loop, maxConcurrency, api, openApi, observer, log } = options;
  const retry = { report: (text: string) => log.error(text) };
  const flush = flushInBackground(observer);
  const serve = async (api: RuntimeApi): Promise<never> => {
    for (;;) {
      await loop.serveOne(api, await pollWithRetry(api, retry));
      flush();
    }
  };
  const apis = [api, ...Array.from({ length: pollCount(maxConcurrency) - 1 }, openApi)];
  return (await Promise.all(apis.map(serve))) as never;
}
