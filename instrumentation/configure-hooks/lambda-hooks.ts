// `requestHook` and `responseHook` of `configureLambdaInstrumentation`: they see the span of an invocation, its event and its result.

import type { Span } from '@opentelemetry/api';
import type { HandlerOutcome, Invocation, InvocationObserver } from '../../runtime/lifecycle.ts';
import { wallNow } from '../../runtime/untouched.ts';

export type LambdaHooks = {
  readonly requestHook?: (span: Span, request: { readonly event: unknown; readonly context: object }) => void;
  readonly responseHook?: (
    span: Span,
    response: { readonly err?: Error | string | null; readonly res?: unknown },
  ) => void;
};

/** `spanOf`: the span of an observed invocation; undefined when nobody records it. */
export function withLambdaHooks(
  observer: InvocationObserver,
  { requestHook, responseHook }: LambdaHooks,
  spanOf: (observation: object) => Span | undefined,
  report: (problem: string) => void,
): InvocationObserver {
  const attempt = (name: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      report(`${name} failed: ${error}`);
    }
  };
  return {
    initEnded: (facts) => observer.initEnded(facts),
    flush: (reason, deadlineEpochMs) => observer.flush(reason, deadlineEpochMs),
    begin(invocation, event, readEvent) {
      const observation = observer.begin(invocation, event, readEvent);
      const span = spanOf(observation);
      if (span === undefined) return observation;
      if (requestHook !== undefined) {
        attempt('requestHook', () => requestHook(span, { event, context: contextOf(invocation) }));
      }
      let outcome: HandlerOutcome | undefined;
      let hasResponded = false;
      const respond = (): void => {
        if (responseHook === undefined || outcome === undefined || hasResponded) return;
        hasResponded = true;
        const response = outcome.ok ? { err: null, res: outcome.result } : { err: outcome.error as Error };
        attempt('responseHook', () => responseHook(span, response));
      };
      return {
        traceHeader: observation.traceHeader,
        traceContext: observation.traceContext,
        run: (handler) => observation.run(handler),
        handlerSettled(settled) {
          outcome ??= settled;
          observation.handlerSettled(settled);
        },
        beforeAnswer() {
          if (observation.beforeAnswer === undefined) return undefined;
          respond();
          return observation.beforeAnswer();
        },
        answered(answer) {
          // The response is under way, the span is still open.
          respond();
          observation.answered(answer);
        },
      };
    },
  };
}

/** What is known of the context before the handler has one. */
function contextOf({ requestId, invokedFunctionArn, deadlineEpochMs, clientContextJson }: Invocation): object {
  return {
    awsRequestId: requestId,
    invokedFunctionArn,
    functionName: invokedFunctionArn.split(':')[6],
    get clientContext() {
      return clientContextJson === undefined ? undefined : JSON.parse(clientContextJson);
    },
    getRemainingTimeInMillis: () => deadlineEpochMs - wallNow(),
  };
}
