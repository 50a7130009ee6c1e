import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ExtensionEvent,
  ExtensionsApi,
  PollRefused,
  type Registration,
} from '../../runtime/api/extensions-api.ts';
import { AnsweredInvocations, EXTENSION_NAME, type Extension, registerExtension } from '../../runtime/extension.ts';
import { settle } from '../support/conditions.ts';
import { fc } from '../support/property.ts';
import { findClosedPort } from '../support/tcp-server.ts';

const registered: Registration = { registered: true, extensionId: 'identifier' };
const invoke = (requestId: string, deadlineEpochMs = 0): ExtensionEvent => ({
  type: 'INVOKE',
  requestId,
  deadlineEpochMs,
});

/** Answers registrations from a list; polls stay out until the test answers them. */
class ScriptedApi extends ExtensionsApi {
  readonly registrations: { name: string; events: readonly string[] }[] = [];
  readonly polls: { extensionId: string; resolve(event: ExtensionEvent): void; reject(error: unknown): void }[] = [];
  isClosed = false;
  readonly #answers: Registration[];

  constructor(...answers: Registration[]) {
    super({ host: '127.0.0.1', port: 1 }, 'test');
    this.#answers = answers;
  }

  override async register(name: string, events: readonly 'INVOKE'[]): Promise<Registration> {
    this.registrations.push({ name, events: [...events] });
    return this.#answers.shift()!;
  }

  override next(extensionId: string): Promise<ExtensionEvent> {
    return new Promise((resolve, reject) => this.polls.push({ extensionId, resolve, reject }));
  }

  override close(): void {
    this.isClosed = true;
  }
}

const unexpected = (): never => assert.fail('nobody was to call this');

type Polled = { readonly api: ScriptedApi; readonly extension: Extension; readonly log: string[] };

type Ends = { finishFlush(): void /** The process is about to end. */; end(): void };

/** A registered extension that polls; `log` says what it does. A flush ends when `finishFlush` is called. */
async function startPolling(events: readonly 'INVOKE'[] = ['INVOKE']): Promise<Polled & Ends> {
  const api = new ScriptedApi(registered);
  const extension = await registerExtension(api, events);
  const log: string[] = [];
  const flushes: (() => void)[] = [];
  let isEnding = false;
  extension.poll({
    flush(deadlineEpochMs) {
      log.push(`flush until ${deadlineEpochMs}`);
      return new Promise<void>((resolve) => flushes.push(resolve));
    },
    isEnding: () => isEnding,
    onLost: (reason) => log.push(`lost: ${reason}`),
  });
  const end = (): void => {
    isEnding = true;
  };
  return { api, extension, log, end, finishFlush: () => flushes.shift()?.() };
}

test('a wait is over when its invocation is answered, in whatever order the two come', async () => {
  // Model: the n-th wait for an id is over as soon as there were n answers to that id.
  const steps = fc.array(fc.tuple(fc.constantFrom('add', 'wait'), fc.constantFrom('a', 'b')), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      const invocations = new AnsweredInvocations();
      const answers = { a: 0, b: 0 };
      const waits: { id: 'a' | 'b'; number: number; isOver: boolean }[] = [];
      for (const [what, id] of program as ['add' | 'wait', 'a' | 'b'][]) {
        if (what === 'add') {
          answers[id]++;
          invocations.add(id);
        } else {
          const number = waits.filter((other) => other.id === id).length + 1;
          // The extension waits for one delivery at a time.
          if (waits.some((other) => other.id === id && !other.isOver && other.number > answers[id])) continue;
          const wait = { id, number, isOver: false };
          waits.push(wait);
          void invocations.wait(id).then(() => {
            wait.isOver = true;
          });
        }
        await Promise.resolve();
        await Promise.resolve();
        for (const wait of waits) assert.equal(wait.isOver, wait.number <= answers[wait.id]);
      }
    }),
    { numRuns: 300 },
  );
});

test('registration asks for INVOKE under the name of spanstrap', async () => {
  const api = new ScriptedApi(registered);
  const extension = await registerExtension(api, ['INVOKE']);
  assert.deepEqual(api.registrations, [{ name: EXTENSION_NAME, events: ['INVOKE'] }]);
  assert.equal(extension.isRegistered, true);
  assert.equal(extension.refusal, undefined);
  assert.equal(api.polls.length, 0, 'init ends with the first poll: not before it is asked for');
});

for (const [status, reason] of [
  [403, '{"errorType":"Extension.TooManyExtensions"}'],
  [403, '{"errorType":"Extension.RegistrationClosed"}'],
  [403, '{"errorType":"Extension.InvalidExtensionName"}'],
  [404, 'no such path'],
  [400, ''],
  [500, 'failure'],
  [202, 'accepted'],
] as const) {
  test(`policy 8: registration refused with ${status} ${reason}: the runtime goes on without`, async () => {
    const api = new ScriptedApi({ registered: false, status, reason });
    const extension = await registerExtension(api, ['INVOKE']);
    assert.equal(extension.isRegistered, false);
    assert.equal(extension.refusal, reason);
    assert.equal(api.registrations.length, 1);
    assert.equal(api.isClosed, true);
    extension.poll({ flush: unexpected, isEnding: () => false, onLost: unexpected });
    extension.answered('r');
    assert.equal(api.polls.length, 0);
  });
}

test('policy 8: nobody listens: the runtime goes on without', async () => {
  const port = await findClosedPort();
  const extension = await registerExtension(new ExtensionsApi({ host: '127.0.0.1', port }, 'x'), ['INVOKE']);
  assert.equal(extension.isRegistered, false);
  assert.match(extension.refusal ?? '', /ECONNREFUSED/);
});

test('InvalidEventType: registered again for no event; it polls, and the runtime flushes', async () => {
  const refusal: Registration = {
    registered: false,
    status: 403,
    reason: '{"errorType":"Extension.InvalidEventType"}',
  };
  const api = new ScriptedApi(refusal, registered);
  const extension = await registerExtension(api, ['INVOKE']);
  assert.deepEqual(
    api.registrations.map(({ events }) => events),
    [['INVOKE'], []],
  );
  assert.equal(extension.isRegistered, false);
  assert.equal(extension.refusal, undefined);
  extension.poll({ flush: unexpected, isEnding: () => false, onLost: unexpected });
  extension.answered('r');
  await settle();
  assert.equal(api.polls.length, 1, 'init is not over before every registered extension has polled');

  const twice = new ScriptedApi(refusal, refusal);
  assert.equal((await registerExtension(twice, ['INVOKE'])).refusal, refusal.reason);
  const none = new ScriptedApi(refusal);
  assert.equal((await registerExtension(none, [])).refusal, refusal.reason);
  assert.equal(none.registrations.length, 1);
});

test('the event comes before the answer: the flush waits for it, and the next poll for the flush', async () => {
  const { api, extension, log, finishFlush } = await startPolling();
  assert.equal(api.polls[0]?.extensionId, 'identifier');
  api.polls[0]?.resolve(invoke('r1', 500));
  await settle();
  assert.deepEqual(log, []);
  extension.answered('other');
  await settle();
  assert.deepEqual(log, []);
  extension.answered('r1');
  await settle();
  assert.deepEqual(log, ['flush until 500']);
  assert.equal(api.polls.length, 1);
  finishFlush();
  await settle();
  assert.equal(api.polls.length, 2);
});

test('the answer comes before the event: the flush begins with the event', async () => {
  const { api, extension, log, finishFlush } = await startPolling();
  extension.answered('r1');
  await settle();
  assert.deepEqual(log, []);
  api.polls[0]?.resolve(invoke('r1', 500));
  await settle();
  assert.deepEqual(log, ['flush until 500']);
  finishFlush();
  await settle();
  assert.equal(api.polls.length, 2);
});

test('a process that is about to end does not poll again: the platform would take it for ready', async () => {
  const { api, extension, end, finishFlush } = await startPolling();
  extension.answered('r1');
  api.polls[0]?.resolve(invoke('r1', 500));
  await settle();
  end();
  finishFlush();
  await settle();
  assert.equal(api.polls.length, 1);
});

test('the same request id delivered twice: one flush each', async () => {
  const { api, extension, log, finishFlush } = await startPolling();
  for (const [turn, deadline] of [500, 600].entries()) {
    api.polls[turn]?.resolve(invoke('retry', deadline));
    await settle();
    assert.equal(log.length, turn, 'the second delivery does not live on the first one’s answer');
    extension.answered('retry');
    await settle();
    finishFlush();
    await settle();
  }
  assert.deepEqual(log, ['flush until 500', 'flush until 600']);
});

test('other events are let go by', async () => {
  const { api, log } = await startPolling();
  api.polls[0]?.resolve({ type: 'other', name: 'SHUTDOWN' });
  await settle();
  assert.equal(api.polls.length, 2);
  assert.deepEqual(log, []);
});

for (const [what, error, reason] of [
  ['is refused', new PollRefused('GET /next was answered with 403: nope'), 'GET /next was answered with 403: nope'],
  ['breaks', new TypeError('broken'), 'TypeError: broken'],
] as const) {
  test(`a poll that ${what}: it is said once, and the runtime flushes from now on`, async () => {
    const { api, extension, log } = await startPolling();
    api.polls[0]?.reject(error);
    await settle();
    assert.deepEqual(log, [`lost: ${reason}`]);
    assert.equal(api.isClosed, true);
    assert.equal(extension.isRegistered, false);
    extension.answered('r1');
    await settle();
    assert.equal(api.polls.length, 1);
    assert.equal(log.length, 1);
  });
}

test('an extension registered for nothing whose poll is refused says so and changes nothing', async () => {
  const { api, extension, log } = await startPolling([]);
  assert.equal(extension.isRegistered, false);
  api.polls[0]?.reject(new PollRefused('no'));
  await settle();
  assert.deepEqual(log, ['lost: no']);
  assert.equal(extension.isRegistered, false);
});
