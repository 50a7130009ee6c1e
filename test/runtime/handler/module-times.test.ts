// Modules as Node really loads them, each time in a process of its own: what is drawn of them, and that they cannot tell.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InitStep } from '../../../runtime/lifecycle.ts';
import { runModule, sourceUrl } from '../../support/child-process.ts';
import type { Scope } from '../../support/tcp-server.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

const BUSY = 'for (const end = performance.now() + 5; performance.now() < end; );';

type Outcome = { readonly steps: readonly InitStep[]; readonly said: unknown; readonly left: readonly string[] };

/** Loads `entry` of the folder as the runtime does; the module says what it finds by `globalThis.said`. */
async function load(
  scope: Scope,
  files: Readonly<Record<string, string>>,
  entry: string,
  prelude = '',
): Promise<Outcome> {
  const folder = makeFolder(scope, files);
  const isModule = entry.endsWith('.mjs') || entry.endsWith('.mts');
  const { stdout, stderr, code } = await runModule(`
    import { createRequire } from 'node:module';
    import Module from 'node:module';
    import { installPackageFallback } from '${sourceUrl('runtime/handler/package-fallback.ts')}';
    import { watchModules } from '${sourceUrl('runtime/handler/module-times.ts')}';
    const path = ${JSON.stringify(`${folder}/${entry}`)};
    const { load } = Module.prototype;
    ${prelude}
    const imports = installPackageFallback({ layerPackages: '/nowhere', nodePath: () => undefined });
    const times = watchModules(${JSON.stringify(folder)}, imports);
    try {
      if (${isModule}) await times.time(() => import(path));
      else createRequire(path)(path);
    } catch (error) {
      globalThis.said = { name: error.name, message: error.message, stack: error.stack };
    }
    const steps = times.stop();
    const left = [];
    if (Module.prototype.load !== load) left.push('load');
    if ('spanstrapEvaluated' in globalThis) left.push('the mark');
    console.log(JSON.stringify({ steps, left, said: globalThis.said }));
  `);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1)!);
}

/** Names as a tree; their times are Node's. */
const names = (steps: readonly InitStep[] = []): unknown[] =>
  steps.map(({ name, steps: inside }) =>
    inside === undefined || inside.length === 0 ? name : [name, ...names(inside)],
  );

function assertNested(steps: readonly InitStep[], from = 0, to = Number.POSITIVE_INFINITY): void {
  for (const { name, startedAt, endedAt, steps: inside } of steps) {
    assert.ok(startedAt >= from && endedAt <= to && endedAt > startedAt, name);
    assertNested(inside ?? [], startedAt, endedAt);
  }
}

/** What is read in less than 3 ms on one machine takes more on another: only the evaluation is looked at. */
const evaluationOf = ({ steps }: Outcome): InitStep | undefined => steps.find(({ name }) => name === 'evaluation');

test('a tree of require', async (t) => {
  const files = {
    'index.js': `require('./lib/slow.js'); require('pkg'); ${BUSY}`,
    'lib/slow.js': `${BUSY} require('./inner.js');`,
    'lib/inner.js': BUSY,
    'node_modules/pkg/package.json': '{"main":"main.js"}',
    'node_modules/pkg/main.js': BUSY,
  };
  const { steps, left } = await load(t, files, 'index.js');
  assert.deepEqual(names(steps), [['index.js', ['lib/slow.js', 'lib/inner.js'], 'pkg/main.js']]);
  assertNested(steps);
  assert.deepEqual(left, []);
});

test('a graph of import with CommonJS in it, and top-level await', async (t) => {
  const files = {
    'index.mjs': `import './slow.mjs'; import 'pkg'; await new Promise((resolve) => setTimeout(resolve, 100)); export const handler = 1;`,
    'slow.mjs': `import './inner.mjs'; ${BUSY}`,
    'inner.mjs': BUSY,
    'node_modules/pkg/package.json': '{"main":"main.js"}',
    'node_modules/pkg/main.js': `require('./part.js'); ${BUSY}`,
    'node_modules/pkg/part.js': BUSY,
  };
  const outcome = await load(t, files, 'index.mjs');
  assert.deepEqual(names([evaluationOf(outcome)!]), [
    ['evaluation', ['index.mjs', ['slow.mjs', 'inner.mjs'], ['pkg/main.js', 'pkg/part.js']], 'top-level await'],
  ]);
  assertNested(outcome.steps);
  assert.deepEqual(outcome.left, []);
});

test('without top-level await there is none in the picture', async (t) => {
  const outcome = await load(t, { 'index.mjs': `${BUSY} setTimeout(() => {}, 50);` }, 'index.mjs');
  assert.deepEqual(names([evaluationOf(outcome)!]), [['evaluation', 'index.mjs']]);
});

test('cycles, imports at run time and require of an ES module', async (t) => {
  const files = {
    'index.mjs': `import { a } from './a.mjs'; export let own = 1; await import('./late.mjs'); import { createRequire } from 'node:module'; createRequire(import.meta.url)('./old.cjs'); globalThis.said = a();`,
    'a.mjs': `import { own } from './index.mjs'; ${BUSY} export const a = () => own;`,
    'late.mjs': BUSY,
    'old.cjs': `require('./esm.mjs'); ${BUSY}`,
    'esm.mjs': `${BUSY} export default 1;`,
  };
  const outcome = await load(t, files, 'index.mjs');
  assert.equal(outcome.said, 1);
  const drawn = JSON.stringify(names([evaluationOf(outcome)!]));
  for (const name of ['index.mjs', 'a.mjs', 'late.mjs', 'old.cjs', 'esm.mjs'])
    assert.match(drawn, new RegExp(`"${name}"`));
});

test('a module cannot tell that it is timed: lines of errors, its own text, its exports, its globals', async (t) => {
  const files = {
    'index.mjs': [
      `import * as self from './index.mjs';`,
      `export default function handler() {}`,
      `export const frame = new Error('x').stack.split('\\n')[1].replace(/.*index/, 'index');`,
      `globalThis.said = { frame, text: handler.toString(), exports: Object.keys(self), globals: Object.keys(globalThis).length };`,
      `// no line end`,
    ].join('\n'),
  };
  const { said } = await load(t, files, 'index.mjs');
  const { globals, ...rest } = said as { globals: number };
  assert.deepEqual(rest, {
    frame: 'index.mjs:3:22',
    text: 'function handler() {}',
    exports: ['default', 'frame'],
  });
  const unwatched = await load(t, files, 'index.mjs', 'await import(path); const before = globalThis.said;');
  assert.equal((unwatched.said as { globals: number }).globals, globals);
});

test('whatever a module ends with, it means the same', async (t) => {
  const endings = [
    '',
    '\n',
    ';',
    '// comment',
    '/* comment */',
    '//# sourceMappingURL=x.js.map',
    'export default 1',
    'export default () => said',
    'export default function () {}',
    'export default class {}',
    'const x = 1\nx',
    'let y\ny\n++y',
    'export { said as default }',
    'if (false) { }',
    'label: for (;;) break label',
    '`template`',
    'export * from "./other.mjs"',
  ];
  const files: Record<string, string> = { 'other.mjs': 'export const other = 1;' };
  for (const [at, ending] of endings.entries())
    files[`m${at}.mjs`] = `const said = ${at};\nexport const number = said;\n${ending}`;
  const imports = endings.map((_, at) => `import { number as n${at} } from './m${at}.mjs';`).join('\n');
  files['index.mjs'] = `${imports}\nglobalThis.said = [${endings.map((_, at) => `n${at}`).join()}];`;
  const { said } = await load(t, files, 'index.mjs');
  assert.deepEqual(said, [...endings.keys()]);
});

test('what is no complete module does not become one', async (t) => {
  for (const ending of [
    'if (globalThis)',
    'while (false)',
    'const a =',
    'a +',
    'foo(',
    '{',
    '`',
    '/* ',
    'else',
    'export default',
    'label:',
    'do',
  ]) {
    const files = { 'index.mjs': `globalThis.said = 'evaluated';\n${ending}` };
    const { said } = await load(t, files, 'index.mjs');
    const { name, message } = said as { name: string; message: string };
    const path = JSON.stringify(`${makeFolder(t, files)}/index.mjs`);
    const untimed = await runModule(`await import(${path}).catch(({ message }) => console.log(message));`);
    assert.deepEqual([name, message], ['SyntaxError', untimed.stdout.trim()], ending);
  }
});

test('a module below that is not complete has its own error as well, and nothing is evaluated twice', async (t) => {
  const prelude = 'globalThis.count = 0;';
  const unclosed = 'export const open = () => {';
  const below = await load(t, { 'index.mjs': `import './a.mjs';`, 'a.mjs': unclosed }, 'index.mjs', prelude);
  assert.equal((below.said as { message: string }).message, 'Unexpected end of input');
  const files = {
    'index.mjs': `import './a.cjs'; if (++count > 0) throw new SyntaxError('mine ' + count);`,
    'a.cjs': '++count',
  };
  const { said, left } = await load(t, files, 'index.mjs', prelude);
  assert.equal((said as { message: string }).message, 'mine 2');
  assert.deepEqual(left, []);
});

test('a module that throws: its own error, and what was evaluated before it is kept', async (t) => {
  const files = { 'index.mjs': `import './a.mjs';\nthrow new RangeError('mine');`, 'a.mjs': BUSY };
  const { said, left } = await load(t, files, 'index.mjs');
  const { name, message, stack } = said as { name: string; message: string; stack: string };
  assert.deepEqual([name, message], ['RangeError', 'mine']);
  assert.match(stack, /index\.mjs:2:7/);
  assert.deepEqual(left, []);
  const commonJs = await load(
    t,
    { 'index.js': `require('./a.js');`, 'a.js': 'throw new RangeError("mine");' },
    'index.js',
  );
  assert.equal((commonJs.said as { message: string }).message, 'mine');
  assert.deepEqual(commonJs.left, []);
});

test('TypeScript, JSON and modules found out by their syntax are loaded as ever', async (t) => {
  const files = {
    'index.mjs': `import { a } from './typed.mts'; import data from './data.json' with { type: 'json' }; import { b } from './plain.js'; globalThis.said = [a, data.x, b];`,
    'typed.mts': 'export const a: number = 1;',
    'data.json': '{"x":2}',
    'package.json': '{}',
    'plain.js': 'export const b = 3;',
  };
  assert.deepEqual((await load(t, files, 'index.mjs')).said, [1, 2, 3]);
});

test('beside a compile cache of the user’s own the sources stay as they are: the graph is timed as a whole', async (t) => {
  const prelude = `import { enableCompileCache } from 'node:module'; enableCompileCache(${JSON.stringify('/tmp')} + '/spanstrap-test-' + process.pid);`;
  const files = {
    'index.mjs': `import './a.mjs'; globalThis.said = typeof spanstrapEvaluated;`,
    'a.mjs': BUSY,
  };
  const outcome = await load(t, files, 'index.mjs', prelude);
  assert.equal(outcome.said, 'undefined');
  assert.deepEqual(names([evaluationOf(outcome)!]), ['evaluation']);
});

test('somebody who replaces Module.prototype.load in turn keeps it', async (t) => {
  const files = {
    'index.js': `const Module = require('module'); const { load } = Module.prototype; Module.prototype.load = function (name) { globalThis.said = name.replace(/.*\\//, ''); return load.call(this, name); }; require('./a.js');`,
    'a.js': BUSY,
  };
  const { said, left, steps } = await load(t, files, 'index.js');
  assert.equal(said, 'a.js');
  assert.deepEqual(left, ['load'], 'it is theirs');
  assert.deepEqual(names(steps), [['index.js', 'a.js']]);
});
