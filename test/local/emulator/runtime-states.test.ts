// Every step from every state: the table of what is legal, and the text of what is not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RuntimeState, RuntimeStates, type RuntimeStep } from '../../../local/emulator/runtime-states.ts';

const allSteps: readonly RuntimeStep[] = [
  'next',
  'deliver',
  'response',
  'error',
  'sent',
  'initError',
  'restoreNext',
  'restored',
  'restoreError',
];

const legal: Readonly<Record<RuntimeState, Partial<Record<RuntimeStep, RuntimeState>>>> = {
  Started: { next: 'Ready', initError: 'InitError', restoreNext: 'RestoreReady' },
  InitError: {},
  Ready: { next: 'Ready', deliver: 'Running' },
  Running: { next: 'Running', response: 'InvocationResponse', error: 'InvocationErrorResponse' },
  InvocationResponse: { sent: 'ResponseSent' },
  InvocationErrorResponse: { sent: 'ResponseSent' },
  ResponseSent: { next: 'Ready' },
  RestoreReady: { restored: 'Restoring' },
  Restoring: { next: 'Ready', restoreError: 'RestoreError' },
  RestoreError: {},
};

for (const [from, steps] of Object.entries(legal) as [RuntimeState, Partial<Record<RuntimeStep, RuntimeState>>][]) {
  test(`from ${from}: ${Object.keys(steps).join(', ') || 'nothing'}`, () => {
    for (const step of allSteps) {
      const states = new RuntimeStates(from);
      const refused = states.take(step);
      assert.equal(refused === undefined, steps[step] !== undefined, `${step} from ${from}`);
      assert.equal(states.state, steps[step] ?? from);
    }
  });
}

test('a refusal names both states, in the words of the platform', () => {
  const refused = new RuntimeStates('ResponseSent').take('response');
  assert.equal(refused?.status, 403);
  assert.deepEqual(JSON.parse(String(refused?.body)), {
    errorMessage:
      'State transition from ResponseSent to InvocationResponse failed for runtime. Error: State transition is not allowed',
    errorType: 'InvalidStateTransition',
  });
});
