// The life of execution environments: init that fails, hangs or is repeated, time limits, crashes, freeze, shutdown.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { startEmulator } from '../../../local/emulator/emulator.ts';
import { api, call, idOf, requestIdOf, startFixture, startHandDriven } from './api-client.ts';

/** The state letter of a process: T is stopped. */
const kernelState = (pid: number): string => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))![1]!;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const folder = mkdtempSync(path.join(tmpdir(), 'emulator-'));
after(() => rmSync(folder, { recursive: true }));

/** Leaves a file in /tmp that has the name of the environment's log stream in its own, as a runtime's spool does. */
const leaving = (end: string): readonly [string, ...string[]] => [
  '/bin/sh',
  '-c',
  `touch "/tmp/${path.basename(folder)}-$(basename "$AWS_LAMBDA_LOG_STREAM_NAME").dead1"; echo left; ${end}`,
];
const left = (): string[] => readdirSync('/tmp').filter((name) => name.startsWith(`${path.basename(folder)}-`));

test('what is left in /tmp outlives a process, and not the environment', async () => {
  {
    await using emulator = await startHandDriven({ command: leaving('exit 3') });
    await assert.rejects(emulator.init(), /init failed/);
    await assert.rejects(emulator.init(), /init failed/);
    assert.equal(left().length, 1, 'both processes were of one environment');
  }
  assert.deepEqual(left(), []);
  await using emulator = await startHandDriven({ command: leaving('exec sleep 60') });
  const init = emulator.init().catch(() => 'cut off');
  await emulator.waitFor(() => emulator.logs.includes('left'), { what: 'a file' });
  assert.equal(left().length, 1);
  await emulator.shutdown('spindown');
  assert.deepEqual([left(), await init], [[], 'cut off']);
});

test('an init error is repeated inside the first invocation, then returned', async () => {
  await using emulator = await startFixture({ init: 'error' });
  const { status, errorType, text, idle } = await emulator.invoke({});
  assert.deepEqual([status, errorType], ['init-error', 'Runtime.ImportModuleError']);
  assert.equal(text, '{"errorType":"Runtime.ImportModuleError","errorMessage":"no module"}');
  assert.equal((await idle).how, 'reset');
  assert.equal(emulator.generation, 2);
  assert.match(emulator.platformLogs[0]!, /^INIT_REPORT .*Status: error\tError Type: Runtime.ImportModuleError/);
});

test('an init that fails once is forgiven', async () => {
  await using emulator = await startFixture({
    init: 'once-error',
    environment: { FIXTURE_MARKER: path.join(folder, 'marker') },
  });
  const { status, cold, initMs } = await emulator.invoke({});
  assert.deepEqual([status, cold, emulator.generation], ['success', true, 2]);
  assert.ok(initMs! > 0);
});

test('a crash during init is an exit error, by the second time', async () => {
  await using emulator = await startFixture({ init: 'crash' });
  const { status, requestId, text } = await emulator.invoke({});
  assert.equal(status, 'crash');
  assert.equal(
    text,
    `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ${requestId} Error: Runtime exited with error: exit status 3"}`,
  );
});

test('an init that hangs is cut off, runs again, and then counts as the function', async () => {
  await using emulator = await startFixture({ init: 'hang', initTimeoutMs: 300, timeoutMs: 200 });
  const { status, text } = await emulator.invoke({});
  assert.equal(status, 'timeout');
  assert.match(text, /Task timed out after 0\.20 seconds/);
  assert.match(emulator.platformLogs[0]!, /^INIT_REPORT .*Status: timeout$/);
  assert.equal(emulator.generation, 2);
});

test('init is not complete while a registered extension has not polled', async () => {
  await using emulator = await startHandDriven();
  let isComplete = false;
  const starting = emulator.init().then(() => {
    isComplete = true;
  });
  const id = idOf(await api.register(emulator, 'no-op', []));
  void api.next(emulator).catch(() => {});
  await emulator.waitFor(() => emulator.state?.runtime === 'Ready', { what: "the runtime's poll" });
  await call(emulator, 'GET', '/2018-06-01/ping');
  assert.equal(isComplete, false);
  void api.extensionNext(emulator, id).catch(() => {});
  await starting;
});

test('init() starts ahead of the first invocation, and says why it failed', async () => {
  await using good = await startFixture();
  assert.ok((await good.init()) > 0);
  const { cold } = await good.invoke({});
  assert.deepEqual([cold, good.generation], [true, 1]);
  await using bad = await startFixture({ init: 'crash' });
  await assert.rejects(bad.init(), /init failed: .*exit status 3[\s\S]*init crash/);
});

test('provisioned concurrency initialises before anything is invoked', async () => {
  await using emulator = await startFixture({ initializationType: 'provisioned-concurrency', freeze: true });
  assert.deepEqual([emulator.generation, emulator.state?.runtime, emulator.isFrozen], [1, 'Ready', true]);
  const { json } = await emulator.invoke({ do: 'environment' }).then((result) => ({ json: result.json() as never }));
  assert.equal((json as { env: Record<string, string> }).env.AWS_LAMBDA_INITIALIZATION_TYPE, 'provisioned-concurrency');
});

const exits = [
  [{ do: 'exit', code: 0 }, 'Runtime exited without providing a reason', { exitCode: 0, signal: null }],
  [{ do: 'exit', code: 7 }, 'Runtime exited with error: exit status 7', { exitCode: 7, signal: null }],
  [{ do: 'throw' }, 'Runtime exited with error: signal: segmentation fault', { exitCode: null, signal: 'SIGSEGV' }],
] as const;

for (const [event, reason, exit] of exits) {
  test(`the caller of ${JSON.stringify(event)} sees: ${reason}`, async () => {
    await using emulator = await startFixture();
    const { status, requestId, text, idle } = await emulator.invoke(event);
    assert.equal(status, 'crash');
    assert.deepEqual(JSON.parse(text), {
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${requestId} Error: ${reason}`,
    });
    assert.deepEqual(await idle, { how: 'reset', cause: 'crash', exit });
    const next = await emulator.invoke(5);
    assert.deepEqual([next.status, next.cold, emulator.generation], ['success', true, 2]);
  });
}

test('kill: the caller sees the signal', async () => {
  await using emulator = await startFixture();
  const invoking = emulator.invoke({ do: 'hang' });
  await emulator.waitFor(() => emulator.logs.some((line) => line.startsWith('event ')), {
    what: 'the event in the log',
  });
  assert.equal(emulator.kill('SIGKILL'), true);
  assert.match((await invoking).text, /Runtime exited with error: signal: killed/);
});

test('a bootstrap that cannot be started is an invalid entry point', async () => {
  for (const bootstrap of ['/nowhere/bootstrap', import.meta.filename]) {
    await using emulator = await startEmulator({ bootstrap, taskRoot: '/tmp', handler: 'x.y' });
    const { status, errorType, text } = await emulator.invoke({});
    assert.deepEqual([status, errorType], ['crash', 'Runtime.InvalidEntrypoint']);
    assert.match(text, /Couldn't find valid bootstrap\(s\): spawn .*(ENOENT|EACCES)/);
  }
});

test('the time limit ends the invocation and the environment', async () => {
  await using emulator = await startFixture();
  const warm = await emulator.invoke(1);
  assert.equal(warm.status, 'success');
  const pid = emulator.pid!;
  const { status, errorType, requestId, text, durationMs, idle } = await emulator.invoke(
    { do: 'hang' },
    { timeoutMs: 150 },
  );
  assert.deepEqual([status, errorType], ['timeout', 'Sandbox.Timedout']);
  assert.match(text, new RegExp(`RequestId: ${requestId} Error: Task timed out after 0\\.15 seconds`));
  assert.ok(durationMs >= 145, `cut after ${durationMs} ms`);
  assert.deepEqual(await idle, { how: 'reset', cause: 'timeout' });
  assert.equal(isAlive(pid), false);
  assert.ok(emulator.platformLogs.some((line) => line.endsWith(`${requestId} Task timed out after 0.15 seconds`)));
  assert.equal((await emulator.invoke(2)).cold, true);
});

test('an extension over the limit resets the environment although the caller has its answer', async () => {
  await using emulator = await startHandDriven({ timeoutMs: 150 });
  const starting = emulator.init();
  const id = idOf(await api.register(emulator, 'internal', ['INVOKE']));
  const polling = api.next(emulator);
  const event = api.extensionNext(emulator, id);
  await starting;
  const invoking = emulator.invoke({});
  await api.response(emulator, requestIdOf(await polling), '"answer"');
  const { status, text, idle } = await invoking;
  void api.next(emulator).catch(() => {});
  await event;
  assert.deepEqual([status, text], ['success', '"answer"']);
  assert.deepEqual(await idle, { how: 'reset', cause: 'timeout' });
  assert.equal(emulator.pid, undefined);
});

test('idle comes after the response: when runtime and INVOKE extension have polled', async () => {
  await using emulator = await startHandDriven();
  const starting = emulator.init();
  const registered = await api.register(emulator, 'internal', ['INVOKE']);
  assert.deepEqual(JSON.parse(registered.text), {
    functionName: 'function',
    functionVersion: '$LATEST',
    handler: 'index.handler',
  });
  const silent = await api.register(emulator, 'no-op', []);
  const polling = api.next(emulator);
  void api.extensionNext(emulator, idOf(silent)).catch(() => {});
  const events = api.extensionNext(emulator, idOf(registered));
  await starting;
  const invoking = emulator.invoke({}, { traceHeader: 'Root=1' });
  const [next, event] = await Promise.all([polling, events]);
  const requestId = requestIdOf(next);
  const { deadlineMs, ...rest } = JSON.parse(event.text) as { deadlineMs: number };
  assert.equal(deadlineMs, Number(next.headers['lambda-runtime-deadline-ms']));
  assert.deepEqual(rest, {
    eventType: 'INVOKE',
    requestId,
    invokedFunctionArn: next.headers['lambda-runtime-invoked-function-arn'],
    tracing: { type: 'X-Amzn-Trace-Id', value: 'Root=1' },
  });
  assert.match(String(event.headers['lambda-extension-event-identifier']), /^[0-9a-f-]{36}$/);

  await api.response(emulator, requestId, '"answer"');
  const result = await invoking;
  assert.equal(result.text, '"answer"');
  const order: string[] = [];
  void result.idle.then(() => order.push('idle'));
  void api.next(emulator).catch(() => {});
  await emulator.waitFor(() => emulator.state?.runtime === 'Ready', { what: "the runtime's poll" });
  order.push('runtime polled');
  void api.extensionNext(emulator, idOf(registered)).catch(() => {});
  const { how, runtimeDoneMs, idleMs } = await result.idle;
  assert.deepEqual([how, order], ['idle', ['runtime polled', 'idle']]);
  assert.ok(runtimeDoneMs! <= idleMs!);
});

test('an INVOKE event without a trace has no tracing', async () => {
  await using emulator = await startHandDriven({ tracing: 'off' });
  const starting = emulator.init();
  const id = idOf(await api.register(emulator, 'internal', ['INVOKE']));
  void api.next(emulator).catch(() => {});
  const event = api.extensionNext(emulator, id);
  await starting;
  void emulator.invoke({});
  assert.equal('tracing' in (JSON.parse((await event).text) as object), false);
});

test('a freeze stops the process between invocations, and the next one thaws it', async () => {
  await using emulator = await startFixture({ freeze: true });
  const first = await emulator.invoke({ do: 'tick' });
  await first.idle;
  const pid = emulator.pid!;
  assert.equal(emulator.isFrozen, true);
  assert.equal(kernelState(pid), 'T');
  const ticks = (): number => emulator.logs.filter((line) => line.startsWith('tick')).length;
  const second = await emulator.invoke(2);
  assert.deepEqual([second.status, second.cold, emulator.pid], ['success', false, pid]);
  await second.idle;
  assert.equal(kernelState(pid), 'T');
  emulator.thaw();
  assert.notEqual(kernelState(pid), 'T');
  const before = ticks();
  await emulator.waitFor(() => ticks() > before, { what: 'the timer to tick again' });
  await emulator.freeze();
  assert.equal(kernelState(pid), 'T');
});

test('queued invocations are not frozen in between; the last one is', async () => {
  await using emulator = await startFixture({ freeze: true });
  const results = await Promise.all([emulator.invoke(1), emulator.invoke(2), emulator.invoke(3)]);
  assert.deepEqual(
    results.map(({ text }) => text),
    ['1', '2', '3'],
  );
  await emulator.waitForIdle();
  assert.equal(emulator.isFrozen, true);
});

test('a frozen process survives neither kill nor dispose', async () => {
  const emulator = await startFixture({ freeze: true });
  await (await emulator.invoke(1)).idle;
  const pid = emulator.pid!;
  await emulator[Symbol.asyncDispose]();
  assert.equal(isAlive(pid), false);
});

test('shutdown with no extension: killed without a word', async () => {
  await using emulator = await startFixture();
  await emulator.invoke(1);
  const report = await emulator.shutdown();
  assert.deepEqual([report?.signal, report?.gotSigterm], ['SIGKILL', false]);
  assert.ok(!emulator.logs.includes('got SIGTERM'));
  assert.equal(await emulator.shutdown(), undefined);
});

test('shutdown with an internal extension: SIGTERM, also for a frozen process', async () => {
  await using emulator = await startFixture({ init: 'noop', freeze: true });
  await (await emulator.invoke(1)).idle;
  const report = await emulator.shutdown('spindown');
  assert.deepEqual([report?.exitCode, report?.signal, report?.gotSigterm], [0, null, true]);
  assert.ok(emulator.logs.includes('got SIGTERM'));
});

test('shutdown of a stubborn process: SIGKILL after 500 ms', async () => {
  await using emulator = await startFixture({ init: 'extension stubborn' });
  await emulator.invoke(1);
  const report = await emulator.shutdown();
  assert.deepEqual([report?.signal, report?.gotSigterm], ['SIGKILL', true]);
  assert.ok(report!.tookMs >= 495, `${report!.tookMs} ms`);
  assert.ok(emulator.logs.includes('got SIGTERM'));
});

test('external extensions are told of the shutdown', async () => {
  await using emulator = await startHandDriven({ externalExtensions: ['agent'] });
  const starting = emulator.init();
  const id = idOf(await api.register(emulator, 'agent', ['SHUTDOWN']));
  void api.next(emulator).catch(() => {});
  const event = api.extensionNext(emulator, id);
  await starting;
  const report = await emulator.shutdown('failure');
  assert.equal(report?.gotSigterm, true);
  const { eventType, shutdownReason } = JSON.parse((await event).text) as Record<string, string>;
  assert.deepEqual([eventType, shutdownReason], ['SHUTDOWN', 'FAILURE']);
});

test('registration after the first poll is refused, and the invocation goes on', async () => {
  await using emulator = await startFixture();
  const { status } = await emulator.invoke({ do: 'lateRegister' });
  assert.equal(status, 'success');
  assert.ok(emulator.logs.some((line) => /^register late: 403 .*Extension\.RegistrationClosed/.test(line)));
});

test('an internal extension may not ask for SHUTDOWN, and an eleventh one is too many', async () => {
  await using first = await startFixture({ init: 'shutdown-subscription' });
  await first.invoke(1);
  assert.ok(first.logs.some((line) => /^register internal: 403 .*Extension\.InvalidEventType/.test(line)));
  await using second = await startFixture({ init: 'many', initTimeoutMs: 3000, timeoutMs: 100 });
  void second.invoke(1);
  await second.waitFor(() => second.logs.some((line) => /^register extension-11: 403 .*TooManyExtensions/.test(line)), {
    what: 'the eleventh registration to be refused',
  });
});

test('extension calls with a wrong identifier, and telemetry that is not supported', async () => {
  await using emulator = await startHandDriven();
  void emulator.init().catch(() => {});
  const wrong = await api.extensionNext(emulator, 'me');
  assert.deepEqual([wrong.status, wrong.errorType], [403, 'Extension.InvalidExtensionIdentifier']);
  const unknown = await api.extensionNext(emulator, crypto.randomUUID());
  assert.deepEqual([unknown.status, unknown.errorType], [403, 'Extension.UnknownExtensionIdentifier']);
  const id = idOf(await api.register(emulator, 'x', ['INVOKE']));
  const headers = { 'Lambda-Extension-Identifier': id };
  const telemetry = await call(emulator, 'PUT', '/2022-07-01/telemetry', { headers, body: '{}' });
  assert.deepEqual([telemetry.status, telemetry.errorType], [202, 'Telemetry.NotSupported']);
  assert.equal((await call(emulator, 'PUT', '/2022-07-01/telemetry', { body: '{}' })).status, 403);
  const initError = '/2020-01-01/extension/init/error';
  assert.equal((await call(emulator, 'POST', initError, { headers, body: '{}' })).errorType, 'Extension.MissingHeader');
  const typed = { ...headers, 'Lambda-Extension-Function-Error-Type': 'Extension.Bad' };
  assert.equal((await call(emulator, 'POST', initError, { headers: typed, body: '{}' })).status, 202);
  assert.equal((await api.extensionNext(emulator, id)).errorType, 'Extension.InvalidExtensionState');
});

test('several invocations at once with Managed Instances', async () => {
  await using emulator = await startFixture({ maxConcurrency: 3, freeze: true });
  const hanging = [1, 2].map(() => emulator.invoke({ do: 'hang' }, { timeoutMs: 300 }));
  const quick = await Promise.all([emulator.invoke(1), emulator.invoke(2), emulator.invoke(3)]);
  assert.deepEqual(quick.map(({ status, text }) => `${status} ${text}`).sort(), [
    'success 1',
    'success 2',
    'success 3',
  ]);
  const statuses = (await Promise.all(hanging)).map(({ status }) => status);
  assert.deepEqual(statuses, ['timeout', 'timeout']);
  assert.deepEqual([emulator.generation, emulator.isFrozen], [1, false]);
  assert.equal((await emulator.invoke(4)).text, '4');
});

test('Managed Instances: too many polls are 500, late answers 410, second answers 400', async () => {
  await using emulator = await startHandDriven({ maxConcurrency: 2, timeoutMs: 100 });
  const starting = emulator.init();
  const polls = [api.next(emulator), api.next(emulator)];
  await starting;
  await emulator.waitFor(() => emulator.transcript.length === 2, { what: 'two polls' });
  const third = await api.next(emulator);
  assert.deepEqual([third.status, third.errorType], [500, 'Runtime.TooManyIdleRuntimes']);
  const invoking = emulator.invoke({});
  const id = requestIdOf(await Promise.race(polls));
  assert.equal((await invoking).status, 'timeout');
  const late = await api.response(emulator, id, '1');
  assert.deepEqual([late.status, late.errorType], [410, 'InvokeTimeout']);
});

test('a caller that goes away leaves the environment working', async () => {
  await using emulator = await startFixture();
  const caller = new AbortController();
  const invoking = emulator.invoke(1, { signal: caller.signal });
  caller.abort(new Error('gone'));
  await assert.rejects(invoking, /gone/);
  await emulator.waitForIdle();
  assert.equal((await emulator.invoke(2)).text, '2');
});
