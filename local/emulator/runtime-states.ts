// The runtime as the Runtime API sees it: which call is legal when. Pure; HTTP and processes are elsewhere.
// Source: runtime interface emulator, `core/states.go`.

import { type Answer, runtimeTransitionRefused } from './refusals.ts';

export type RuntimeState =
  | 'Started'
  | 'InitError'
  | 'Ready'
  | 'Running'
  | 'InvocationResponse'
  | 'InvocationErrorResponse'
  | 'ResponseSent'
  | 'RestoreReady'
  | 'Restoring'
  | 'RestoreError';

/** Calls of the runtime, and the two steps of the platform between them: an event is handed out, an answer was taken. */
export type RuntimeStep =
  | 'next'
  | 'deliver'
  | 'response'
  | 'error'
  | 'sent'
  | 'initError'
  | 'restoreNext'
  | 'restored'
  | 'restoreError';

const steps: Readonly<Record<RuntimeState, Partial<Record<RuntimeStep, RuntimeState>>>> = {
  Started: { next: 'Ready', initError: 'InitError', restoreNext: 'RestoreReady' },
  InitError: {},
  Ready: { next: 'Ready', deliver: 'Running' },
  // `next` while Running is answered with the same event again.
  Running: { next: 'Running', response: 'InvocationResponse', error: 'InvocationErrorResponse' },
  InvocationResponse: { sent: 'ResponseSent' },
  InvocationErrorResponse: { sent: 'ResponseSent' },
  ResponseSent: { next: 'Ready' },
  RestoreReady: { restored: 'Restoring' },
  Restoring: { next: 'Ready', restoreError: 'RestoreError' },
  RestoreError: {},
};

/** The state that a step aims at, as the refusal's text names it. */
const aims: Readonly<Record<RuntimeStep, RuntimeState>> = {
  next: 'Ready',
  deliver: 'Running',
  response: 'InvocationResponse',
  error: 'InvocationErrorResponse',
  sent: 'ResponseSent',
  initError: 'InitError',
  restoreNext: 'RestoreReady',
  restored: 'Restoring',
  restoreError: 'RestoreError',
};

export class RuntimeStates {
  #state: RuntimeState;

  constructor(state: RuntimeState = 'Started') {
    this.#state = state;
  }

  get state(): RuntimeState {
    return this.#state;
  }

  /** Takes the step, or returns the 403 that refuses it and leaves the state as it is. */
  take(step: RuntimeStep): Answer | undefined {
    const next = steps[this.#state][step];
    if (!next) return runtimeTransitionRefused(this.#state, aims[step]);
    this.#state = next;
    return undefined;
  }
}
