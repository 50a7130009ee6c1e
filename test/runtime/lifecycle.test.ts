import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  guarded,
  type Invocation,
  type InvocationObservation,
  type InvocationObserver,
  unobserved,
} from '../../runtime/lifecycle.ts';

const invocation: Invocation = {
  requestId: 'r',
  invokedFunctionArn: 'arn',
  deadlineEpochMs: 5,
  traceHeader: 'Root=received',
  tenantId: undefined,
  clientContextJson: undefined,
  cognitoIdentityJson: undefined,
  invocationId: undefined,
  receivedAt: 1,
  eventBytes: 2,
};
const initFacts = { startedAt: 0, endedAt: 1, steps: [] };
const outcome = { ok: true, at: 2, result: 'result', isStreamed: false } as const;
const answer = { at: 3, bodyBytes: 4, status: 202, serializedAt: 3 };
const fault = new Error('the observer is broken');
const handlerError = new RangeError('the handler is broken');

type Options = Partial<InvocationObserver> & { readonly observation?: Partial<InvocationObservation> };

function observe({ observation, ...observer }: Options): { observer: InvocationObserver; faults: unknown[] } {
  const faults: unknown[] = [];
  const whole: InvocationObserver = {
    initEnded() {},
    begin: () => ({
      traceHeader: 'Root=ours',
      run: (handler) => handler(),
      handlerSettled() {},
      answered() {},
      ...observation,
    }),
    flush: () => Promise.resolve(),
    ...observer,
  };
  return { observer: guarded(whole, (error) => faults.push(error)), faults };
}

const fail = (): never => {
  throw fault;
};

const readEvent = (): unknown => assert.fail('nobody needs the event again');

test('unobserved: the header goes on as received, the handler runs, nothing is kept waiting', async () => {
  unobserved.initEnded(initFacts);
  const observation = unobserved.begin(invocation, {}, readEvent);
  assert.equal(observation.traceHeader, 'Root=received');
  assert.equal(
    observation.run(() => 'result'),
    'result',
  );
  observation.handlerSettled(outcome);
  observation.answered(answer);
  await unobserved.flush('invocation', 0);
});

test('a healthy observer gets every fact as it is', async () => {
  const facts: unknown[] = [];
  const { observer, faults } = observe({
    initEnded: (init) => facts.push(init),
    begin: (given, event) => {
      facts.push(given, event);
      return {
        traceHeader: 'Root=ours',
        run: (handler) => {
          facts.push('run');
          return handler();
        },
        handlerSettled: (settled) => facts.push(settled),
        answered: (given) => facts.push(given),
      };
    },
    flush: async (reason, deadlineEpochMs) => void facts.push(reason, deadlineEpochMs),
  });
  const event = {};
  observer.initEnded(initFacts);
  const observation = observer.begin(invocation, event, readEvent);
  assert.equal(observation.traceHeader, 'Root=ours');
  assert.equal(
    observation.run(() => 'result'),
    'result',
  );
  observation.handlerSettled(outcome);
  observation.answered(answer);
  await observer.flush('shutdown', 7);
  assert.deepEqual(facts, [initFacts, invocation, event, 'run', outcome, answer, 'shutdown', 7]);
  assert.deepEqual(faults, []);
});

test('an observer that cannot begin leaves the invocation unobserved', () => {
  const { observer, faults } = observe({ begin: fail });
  const observation = observer.begin(invocation, {}, readEvent);
  assert.equal(observation.traceHeader, 'Root=received');
  assert.equal(
    observation.run(() => 'result'),
    'result',
  );
  observation.handlerSettled(outcome);
  observation.answered(answer);
  assert.deepEqual(faults, [fault]);
});

test('facts that the observer cannot take are its own loss', async () => {
  const { observer, faults } = observe({
    initEnded: fail,
    observation: { handlerSettled: fail, answered: fail },
    flush: fail,
  });
  observer.initEnded(initFacts);
  const observation = observer.begin(invocation, {}, readEvent);
  observation.handlerSettled(outcome);
  observation.answered(answer);
  await observer.flush('invocation', 0);
  assert.deepEqual(faults, [fault, fault, fault, fault]);
});

test('a flush that rejects is its own loss', async () => {
  const { observer, faults } = observe({ flush: () => Promise.reject(fault) });
  await observer.flush('crash', 0);
  assert.deepEqual(faults, [fault]);
});

test('what the handler returns and throws passes through, once', () => {
  let calls = 0;
  const { observer, faults } = observe({});
  const { run } = observer.begin(invocation, {}, readEvent);
  assert.throws(
    () =>
      run(() => {
        calls++;
        throw handlerError;
      }),
    handlerError,
  );
  assert.equal(
    run(() => ++calls),
    2,
  );
  assert.deepEqual(faults, []);
});

test('an observer that fails before it calls the handler: the handler runs without it', () => {
  const { observer, faults } = observe({ observation: { run: fail } });
  assert.equal(
    observer.begin(invocation, {}, readEvent).run(() => 'result'),
    'result',
  );
  assert.throws(
    () =>
      observer.begin(invocation, {}, readEvent).run(() => {
        throw handlerError;
      }),
    handlerError,
  );
  assert.deepEqual(faults, [fault, fault]);
});

test('an observer that fails after the handler: its result stands, and it is not called again', () => {
  let calls = 0;
  const { observer, faults } = observe({
    observation: {
      run(handler) {
        handler();
        throw fault;
      },
    },
  });
  assert.equal(
    observer.begin(invocation, {}, readEvent).run(() => ++calls),
    1,
  );
  assert.deepEqual(faults, [fault]);
});

test('an observer that fails while the handler’s error passes: the handler’s error stands', () => {
  const { observer, faults } = observe({
    observation: {
      run(handler) {
        try {
          return handler();
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: a broken observer is what is tested
          throw fault;
        }
      },
    },
  });
  assert.throws(
    () =>
      observer.begin(invocation, {}, readEvent).run(() => {
        throw handlerError;
      }),
    handlerError,
  );
  assert.deepEqual(faults, [fault]);
});
