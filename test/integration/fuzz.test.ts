// Ten thousand odd things that a function may be given, throw, return, log or stream, in one process per group. Each
// invocation is answered, and the process lives on.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { InvokeOptions } from '../../local/emulator/invocation.ts';
import { loadHandler } from '../../runtime/handler/module-loading.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { fc } from '../support/property.ts';
import { makeFolder } from '../support/temporary-folder.ts';

const FIXTURE = readFileSync(new URL('../fixtures/handlers/fuzz/index.js', import.meta.url), 'utf8');

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 12 }),
  fc.constantFrom(
    '',
    '\ud800',
    '\0',
    '\x7f',
    '\r\n',
    'toJSON',
    '__proto__',
    'constructor',
    'Runtime.X',
    'é€😀',
    '%s %d %o %',
  ),
);

type Recipe = unknown;

/** A recipe of test/fixtures/handlers/fuzz: `[kind, ...parts]`. */
const recipe: fc.Arbitrary<Recipe> = fc.letrec<{ value: Recipe }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 3, arbitrary: fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null)) },
    {
      weight: 6,
      arbitrary: fc.constantFrom(
        ...'undefined nan infinity bigint weak sharedBuffer typedArray thenThrows thenGetterThrows cyclicError cyclic proxyThrows proxyError revoked revokedFunction toStringThrows toJsonThrows toJsonCycles inspectThrows frozen noConstructor domException abort systemError arguments generator deep regexp'
          .split(' ')
          .map((kind) => [kind]),
      ),
    },
    { weight: 1, arbitrary: fc.constantFrom(['longMessage'], ['longStack']) },
    {
      weight: 6,
      arbitrary: fc.tuple(
        fc.constantFrom(
          ...'symbol function array object nullPrototype map set buffer promise rejected thenable error typeError aggregate named message stack classExtends date'.split(
            ' ',
          ),
        ),
        tie('value'),
        tie('value'),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constant('getter'),
        fc.constantFrom('name', 'message', 'stack', 'cause', 'code', 'errors'),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(
        fc.constant('crossRealm'),
        fc.constantFrom(
          "new TypeError('elsewhere')",
          '({ name: 1, message: 2, stack: 3 })',
          'Object.create(null)',
          'Promise.resolve(1)',
          "Promise.reject(new Error('x')).catch(() => {})",
          '[1, [2]]',
          "Object.assign(new Error('x'), { stack: null })",
          '() => 1',
        ),
      ),
    },
  ),
})).value;

/** One invocation that must be answered by the same process as all others. */
async function invokeAlive(fn: FunctionUnderTest, event: unknown, options?: InvokeOptions): Promise<void> {
  const result = await fn.emulator.invoke(event, options);
  assert.ok(['success', 'error'].includes(result.status), `${result.status}: ${result.text.slice(0, 300)}`);
  if (result.status === 'error' && result.responseMode === 'buffered') result.json();
  const idle = await result.idle;
  assert.equal(idle.how, 'idle', JSON.stringify(idle));
  fn.emulator.logs.length = 0;
  fn.xray.clear();
}

const ways = ['throw', 'throwLater', 'reject', 'return', 'returnInside', 'fail', 'succeed', 'nothing'];
const logs = fc.option(fc.constantFrom('log', 'error', 'warn', 'debug', 'fatal', 'dir', 'table'), { nil: undefined });

for (const [mode, environment, runs] of [
  ['default', {}, 2400],
  ['default, JSON logs', { AWS_LAMBDA_LOG_FORMAT: 'JSON' }, 1200],
  ['node22', { SPANSTRAP_HANDLER_COMPAT: 'node22' }, 1200],
  ['node24', { SPANSTRAP_HANDLER_COMPAT: 'node24' }, 1200],
] as const) {
  test(`P61 P65: ${runs} values thrown, returned and logged, ${mode}`, async () => {
    await using fn = await startFunction({
      files: { 'index.js': FIXTURE },
      otlp: false,
      platformEnvironment: environment,
      timeoutMs: 10_000,
    });
    const property = fc.asyncProperty(recipe, fc.constantFrom(...ways), logs, (value, how, log) =>
      invokeAlive(fn, { recipe: value, how, ...(log && { log }) }),
    );
    await fc.assert(property, { numRuns: runs });
    assert.equal(fn.emulator.generation, 1);
  });
}

test('P94 P101: 1500 values streamed, and thrown in streams', async () => {
  await using fn = await startFunction({
    files: { 'index.js': FIXTURE },
    handler: 'index.streamed',
    otlp: false,
    timeoutMs: 10_000,
  });
  const how = fc.constantFrom(
    'write',
    'end',
    'prelude',
    'contentType',
    'destroy',
    'writeThenThrow',
    'throw',
    'nothing',
  );
  const property = fc.asyncProperty(recipe, how, (value, way) =>
    invokeAlive(fn, { recipe: value, how: way }, { invokeMode: 'streaming' }),
  );
  await fc.assert(property, { numRuns: 1500 });
  assert.equal(fn.emulator.generation, 1);
});

test('P37 P54 P57: 1500 events and header values', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async (event, context) => ({ event, context: { ...context } });' },
    otlp: false,
    timeoutMs: 10_000,
  });
  const event = fc.oneof(
    fc.json({ maxDepth: 5 }),
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.constantFrom(
      '',
      '{',
      '[1,',
      '{"__proto__":null}',
      '{"a":1}{"b":2}',
      '\ufeff{}',
      '1e999',
      '"\\ud800"',
      `${'['.repeat(3000)}`,
    ),
    fc.constantFrom(
      '{"Records":[{"eventSource":"aws:sqs","messageAttributes":{"traceparent":null}}]}',
      '{"requestContext":{"http":null},"version":"2.0","headers":[]}',
      '{"headers":{"traceparent":{"toString":1}},"httpMethod":7,"requestContext":{"stage":[]}}',
      '{"Records":{"length":5}}',
    ),
  );
  // What a header line can carry at all: the emulator writes UTF-8.
  const value = fc.string({ unit: 'grapheme', maxLength: 60 }).map((one) => one.replace(/\p{Cc}/gu, '').trim());
  const options = fc.record(
    {
      clientContext: fc.oneof(fc.json(), value),
      cognitoIdentity: fc.oneof(fc.json(), value),
      tenantId: value,
      traceHeader: fc.oneof(
        value,
        fc.constantFrom('Root=1-', 'Root=;Parent=;Sampled=', 'Sampled=1;Root=1-65f1a2b3-0123456789abcdef01234567'),
      ),
      requestId: value.filter((one) => one !== ''),
      invocationId: fc.uuid(),
      invokedFunctionArn: value,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(event, options, (body, chosen) => invokeAlive(fn, body, chosen)),
    { numRuns: 1500 },
  );
  assert.equal(fn.emulator.generation, 1);
});

test('P11 P12 P24: 1000 handler strings: a function, or one of the documented errors', async (t) => {
  const root = makeFolder(t, {
    'index.js': 'exports.handler = () => 1; exports.a = { b: { c: () => 1 } }; exports.text = "x";',
    'lib/orders.mjs': 'export const handler = () => 1; export default { inner: { f() {} } };',
    'package.json': '{}',
  });
  const require = createRequire(`${root}/index.js`);
  const loader = { require, importModule: (url: string) => import(url), warn() {} };
  const part = fc.constantFrom(
    'index',
    'lib',
    'orders',
    'handler',
    'a',
    'b',
    'c',
    'text',
    'default',
    'inner',
    'f',
    '.',
    '/',
    '..',
    '~',
    ' ',
    '\0',
    '%2e',
    'é',
    '__proto__',
    'constructor',
    'toString',
    '@scope',
    'node:fs',
    '#x',
  );
  const name = fc.oneof(
    fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  const known =
    /^(?:Runtime\.(?:MalformedHandlerName|HandlerNotFound|ImportModuleError|UserCodeSyntaxError)|TypeError|Error)$/;
  await fc.assert(
    fc.asyncProperty(name, async (handler) => {
      try {
        assert.equal(typeof (await loadHandler(handler, root, loader)), 'function');
      } catch (error) {
        assert.match((error as Error).name, known, handler);
      }
    }),
    { numRuns: 1000 },
  );
});
