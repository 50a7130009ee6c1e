import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeFolder } from '../../support/temporary-folder.ts';
import { loaded, prepare } from './loading-stand.ts';

const cjs = (result: string): string => `exports.handler = () => ${JSON.stringify(result)};`;
const esm = (result: string): string => `export const handler = () => ${JSON.stringify(result)};`;
const MODULE = '{"type":"module"}';

const kinds: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['a CommonJS .js file', { 'index.js': cjs('it') }],
  ['a CommonJS .js file in a package that says so', { 'package.json': '{"type":"commonjs"}', 'index.js': cjs('it') }],
  ['an ES module in .mjs', { 'index.mjs': esm('it') }],
  ['an ES module in .js of a module package', { 'package.json': MODULE, 'index.js': esm('it') }],
  ['CommonJS in .cjs of a module package', { 'package.json': MODULE, 'index.cjs': cjs('it') }],
  ['an ES module in .js found out by its syntax', { 'index.js': esm('it') }],
  ['an extensionless file', { index: cjs('it') }],
  ['an extensionless file in a module package', { 'package.json': MODULE, index: cjs('it') }],
  ['P18: a folder with index.js', { 'index/index.js': cjs('it') }],
  ['P18: a folder with a package.json', { 'index/package.json': '{"main":"lib/x.js"}', 'index/lib/x.js': cjs('it') }],
  ['P21: top-level await in .mjs', { 'index.mjs': `await new Promise(setImmediate); ${esm('it')}` }],
  [
    'P21: top-level await in .js of a module package',
    { 'package.json': MODULE, 'index.js': `await new Promise(setImmediate); ${esm('it')}` },
  ],
  [
    'P21: top-level await in .js found out by its syntax',
    { 'index.js': `await new Promise(setImmediate); ${esm('it')}` },
  ],
];
for (const [what, files] of kinds) {
  test(`P15: ${what}`, async (t) => {
    assert.equal(await loaded(t, files), 'it');
  });
}

const precedences: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    'the extensionless file over all',
    { index: cjs('none'), 'index.js': cjs('js'), 'index.mjs': esm('mjs'), 'index.cjs': cjs('cjs') },
    'none',
  ],
  ['.js over .mjs and .cjs', { 'index.js': cjs('js'), 'index.mjs': esm('mjs'), 'index.cjs': cjs('cjs') }, 'js'],
  [
    '.js over .mjs and .cjs in a module package',
    { 'package.json': MODULE, 'index.js': esm('js'), 'index.mjs': esm('mjs'), 'index.cjs': cjs('cjs') },
    'js',
  ],
  ['.mjs over .cjs', { 'index.mjs': esm('mjs'), 'index.cjs': cjs('cjs') }, 'mjs'],
  ['the .js file over a folder of the same name', { 'index.js': cjs('js'), 'index/index.js': cjs('folder') }, 'js'],
  ['a folder that is called index.js is none', { 'index.js/x': '', 'index.mjs': esm('mjs') }, 'mjs'],
  ['a file over a package', { 'index.js': cjs('js'), 'node_modules/index/index.js': cjs('package') }, 'js'],
  ['other extensions are not looked at', { 'index.ts': esm('ts'), 'index.json': '{}', 'index.cjs': cjs('cjs') }, 'cjs'],
];
for (const [what, files, expected] of precedences) {
  test(`P20: ${what}`, async (t) => {
    assert.equal(await loaded(t, files), expected);
  });
}

test('P14: folders, relative and absolute', async (t) => {
  const elsewhere = makeFolder(t, { 'x/index.js': cjs('absolute') });
  const { load } = prepare(t, { 'lib/deep/orders.js': cjs('deep'), 'lib/a.b/orders.js': cjs('dotted') });
  assert.equal((await load('lib/deep/orders.handler'))(), 'deep');
  assert.equal((await load('./lib/deep/orders.handler'))(), 'deep');
  assert.equal((await load('lib/a.b/orders.handler'))(), 'dotted');
  assert.equal((await load(`${elsewhere}/x/index.handler`))(), 'absolute');
});

test('P16: the nearest package.json decides', async (t) => {
  assert.equal(await loaded(t, { 'package.json': MODULE, 'lib/index.js': esm('esm') }, 'lib/index.handler'), 'esm');
  assert.equal(
    await loaded(
      t,
      { 'package.json': MODULE, 'lib/package.json': '{}', 'lib/index.js': cjs('cjs') },
      'lib/index.handler',
    ),
    'cjs',
  );
  // The search ends at node_modules: what stands above it is another package's.
  const { load, imported } = prepare(t, { 'package.json': MODULE, 'node_modules/index.js': cjs('cjs') });
  assert.equal((await load('node_modules/index.handler'))(), 'cjs');
  assert.deepEqual(imported, []);
});

for (const [what, content] of [
  ['is not JSON', '{oops'],
  ['is empty', ''],
  ['is null', 'null'],
] as const) {
  test(`P16: a package.json that ${what} is named in a warning; Node refuses to go on, as it does everywhere`, async (t) => {
    const { root, warnings, load } = prepare(t, { 'package.json': content, 'index.js': cjs('cjs') });
    await assert.rejects(load('index.handler'), { code: 'ERR_INVALID_PACKAGE_CONFIG' });
    const path = join(root, 'package.json');
    assert.deepEqual(warnings, [`${path} cannot be read, it will be ignored for ES module detection purposes.`]);
  });
}

test('P16: a package.json that cannot be read is named in a warning and counts as CommonJS', async (t) => {
  const { root, warnings, load } = prepare(t, { 'package.json/x': '', 'index.js': cjs('cjs') });
  assert.equal((await load('index.handler'))(), 'cjs');
  const path = join(root, 'package.json');
  assert.deepEqual(warnings, [`${path} cannot be read, it will be ignored for ES module detection purposes.`]);
});

test('P19: the handler of a package in node_modules, by name, with a scope, an ES module, and below a folder', async (t) => {
  const { load } = prepare(t, {
    'node_modules/orders/package.json': '{"main":"main.js"}',
    'node_modules/orders/main.js': cjs('package'),
    'node_modules/@shop/orders/index.js': cjs('scoped'),
    'node_modules/modern/package.json': '{"type":"module","exports":"./x.js"}',
    'node_modules/modern/x.js': esm('modern'),
    'node_modules/waiting/package.json': '{"type":"module","exports":"./x.js"}',
    'node_modules/waiting/x.js': `await null; ${esm('waiting')}`,
    'lib/node_modules/inner/index.js': cjs('inner'),
    'node_modules/many/part.js': cjs('part'),
    'node_modules/closed/package.json': '{"exports":{"import":"./x.mjs"}}',
  });
  assert.equal((await load('orders.handler'))(), 'package');
  assert.equal((await load('@shop/orders.handler'))(), 'scoped');
  assert.equal((await load('modern.handler'))(), 'modern');
  assert.equal((await load('waiting.handler'))(), 'waiting');
  assert.equal((await load('lib/orders.handler'))(), 'package', 'P15 (f): the folder is only one more place to look');
  assert.equal((await load('lib/inner.handler'))(), 'inner');
  assert.equal((await load('many/part.handler'))(), 'part');
  await assert.rejects(load('closed.handler'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
});

test('a module is evaluated once, whichever way it is loaded', async (t) => {
  const count = 'globalThis.evaluations = (globalThis.evaluations ?? 0) + 1;';
  const { load } = prepare(t, { 'index.js': `${count} await null; ${esm('it')}` });
  await load('index.handler');
  const { evaluations } = globalThis as { evaluations?: number };
  delete (globalThis as { evaluations?: number }).evaluations;
  assert.equal(evaluations, 1);
});

const found: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ['a nested export', { 'index.js': 'exports.api = { v1: { create: () => "it" } };' }, 'index.api.v1.create'],
  [
    'a static method of an exported class',
    { 'index.js': 'exports.Api = class { static run() { return "it"; } };' },
    'index.Api.run',
  ],
  [
    'a property of an exported function',
    { 'index.js': 'exports.f = Object.assign(() => 0, { g: () => "it" });' },
    'index.f.g',
  ],
  [
    'a getter',
    { 'index.js': 'Object.defineProperty(exports, "handler", { get: () => () => "it" });' },
    'index.handler',
  ],
  ['an inherited export', { 'index.js': 'module.exports = Object.create({ handler: () => "it" });' }, 'index.handler'],
  ['the default function of an ES module by its name', { 'index.mjs': 'export default () => "it";' }, 'index.default'],
  ['a default object of an ES module', { 'index.mjs': 'export default { handler: () => "it" };' }, 'index.handler'],
  ['a nested export of a default object', { 'index.mjs': 'export default { a: { b: () => "it" } };' }, 'index.a.b'],
  [
    'module.exports = { default }',
    { 'index.js': 'module.exports = { default: { handler: () => "it" } };' },
    'index.handler',
  ],
  [
    'what is exported by name before what is in default',
    { 'index.mjs': `export default { handler: () => "no" }; ${esm('it')}` },
    'index.handler',
  ],
  [
    'default of a transpiled ES module',
    { 'index.js': 'exports.__esModule = true; exports.default = () => "it";' },
    'index.default',
  ],
  [
    'an exported class instance',
    { 'index.js': 'class A { handler() { return "it"; } } module.exports = new A();' },
    'index.handler',
  ],
  ['an empty name', { 'index.js': 'exports[""] = () => "it";' }, 'index.'],
];
for (const [what, files, handler] of found) {
  test(`P23: ${what}: ${handler}`, async (t) => {
    assert.equal(await loaded(t, files, handler), 'it');
  });
}

const missing: readonly (readonly [string, Readonly<Record<string, string>>, string, string])[] = [
  ['P13: an empty name', { 'index.js': cjs('it') }, 'index.', 'index. is undefined or not exported'],
  ['nothing of that name', { 'index.js': cjs('it') }, 'index.other', 'index.other is undefined or not exported'],
  ['no such parent', { 'index.js': cjs('it') }, 'index.a.b', 'index.a.b is undefined or not exported'],
  [
    'an export that is null',
    { 'index.js': 'exports.handler = null;' },
    'index.handler',
    'index.handler is undefined or not exported',
  ],
  [
    'an export that is 0',
    { 'index.js': 'exports.handler = 0;' },
    'index.handler',
    'index.handler is undefined or not exported',
  ],
  [
    'a module that exports null',
    { 'index.js': 'module.exports = null;' },
    'index.handler',
    'index.handler is undefined or not exported',
  ],
  [
    'a module that exports undefined',
    { 'index.js': 'module.exports = undefined;' },
    'index.handler',
    'index.handler is undefined or not exported',
  ],
  [
    'an export that is a text',
    { 'index.js': 'exports.handler = "x";' },
    'index.handler',
    'index.handler is not a function',
  ],
  [
    'an export that is an object',
    { 'index.js': 'exports.handler = {};' },
    'index.handler',
    'index.handler is not a function',
  ],
  [
    'a nested export that is a number',
    { 'index.mjs': 'export const a = { b: 1 };' },
    'index.a.b',
    'index.a.b is not a function',
  ],
];
for (const [what, files, handler, message] of missing) {
  test(`P24: ${what}: Runtime.HandlerNotFound`, async (t) => {
    await assert.rejects(prepare(t, files).load(handler), { name: 'Runtime.HandlerNotFound', message });
  });
}

test('P11 P12: a malformed name is refused before anything is loaded', async (t) => {
  const { load } = prepare(t, { 'index.js': 'throw new Error("evaluated")' });
  await assert.rejects(load('index'), { name: 'Runtime.MalformedHandlerName', message: 'Bad handler' });
  await assert.rejects(load('../index.handler'), { name: 'Runtime.MalformedHandlerName' });
});

const syntaxErrors: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['in a CommonJS file', { 'index.js': 'exports.handler = (' }],
  ['in an ES module', { 'index.mjs': 'export const handler = (' }],
  ['in a file that is required', { 'index.js': 'require("./x");', 'x.js': 'const = 1;' }],
  ['P22: ESM syntax in .cjs', { 'index.cjs': esm('it') }],
  [
    'an import of a name that is not exported',
    { 'index.mjs': 'import { nothing } from "./x.mjs";', 'x.mjs': 'export const some = 1;' },
  ],
  ['JSON that does not parse at load', { 'index.js': 'JSON.parse("{");' }],
];
for (const [what, files] of syntaxErrors) {
  test(`P25: a syntax error ${what}: Runtime.UserCodeSyntaxError with the original's stack`, async (t) => {
    await assert.rejects(prepare(t, files).load('index.handler'), (error: Error) => {
      assert.equal(error.name, 'Runtime.UserCodeSyntaxError');
      const cause = error.cause as Error;
      assert.ok(cause instanceof SyntaxError);
      assert.equal(error.message, `SyntaxError: ${cause.message}`);
      assert.equal(error.stack, cause.stack);
      return true;
    });
  });
}

test('P25: the stack of a syntax error names file and line', async (t) => {
  const { root, load } = prepare(t, { 'index.js': '\n\nexports.handler = (' });
  await assert.rejects(
    load('index.handler'),
    (error: Error) => error.stack?.startsWith(`${root}/index.js:3\n`) ?? false,
  );
});

test('P26: a handler file that does not exist: Runtime.ImportModuleError', async (t) => {
  const { root, load } = prepare(t, { 'other.js': cjs('it') });
  await assert.rejects(load('index.handler'), (error: Error) => {
    assert.equal(error.name, 'Runtime.ImportModuleError');
    assert.match(error.message, /^Error: Cannot find module 'index'\nRequire stack:\n- /);
    assert.equal(error.stack, (error.cause as Error).stack);
    return true;
  });
  await assert.rejects(load('lib/index.handler'), {
    name: 'Runtime.ImportModuleError',
    message: /^Error: Cannot find module 'index'\n/,
  });
  await assert.rejects(load(`${root}/lib/index.handler`), { name: 'Runtime.ImportModuleError', message: /'index'/ });
});

test('P26: a module that the handler requires does not exist: Runtime.ImportModuleError with the require stack', async (t) => {
  const { root, load } = prepare(t, { 'index.js': 'require("./lib");', 'lib.js': 'require("not-there");' });
  await assert.rejects(load('index.handler'), (error: Error) => {
    assert.equal(error.name, 'Runtime.ImportModuleError');
    const expected = `Error: Cannot find module 'not-there'\nRequire stack:\n- ${root}/lib.js\n- ${root}/index.js\n- `;
    assert.ok(error.message.startsWith(expected), error.message);
    return true;
  });
});

test('P26: the import of a module that does not exist is not converted', async (t) => {
  const { load } = prepare(t, { 'index.mjs': 'import "not-there";' });
  await assert.rejects(load('index.handler'), (error: NodeJS.ErrnoException) => {
    assert.deepEqual([error.name, error.code], ['Error', 'ERR_MODULE_NOT_FOUND']);
    return true;
  });
});

const thrown: readonly (readonly [string, Readonly<Record<string, string>>, (error: unknown) => boolean])[] = [
  [
    'an error with its own name',
    { 'index.js': 'throw new RangeError("too far")' },
    (e) => e instanceof RangeError && e.message === 'too far',
  ],
  ['an error of an ES module', { 'index.mjs': 'throw new RangeError("too far")' }, (e) => e instanceof RangeError],
  [
    'a rejection of a top-level await',
    { 'index.mjs': 'await Promise.reject(new RangeError("too far"))' },
    (e) => e instanceof RangeError,
  ],
  ['a text', { 'index.js': 'throw "plain"' }, (e) => e === 'plain'],
  ['null', { 'index.js': 'throw null' }, (e) => e === null],
  ['undefined', { 'index.mjs': 'throw undefined' }, (e) => e === undefined],
  [
    'by a getter of the export',
    { 'index.js': 'Object.defineProperty(exports, "handler", { get() { throw new RangeError(); } });' },
    (e) => e instanceof RangeError,
  ],
  [
    'P22: CommonJS code in .js of a module package',
    { 'package.json': MODULE, 'index.js': cjs('it') },
    (e) => e instanceof ReferenceError,
  ],
  ['P22: CommonJS code in .mjs', { 'index.mjs': cjs('it') }, (e) => e instanceof ReferenceError],
];
for (const [what, files, isExpected] of thrown) {
  test(`P27: thrown at load, passed on as it is: ${what}`, async (t) => {
    const outcome = await prepare(t, files)
      .load('index.handler')
      .then(
        () => ({ error: 'it loaded' as unknown }),
        (error: unknown) => ({ error }),
      );
    assert.ok(isExpected(outcome.error), `${outcome.error}`);
  });
}

test('P29: what is returned is the function itself, without the object it was found in', async (t) => {
  const { load } = prepare(t, {
    'index.js': 'module.exports = { name: "mine", handler() { "use strict"; return this?.name; } };',
  });
  const handler = await load('index.handler');
  assert.equal(handler(), undefined);
});

test('a deep folder name that contains the module’s name is no trap', async (t) => {
  assert.equal(await loaded(t, { 'index/index.js': cjs('it') }, 'index/index.handler'), 'it');
});

test('a CommonJS module that requires one with a top-level await is evaluated once, and fails with the error of that', async (t) => {
  const { imported, load } = prepare(t, {
    'index.js': `globalThis.evaluatedCount = (globalThis.evaluatedCount ?? 0) + 1; require('./lib/waits.mjs');`,
    'lib/waits.mjs': 'await new Promise(setImmediate);',
  });
  await assert.rejects(load('index.handler'), { code: 'ERR_REQUIRE_ASYNC_MODULE' });
  assert.equal((globalThis as { evaluatedCount?: number }).evaluatedCount, 1);
  assert.deepEqual(imported, []);
});

test('an ES module found out by its syntax that imports one with a top-level await', async (t) => {
  assert.equal(
    await loaded(t, {
      'index.js': `import './lib/waits.mjs'; ${esm('it')}`,
      'lib/waits.mjs': 'await new Promise(setImmediate);',
    }),
    'it',
  );
});
