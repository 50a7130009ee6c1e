import assert from 'node:assert/strict';
import { test } from 'node:test';
import { types } from 'node:util';
import { errorDocs } from '../../runtime/error-docs.ts';
import { type ErrorEntry, errorTable } from '../../runtime/error-table.ts';
import {
  type ErrorName,
  errorText,
  type FailureName,
  RuntimeError,
  runtimeError,
  unhandledRejection,
} from '../../runtime/errors.ts';

const entries = Object.entries(errorTable) as [ErrorName, ErrorEntry][];

test('the table: unique codes of one form, names of AWS or none, texts that say something', () => {
  assert.equal(entries.length, 35);
  assert.equal(new Set(entries.map(([, { code }]) => code)).size, entries.length);
  for (const [name, { code, wireType, message }] of entries) {
    const { advice } = errorDocs[name];
    assert.match(code, /^SS_[A-Z]+(?:_[A-Z]+)*$/, name);
    assert.ok(wireType === null || /^(?:Runtime\.[A-Z][A-Za-z]+|Error|TypeError|handled)$/.test(wireType), name);
    assert.ok(message !== '' && /^[A-Z`].*\.$/.test(advice), name);
  }
});

test('every failure of the table can be made, with its name, code and text', () => {
  for (const [name, { code, wireType, message }] of entries) {
    if (wireType === null) continue;
    const values = Object.fromEntries([...message.matchAll(/\{(\w+)\}/g)].map(([, key]) => [key, `<${key}>`]));
    const error = runtimeError(name as FailureName, values as never);
    assert.ok(error instanceof Error && error instanceof RuntimeError && types.isNativeError(error));
    assert.equal(error.name, wireType);
    assert.equal(error.code, code);
    assert.equal(
      error.message,
      message.replace(/\{(\w+)\}/g, (_, key) => `<${key}>`),
    );
    assert.equal(error.stack?.split('\n')[0], `${wireType}: ${error.message}`.split('\n')[0]);
    assert.match(error.stack ?? '', /errors\.test\.ts/, 'the trace begins where the error was asked for');
    assert.deepEqual(Object.keys(error), [], 'nothing of it shows in log lines');
  }
});

test('P11 P12 P24: handler names that lead nowhere', () => {
  const escapes = runtimeError('HandlerNameEscapes', { handler: '../x.h' });
  assert.equal(escapes.name, 'Runtime.MalformedHandlerName');
  assert.equal(
    escapes.message,
    "'../x.h' is not a valid handler name. Use absolute paths when specifying root directories in handler names.",
  );
  assert.equal(runtimeError('HandlerNameWithoutDot', {}).message, 'Bad handler');
  assert.equal(runtimeError('HandlerUndefined', { handler: 'a.b' }).message, 'a.b is undefined or not exported');
  assert.equal(runtimeError('HandlerNotAFunction', { handler: 'a.b' }).message, 'a.b is not a function');
  assert.equal(runtimeError('HandlerNotAFunction', { handler: 'a.b' }).name, 'Runtime.HandlerNotFound');
});

test('P25 P26: a load error keeps the text and the trace of the original', () => {
  const cause = Object.assign(new Error("Cannot find module 'x'\nRequire stack:\n- /var/task/index.js"), {
    code: 'MODULE_NOT_FOUND',
  });
  const error = runtimeError('ImportModuleError', { cause });
  assert.equal(error.message, "Error: Cannot find module 'x'\nRequire stack:\n- /var/task/index.js");
  assert.equal(error.stack, cause.stack);
  assert.equal(error.cause, cause);
  const syntax = runtimeError('UserCodeSyntaxError', { cause: new SyntaxError('Unexpected token') });
  assert.equal(syntax.message, 'SyntaxError: Unexpected token');
  assert.equal(syntax.name, 'Runtime.UserCodeSyntaxError');
});

test('a cause that cannot be read leaves the error its own trace', () => {
  const cause = new Proxy({}, { get: () => assert.fail('looked at') });
  const error = runtimeError('ImportModuleError', { cause });
  assert.match(error.message, /cannot be converted to a string/);
  assert.match(error.stack ?? '', /^Runtime\.ImportModuleError: /);
});

test('P51: the text of AWS alone when nothing is known to be unfinished, and with it what is', () => {
  const aws =
    'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes';
  assert.equal(runtimeError('NodeJsExit', { unfinished: '' }).message, aws);
  assert.equal(runtimeError('NodeJsExit', { unfinished: 'Open: x' }).message, `${aws} Open: x`);
});

test('P71: an unhandled rejection carries reason, promise and the place it came from', () => {
  const reason = new RangeError('boom');
  const promise = Promise.resolve();
  const error = unhandledRejection(reason, promise) as RuntimeError & { reason: unknown; promise: unknown };
  assert.equal(error.name, 'Runtime.UnhandledPromiseRejection');
  assert.equal(error.message, 'RangeError: boom');
  assert.deepEqual(Object.keys(error), ['reason', 'promise']);
  assert.equal(error.reason, reason);
  const [first, second] = error.stack!.split('\n');
  assert.equal(first, 'Runtime.UnhandledPromiseRejection: RangeError: boom');
  assert.equal(second, reason.stack!.split('\n')[1]);
  for (const odd of [undefined, null, Symbol('s'), Object.create(null), new Proxy({}, { get: () => assert.fail() })]) {
    assert.equal(typeof unhandledRejection(odd, promise).message, 'string');
  }
});

test('P46 P99: texts that only go to the log', () => {
  assert.equal(errorText('StreamingReturnIgnored', {}), 'Streaming handlers ignore return values.');
  assert.equal(
    errorText('AnswerRefused', { what: 'success', status: 413, body: '{}' }),
    'Failed to post handler success response. Http response code: 413. {}',
  );
});

test('values are put in as they are, not read as templates', () => {
  assert.equal(
    errorText('HandlerUndefined', { handler: "$& $' {handler}" }),
    "$& $' {handler} is undefined or not exported",
  );
});

test('the class has the short name, which JSON log records show', () => {
  assert.equal(runtimeError('HandlerUndefined', { handler: 'x' }).constructor.name, 'HandlerNotFound');
  assert.equal(runtimeError('StreamNotFinished', {}).constructor.name, 'Error');
});
