// The port through which the runtime tells what happens. It knows nothing of tracing: an observer gets plain facts and may
// run the handler in a context of its own. `unobserved` is the runtime with nobody looking.

import { uptime } from './untouched.ts';

/** Milliseconds since process start on the monotonic clock. */
export type Instant = number;

/** Not `performance.now()`: its first use loads `perf_hooks`, 1.4 ms of every start. */
export const now = (): Instant => uptime() * 1000;

/** One step of init. Steps may overlap: registration runs while the handler loads. */
export type InitStep = {
  readonly name: string;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  /** Of a module: its file. */
  readonly path?: string;
  /** Steps inside this one. */
  readonly steps?: readonly InitStep[];
};

export type InitFacts = {
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly steps: readonly InitStep[];
  /** Set when init failed; the process is about to report it and exit. */
  readonly error?: unknown;
  /** Its type as the platform is told it; set when init failed. */
  readonly errorType?: string;
};

/** Values of W3C Trace Context and Baggage headers, as received. */
export type TraceContext = {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
  readonly baggage: string | undefined;
};

/** One delivery of one event. `requestId` may repeat between deliveries: an asynchronous retry keeps it. */
export type Invocation = {
  readonly requestId: string;
  readonly invokedFunctionArn: string;
  readonly deadlineEpochMs: number;
  /** `Lambda-Runtime-Trace-Id` as received; undefined when the platform sent none. */
  readonly traceHeader: string | undefined;
  /** W3C headers, should the platform send any; undefined: it sent none. */
  readonly traceContext?: TraceContext | undefined;
  readonly tenantId: string | undefined;
  /** `Lambda-Runtime-Client-Context`, still JSON text. */
  readonly clientContextJson: string | undefined;
  /** `Lambda-Runtime-Cognito-Identity`, still JSON text. */
  readonly cognitoIdentityJson: string | undefined;
  /** `Lambda-Runtime-Invocation-Id`, unique per delivery; to be echoed with the answer when present. */
  readonly invocationId: string | undefined;
  readonly receivedAt: Instant;
  readonly eventBytes: number;
};

export type HandlerOutcome =
  | {
      readonly ok: true;
      readonly at: Instant;
      /** What the handler returned; of a streamed response its HTTP prelude, when it has one. */
      readonly result: unknown;
      readonly isStreamed: boolean;
    }
  | { readonly ok: false; readonly at: Instant; readonly error: unknown; readonly errorType: string };

/** How the platform took the answer. `status` is the HTTP status of the Runtime API, undefined when the connection broke. */
export type Answer = {
  readonly at: Instant;
  readonly bodyBytes: number;
  readonly status: number | undefined;
  readonly serializedAt: Instant;
};

/** One invocation under observation. No method throws. */
export interface InvocationObservation {
  /** What user code shall see as `_X_AMZN_TRACE_ID` and in the invoke store; undefined: there is no trace. */
  readonly traceHeader: string | undefined;
  /** What it shall see in the invoke store of W3C headers that the platform sent; undefined: those as they are. */
  readonly traceContext?: TraceContext | undefined;
  /** Calls the handler inside the observer's async context and returns what it returned. */
  run<T>(handler: () => T): T;
  handlerSettled(outcome: HandlerOutcome): void;
  /** What the answer has to wait for, asked once it is ready; undefined: nothing. Never rejects, and is never long in coming. */
  beforeAnswer?(): Promise<void> | undefined;
  answered(answer: Answer): void;
}

export type FlushReason = 'invocation' | 'shutdown' | 'crash';

export interface InvocationObserver {
  /** Called once, right before the first poll, or when init failed. */
  initEnded(facts: InitFacts): void;
  /**
   * `event` is the parsed event, undefined when it was not JSON; user code gets the same and may change it. `readEvent` gives another
   * one like it, at any time.
   */
  begin(invocation: Invocation, event: unknown, readEvent: () => unknown): InvocationObservation;
  /** Sends what is recorded. Resolves when nothing of it needs the process any more, at the deadline at the latest. Never rejects. */
  flush(reason: FlushReason, deadlineEpochMs: number): Promise<void>;
}

/** The observer that sees nothing. */
export const unobserved: InvocationObserver = {
  initEnded() {},
  begin: (invocation) => ({
    traceHeader: invocation.traceHeader,
    run: (handler) => handler(),
    handlerSettled() {},
    answered() {},
  }),
  flush: () => Promise.resolve(),
};

/**
 * An observer whose failures stay its own: whatever it throws is told to `onFault`, and the invocation goes on unobserved.
 * What the handler throws passes through.
 */
export function guarded(observer: InvocationObserver, onFault: (error: unknown) => void): InvocationObserver {
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      onFault(error);
    }
  };
  return {
    initEnded: (facts) => attempt(() => observer.initEnded(facts)),
    begin(invocation, event, readEvent) {
      let observation: InvocationObservation;
      try {
        observation = observer.begin(invocation, event, readEvent);
      } catch (error) {
        onFault(error);
        return unobserved.begin(invocation, event, readEvent);
      }
      return {
        traceHeader: observation.traceHeader,
        traceContext: observation.traceContext,
        run<T>(handler: () => T): T {
          // Whatever the observer does around it: the handler is called once, and what it does stands.
          let outcome = undefined as { readonly result: T } | { readonly thrown: unknown } | undefined;
          attempt(() =>
            observation.run(() => {
              try {
                outcome = { result: handler() };
              } catch (thrown) {
                outcome = { thrown };
              }
            }),
          );
          if (outcome === undefined) return handler();
          if ('thrown' in outcome) throw outcome.thrown;
          return outcome.result;
        },
        handlerSettled: (outcome) => attempt(() => observation.handlerSettled(outcome)),
        beforeAnswer() {
          try {
            return observation.beforeAnswer?.()?.catch(onFault);
          } catch (error) {
            onFault(error);
            return undefined;
          }
        },
        answered: (answer) => attempt(() => observation.answered(answer)),
      };
    },
    async flush(reason, deadlineEpochMs) {
      try {
        await observer.flush(reason, deadlineEpochMs);
      } catch (error) {
        onFault(error);
      }
    },
  };
}
