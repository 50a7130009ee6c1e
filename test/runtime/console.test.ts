import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import fc from 'fast-check';
import { runtimeError, unhandledRejection } from '../../runtime/errors.ts';
import { oddValue } from './odd-values.ts';
import { type Patched, patchConsole, REQUEST_ID, recordOf } from './patched-console.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Columns of the only TEXT line; the message may have tabs of its own. */
function columnsOf({ lines }: Patched): string[] {
  assert.equal(lines.length, 1);
  assert.ok(lines[0]!.endsWith('\n') && !lines[0]!.slice(0, -1).includes('\n'));
  return lines[0]!.slice(0, -1).split('\t');
}

const json = (call: (patched: Patched) => void, options = {}): Record<string, unknown> => {
  const patched = patchConsole({ format: 'JSON', ...options });
  call(patched);
  return recordOf(patched);
};

const text = (call: (patched: Patched) => void, options = {}): string[] => {
  const patched = patchConsole(options);
  call(patched);
  return columnsOf(patched);
};

test('P76: each method has its level, log is info, fatal is new', () => {
  const { console, lines } = patchConsole();
  assert.equal(console.log, console.info);
  for (const method of ['trace', 'debug', 'info', 'log', 'warn', 'error', 'fatal'] as const) console[method]('x');
  assert.deepEqual(
    lines.map((line) => line.split('\t')[2]),
    ['TRACE', 'DEBUG', 'INFO', 'INFO', 'WARN', 'ERROR', 'FATAL'],
  );
});

test('P76: what is not patched goes through what is; dir writes raw', () => {
  const { console, lines } = patchConsole();
  console.assert(false, 'wrong');
  console.count('n');
  console.group('outer');
  console.log('inner');
  console.groupEnd();
  console.table([{ a: 1 }]);
  console.dir({ a: 1 });
  const shown = lines.map((line) => (line.startsWith('raw ') ? line : line.split('\t').slice(2).join(' ')));
  assert.deepEqual(shown.slice(0, 4), [
    'WARN Assertion failed: wrong\n',
    'INFO n: 1\n',
    'INFO outer\n',
    'INFO inner\n',
  ]);
  assert.match(shown[4]!, /^INFO ┌.*\r│.*\r└.*\n$/s, 'one record: newlines became returns');
  assert.equal(shown[5], 'raw { a: 1 }\n');
});

test('P77: a text line is time, request id, level and util.format of the arguments', () => {
  const [timestamp, requestId, level, message] = text(({ console }) => console.log('%s=%d %o', 'a', 5, [1], { b: 2 }));
  assert.match(timestamp!, ISO);
  assert.equal(requestId, REQUEST_ID);
  assert.equal(level, 'INFO');
  assert.equal(message, 'a=5 [ 1, [length]: 1 ] { b: 2 }');
  assert.equal(text(({ console }) => console.log()).at(-1), 'undefined');
  assert.equal(text(({ console }) => console.log('100%')).at(-1), '100%');
  assert.equal(
    text(({ console }) => console.log({ a: { b: { c: { d: 1 } } } })).at(-1),
    '{ a: { b: { c: [Object] } } }',
  );
});

test('P77: newlines of the message become carriage returns', () => {
  const columns = text(({ console }) => console.log('a\nb\r\nc', '\n'));
  assert.equal(columns[3], 'a\rb\r\rc \r');
  const error = new Error('boom');
  assert.equal(text(({ console }) => console.error(error))[3], error.stack!.replaceAll('\n', '\r'));
});

test('P78: trace prints no stack', () => {
  assert.deepEqual(text(({ console }) => console.trace('here')).slice(2), ['TRACE', 'here']);
});

test('P80: a JSON record of one argument keeps it as a value', () => {
  const record = json(({ console }) => console.warn({ a: [1, { b: null }] }));
  assert.deepEqual(Object.keys(record), ['timestamp', 'level', 'requestId', 'message']);
  assert.match(record.timestamp as string, ISO);
  assert.deepEqual(record, {
    timestamp: record.timestamp,
    level: 'WARN',
    requestId: REQUEST_ID,
    message: { a: [1, { b: null }] },
  });
  assert.equal(json(({ console }) => console.log('line\nline')).message, 'line\nline');
  assert.equal(json(({ console }) => console.log(null)).message, null);
});

test('P80: several arguments are joined by util.format', () => {
  assert.equal(json(({ console }) => console.log('%s!', 'a', { b: 1 })).message, 'a! { b: 1 }');
});

test('P80: no argument, undefined, a function or a symbol: no message', () => {
  for (const args of [[], [undefined], [() => 1], [Symbol('s')]]) {
    assert.deepEqual(Object.keys(json(({ console }) => console.log(...args))), ['timestamp', 'level', 'requestId']);
  }
});

test('P80: errors are expanded wherever they stand, by class name, with their own properties', () => {
  class OrderError extends Error {
    override name = 'renamed';
    order = 7;
  }
  const error = new OrderError('no order');
  const expanded = {
    errorType: 'OrderError',
    errorMessage: 'no order',
    stackTrace: error.stack!.split('\n'),
    name: 'renamed',
    order: 7,
  };
  assert.deepEqual(json(({ console }) => console.error(error)).message, expanded);
  assert.deepEqual(json(({ console }) => console.error({ list: [error, error] })).message, {
    list: [expanded, expanded],
  });
  const foreign = vm.runInNewContext('new TypeError("vm")');
  const { errorType } = json(({ console }) => console.error(foreign)).message as Record<string, unknown>;
  assert.equal(errorType, 'TypeError', 'of another realm too');
});

test('P80: among several arguments the first error adds its fields, wherever it stands', () => {
  const error = new RangeError('r');
  for (const args of [
    ['text', error, new Error('second')],
    [error, 'text'],
  ]) {
    const record = json(({ console }) => console.error(...args));
    assert.deepEqual(Object.keys(record).slice(3), ['message', 'errorType', 'errorMessage', 'stackTrace']);
    assert.equal(record.errorType, 'RangeError');
    assert.equal(record.errorMessage, 'r');
    assert.deepEqual(record.stackTrace, error.stack!.split('\n'));
  }
});

test('P80: what has no JSON is formatted as text', () => {
  const cycle: Record<string, unknown> = { a: 1 };
  cycle.self = cycle;
  assert.equal(json(({ console }) => console.log(cycle)).message, '<ref *1> { a: 1, self: [Circular *1] }');
  assert.equal(json(({ console }) => console.log(10n)).message, '10n');
  const throwing = { toJSON: () => assert.fail('no JSON') };
  assert.match(json(({ console }) => console.log(throwing)).message as string, /toJSON/);
  const error: Error & { self?: unknown } = new Error('cyclic');
  error.self = error;
  assert.match(json(({ console }) => console.error(error)).message as string, /^<ref \*1> Error: cyclic/);
});

test('P80: format and level names in any case; anything else is TEXT and everything', () => {
  for (const format of ['json', 'Json', 'JSON'])
    assert.equal(json(({ console }) => console.log('x'), { format }).level, 'INFO');
  for (const format of ['Text', '', 'yaml'])
    assert.equal(text(({ console }) => console.log('x'), { format }).length, 4);
});

test('P81: the level filters in both formats; unknown levels filter nothing', () => {
  const methods = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
  for (const format of ['TEXT', 'JSON']) {
    for (const [level, kept] of [
      ['WARN', 3],
      ['fatal', 1],
      ['Trace', 6],
      ['VERBOSE', 6],
      ['', 6],
    ] as const) {
      const { console, log, lines } = patchConsole({ format, level });
      for (const method of methods) console[method]('x');
      assert.equal(lines.length, kept, `${format} ${level}`);
      lines.length = 0;
      log.warn('w');
      log.logInvokeError(new Error('e'));
      assert.equal(lines.length, Math.min(kept, kept > 2 ? 2 : 0), `${format} ${level}: the runtime's own lines`);
    }
  }
});

test('P82: the tenant is in JSON records, behind the request id; TEXT has no place for it', () => {
  const currentInvocation = () => ({ requestId: 'r', tenantId: 'acme' });
  assert.deepEqual(Object.entries(json(({ console }) => console.log('x'), { currentInvocation })).slice(2), [
    ['requestId', 'r'],
    ['tenantId', 'acme'],
    ['message', 'x'],
  ]);
  assert.deepEqual(text(({ console }) => console.log('x'), { currentInvocation }).slice(1), ['r', 'INFO', 'x']);
  const empty = json(({ console }) => console.log('x'), {
    currentInvocation: () => ({ requestId: 'r', tenantId: '' }),
  });
  assert.equal(empty.tenantId, '');
});

test('P33: during init the request id is a dash; with node22 it is undefined', () => {
  const currentInvocation = () => undefined;
  assert.equal(text(({ console }) => console.log('x'), { currentInvocation })[1], '-');
  assert.equal(text(({ console }) => console.log('x'), { currentInvocation, compat: 'node22' })[1], 'undefined');
  assert.equal(json(({ console }) => console.log('x'), { currentInvocation }).requestId, '-');
  assert.ok(!('requestId' in json(({ console }) => console.log('x'), { currentInvocation, compat: 'node22' })));
});

test('P84: concurrent invocations log JSON whatever the format says, to plain lines', () => {
  const record = json(({ console }) => console.log('a\nb'), {
    isMultiConcurrent: true,
    format: 'TEXT',
    telemetryFd: '77',
  });
  assert.equal(record.message, 'a\nb');
});

test('P85: the request id is that of the invocation that logs', () => {
  let requestId = 'first';
  const { console, lines } = patchConsole({ currentInvocation: () => ({ requestId, tenantId: undefined }) });
  console.log('x');
  requestId = 'second';
  console.log('x');
  assert.deepEqual(
    lines.map((line) => line.split('\t')[1]),
    ['first', 'second'],
  );
});

test('the active span is in JSON records beside the request id, and in TEXT only when told so', () => {
  const trace = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
  const activeTrace = () => trace;
  assert.deepEqual(Object.keys(json(({ console }) => console.log('x'), { activeTrace })), [
    'timestamp',
    'level',
    'requestId',
    'traceId',
    'spanId',
    'message',
  ]);
  assert.deepEqual(text(({ console }) => console.log('x'), { activeTrace }).slice(3), ['x']);
  assert.deepEqual(text(({ console }) => console.log('x'), { activeTrace, tracesInText: true }).slice(3), [
    'x',
    `traceId=${trace.traceId} spanId=${trace.spanId}`,
  ]);
  const broken = json(({ console }) => console.log('x'), { activeTrace: () => assert.fail('tracer broke') });
  assert.equal(broken.message, 'x');
  assert.ok(!('traceId' in json(({ console }) => console.log('x'), { activeTrace: () => undefined })));
});

test('P69: an invocation error in TEXT is a label and JSON behind a tab', () => {
  class OrderError extends Error {
    override name = 'OrderError';
    code = 'E_ORDER';
    order = 7;
    override cause = new TypeError('inner');
  }
  const error = new OrderError('no\norder');
  const columns = text(({ log }) => log.logInvokeError(error));
  assert.deepEqual(columns.slice(1, 4), [REQUEST_ID, 'ERROR', 'Invoke Error ']);
  assert.equal(columns.length, 5);
  const shown = JSON.parse(columns[4]!);
  assert.deepEqual(Object.keys(shown), ['errorType', 'errorMessage', 'code', 'name', 'order', 'cause', 'stack']);
  assert.deepEqual(shown, {
    errorType: 'OrderError',
    errorMessage: 'no\norder',
    code: 'E_ORDER',
    name: 'OrderError',
    order: 7,
    cause: { errorType: 'TypeError', errorMessage: 'inner', stack: error.cause.stack!.split('\n') },
    stack: error.stack!.split('\n'),
  });
});

test('P69: other values than errors are wrapped; cycles and unreadable errors fall back', () => {
  const shown = (thrown: unknown): unknown => JSON.parse(text(({ log }) => log.logInvokeError(thrown))[4]!);
  assert.deepEqual(shown('text'), { errorType: 'Error', errorMessage: 'text', stack: ['Error: text'] });
  assert.deepEqual(shown(undefined), { errorType: 'Error', errorMessage: 'undefined', stack: ['Error: undefined'] });
  const cyclic: Error & { self?: unknown } = new Error('c');
  cyclic.self = cyclic;
  assert.deepEqual(shown(cyclic), { errorType: 'Error', errorMessage: 'c', trace: cyclic.stack!.split('\n') });
  const unreadable = Object.defineProperty(new Error(''), 'message', { get: () => assert.fail('looked at') });
  assert.equal((shown(unreadable) as { errorType: string }).errorType, 'handled');
});

test('P69: in JSON an invocation error is an ERROR record of the error, without a label', () => {
  const error = new RangeError('r');
  const { level, message } = json(({ log }) => log.logInvokeError(error));
  assert.equal(level, 'ERROR');
  assert.deepEqual(message, { errorType: 'RangeError', errorMessage: 'r', stackTrace: error.stack!.split('\n') });
  const wrapped = json(({ log }) => log.logInvokeError('text')).message as Record<string, unknown>;
  assert.equal(wrapped.errorMessage, 'text');
});

test('P30 P31 P71: the labels of the other failures', () => {
  const label = (call: (patched: Patched) => void, options = {}): string => text(call, options)[3]!;
  const error = new Error('x');
  assert.equal(
    label(({ log }) => log.logInitError(error)),
    'Init Error ',
  );
  assert.equal(
    label(({ log }) => log.logInitError(error), { compat: 'node24' }),
    'Init Error ',
  );
  assert.equal(
    label(({ log }) => log.logInitError(error), { compat: 'node22' }),
    'Uncaught Exception ',
  );
  assert.equal(
    label(({ log }) => log.logUncaughtException(error)),
    'Uncaught Exception ',
  );
  assert.equal(
    label(({ log }) => log.logUnhandledRejection(error)),
    'Unhandled Promise Rejection ',
  );
});

test('P71: the line of an unhandled rejection, member by member', () => {
  const reason = new TypeError('boom');
  const error = unhandledRejection(reason, Promise.resolve());
  const shown = JSON.parse(text(({ log }) => log.logUnhandledRejection(error))[4]!);
  assert.deepEqual(shown, {
    errorType: 'Runtime.UnhandledPromiseRejection',
    errorMessage: 'TypeError: boom',
    reason: { errorType: 'TypeError', errorMessage: 'boom', stack: reason.stack!.split('\n') },
    promise: {},
    stack: error.stack!.split('\n'),
  });
  assert.deepEqual(Object.keys(shown), ['errorType', 'errorMessage', 'reason', 'promise', 'stack']);
});

test('the runtime’s own errors look as on the managed runtimes: no code member, the short class name in JSON', () => {
  const error = runtimeError('HandlerUndefined', { handler: 'index.x' });
  const shown = JSON.parse(text(({ log }) => log.logInitError(error))[4]!);
  assert.deepEqual(Object.keys(shown), ['errorType', 'errorMessage', 'stack']);
  assert.equal(shown.errorType, 'Runtime.HandlerNotFound');
  const { message } = json(({ log }) => log.logInitError(error));
  assert.equal((message as Record<string, unknown>).errorType, 'HandlerNotFound');
});

test('P99: warnings of the runtime; with a source they can be told from the function’s', () => {
  const warning = 'Streaming handlers ignore return values.';
  assert.deepEqual(text(({ log }) => log.warn(warning)).slice(2), ['WARN', warning]);
  assert.deepEqual(text(({ log }) => log.warn('x', 'spanstrap')).slice(2), ['WARN', 'spanstrap: x']);
  assert.deepEqual(Object.entries(json(({ log }) => log.warn('x', 'spanstrap'))).slice(3), [
    ['source', 'spanstrap'],
    ['message', 'x'],
  ]);
  assert.equal(json(({ log }) => log.error('x')).level, 'ERROR');
});

test('the runtime’s lines do not pass through what user code makes of the console', () => {
  const { console, log, lines } = patchConsole();
  for (const method of ['log', 'warn', 'error'] as const) console[method] = () => assert.fail('called');
  log.warn('still');
  log.logInvokeError(new Error('there'));
  assert.equal(lines.length, 2);
});

test('a mocked clock does not reach the timestamps', (t) => {
  const { console, lines } = patchConsole();
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  console.log('x');
  t.mock.timers.reset();
  assert.ok(Date.parse(lines[0]!.split('\t')[0]!) > Date.parse('2024-01-01'));
});

test('a toJSON on a built-in prototype breaks no record', () => {
  const prototype = Object.prototype as { toJSON?: unknown };
  try {
    prototype.toJSON = () => assert.fail('called');
    assert.equal(json(({ console }) => console.log('a', 'b')).message, 'a b');
    assert.match(json(({ console }) => console.log({ a: 1 })).message as string, /^\{ a: 1 \}$/);
  } finally {
    delete prototype.toJSON;
  }
});

test('10 000 odd arguments: never a throw, always one line, and JSON lines are JSON with the fixed members', () => {
  const options = fc.record({ format: fc.constantFrom('TEXT', 'JSON'), calls: fc.array(oddValue, { maxLength: 3 }) });
  fc.assert(
    fc.property(options, fc.constantFrom('log', 'error', 'runtime'), ({ format, calls }, how) => {
      const patched = patchConsole({ format });
      const args = calls.map((make) => make());
      if (how === 'runtime') patched.log.logInvokeError(args[0]);
      else patched.console[how as 'log'](...args);
      assert.equal(patched.lines.length, 1);
      const line = patched.lines[0]!;
      assert.equal(line.indexOf('\n'), line.length - 1);
      if (format === 'JSON') {
        const record = JSON.parse(line);
        assert.equal(record.requestId, REQUEST_ID);
      } else {
        assert.equal(line.split('\t')[1], REQUEST_ID);
      }
    }),
    { numRuns: 10_000 },
  );
});
