// The rules by which the parts depend on each other, read off the import lines, and a few rules that no linter knows.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { readSources, type SourceFile } from './support/source-files.ts';

const shipped = ['bootstrap', 'runtime', 'instrumentation'];
const sources = readSources([...shipped, 'layer', 'local']);
const tests = readSources(['test']);
const byPath = new Map(sources.map((file) => [file.path, file]));
const folderOf = (path: string): string => path.slice(0, path.indexOf('/'));
const isShipped = ({ path }: SourceFile): boolean => shipped.includes(folderOf(path));

/** Which files of other folders a folder may import, as prefixes of paths. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  bootstrap: ['runtime/', 'instrumentation/'],
  runtime: [],
  instrumentation: ['runtime/lifecycle.ts', 'runtime/handful.ts', 'runtime/untouched.ts'],
  // The build warms the bundles as start.cjs loads them, and makes pages of documentation from the tables.
  layer: [
    'bootstrap/settings/all-settings.ts',
    'bootstrap/bundle-script.ts',
    'bootstrap/host.ts',
    'bootstrap/settings/setting-kinds.ts',
    'bootstrap/settings/settings-docs.ts',
    'runtime/api/wire.ts',
    'runtime/error-docs.ts',
    'runtime/error-table.ts',
    'runtime/errors.ts',
    'instrumentation/triggers/documentation/',
    'instrumentation/triggers/rare-table.ts',
    'instrumentation/triggers/row.ts',
    'instrumentation/triggers/table.ts',
    'instrumentation/triggers/trigger.ts',
  ],
  // What writes a compile cache and what reads it must agree on where it lies and what it is valid for.
  local: [
    'runtime/api/wire.ts',
    'runtime/error-table.ts',
    'bootstrap/settings/settings-table.ts',
    'runtime/handler/compile-cache.ts',
    'runtime/handler/compile-cache-folder.ts',
  ],
};

test('there is something to look at', () => {
  for (const folder of Object.keys(allowed)) {
    const files = sources.filter(({ path }) => folderOf(path) === folder);
    assert.ok(files.length > 5, folder);
    assert.ok(
      files.some(({ imports }) => imports.length > 0),
      folder,
    );
  }
  assert.ok(byPath.get('bootstrap/main.ts')?.imports.some(({ file }) => file === 'runtime/loop.ts'));
});

for (const [folder, others] of Object.entries(allowed)) {
  test(`${folder} imports its own files${others.length === 0 ? '' : ` and ${others.length} places`} only`, () => {
    const offences = sources
      .filter(({ path }) => folderOf(path) === folder)
      .flatMap(({ path, imports }) =>
        imports
          .filter(({ file }) => file !== undefined && folderOf(file) !== folder)
          .filter(({ file }) => !others.some((other) => file!.startsWith(other)))
          .map(({ file }) => `${path} imports ${file}`),
      );
    assert.deepEqual(offences, []);
  });
}

test('runtime needs nothing but Node', () => {
  const packages = sources
    .filter(({ path }) => folderOf(path) === 'runtime')
    .flatMap(({ path, imports }) => imports.map(({ specifier }) => [path, specifier] as const))
    .filter(([, specifier]) => !specifier.startsWith('.') && !specifier.startsWith('node:'));
  assert.deepEqual(packages, []);
});

test('parts of Node are imported by their node: names, own files with their extension, and every file exists', () => {
  const offences = sources.flatMap(({ path, imports }) =>
    imports
      .filter(({ specifier, file }) =>
        file === undefined
          ? !/^(?:node:[a-z_/0-9]+|@?[a-z][\w.-]*(?:\/[\w.-]+)*)$/.test(specifier) || isPartOfNode(specifier)
          : !existsSync(new URL(`../${file}`, import.meta.url)),
      )
      .map(({ specifier }) => `${path} imports ${specifier}`),
  );
  assert.deepEqual(offences, []);
});

function isPartOfNode(specifier: string): boolean {
  return ['fs', 'http', 'https', 'net', 'path', 'url', 'util', 'os', 'crypto', 'stream', 'zlib', 'vm'].includes(
    specifier,
  );
}

test('there are no cycles, not even of types', () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) cycles.push([...trail.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    for (const { file } of byPath.get(path)?.imports ?? []) if (file !== undefined) visit(file, [...trail, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  assert.deepEqual(cycles, []);
});

/** In the one bundle that makes what it looks at. */
const MAY_ASK_FOR_A_CLASS = ['instrumentation/recorder.ts'];

test('in what is cut into bundles nobody asks whether something is of a class of ours: each bundle has a class of its own by that name', () => {
  const cut = sources.filter(({ path }) => folderOf(path) === 'instrumentation');
  const classes = cut.flatMap(({ text }) => [...text.matchAll(/\bclass (\w+)/g)].map(([, name]) => name!));
  assert.ok(classes.includes('RecordedSpan'));
  const offences = cut.flatMap(({ path, text }) =>
    [...text.matchAll(/\binstanceof (\w+)/g)]
      .filter(([, name]) => classes.includes(name!) && !MAY_ASK_FOR_A_CLASS.includes(path))
      .map(([what]) => `${path}: ${what}`),
  );
  assert.deepEqual(offences, []);
});

test('there are no barrels', () => {
  const offences = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^export\s+(?:\*|\{[^}]*\})\s+from/gm)].map(([line]) => `${path}: ${line}`),
  );
  assert.deepEqual(offences, []);
  assert.deepEqual(
    sources.filter(({ path }) => /\/index\.\w+$/.test(path)).map(({ path }) => path),
    [],
  );
});

test('files are named after what they are about', () => {
  const vague = /(?:^|[/-])(?:utils?|helpers?)(?:[/.]|$)|(?:^|\/)(?:common|misc|shared|types|constants)(?:[/.]|$)/;
  const offences = [...sources, ...tests]
    .map(({ path }) => path)
    .filter((path) => vague.test(path) || !/^[a-z0-9/.-]+$/.test(path));
  assert.deepEqual(offences, []);
});

test('no type says in its name only that it is a thing', () => {
  const vague = /\b(?:class|interface|type)\s+(\w*(?:Manager|Processor|Helper|Utils?|Service|Impl|Data|Info))\b/g;
  const offences = sources.flatMap(({ path, code }) => [...code.matchAll(vague)].map(([, name]) => `${path}: ${name}`));
  assert.deepEqual(offences, []);
});

/** Where shipped code touches what is global to the process; everybody else gets it handed in. */
const homes: readonly (readonly [what: string, pattern: RegExp, files: readonly string[]])[] = [
  ['process.env', /\bprocess\s*\.\s*env\b|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/, ['bootstrap/main.ts']],
  ['process.exit', /\bprocess\s*\.\s*exit\b/, ['bootstrap/process-guards.ts']],
  ['process.stdout', /\bprocess\s*\.\s*std(?:out|err)\b/, ['runtime/stdout.ts']],
  ['console', /\bconsole\s*\./, []],
];
for (const [what, pattern, files] of homes) {
  test(`${what} in shipped code has ${files.length === 0 ? 'no place' : `one home: ${files.join(', ')}`}`, () => {
    const found = sources.filter((file) => isShipped(file) && pattern.test(file.code)).map(({ path }) => path);
    assert.deepEqual(found, files);
  });
}

test('what fake timers and frozen clocks replace has one home: most bundles are evaluated after user code', () => {
  const direct =
    /\bDate\s*\.\s*now\b|\bMath\s*\.\s*random\b|\bnew\s+Date\b|\bprocess\s*\.\s*(?:nextTick|uptime|hrtime)\b|\bperformance\s*\.\s*now\b|\bglobalThis\s*\.\s*(?:set|clear)\w+\b/;
  const called = /(?<![\w.#])(?:(?:set|clear)(?:Timeout|Interval|Immediate)|queueMicrotask|nextTick|uptime)(?=\s*\()/g;
  const offences = sources.filter(isShipped).flatMap(({ path, text, code }) => {
    if (path === 'runtime/untouched.ts') return [];
    const imported = /^import \{([^}]*)\} from '[./]*(?:runtime\/)?untouched\.ts';$/m.exec(text)?.[1] ?? '';
    const names = imported.split(',').map((name) => name.trim());
    return [
      direct.exec(code)?.[0],
      ...[...code.matchAll(called)].map(([name]) => name).filter((n) => !names.includes(n)),
    ]
      .filter((what) => what !== undefined)
      .map((what) => `${path}: ${what}`);
  });
  // Its `performance` is openPerformance's.
  assert.deepEqual(offences, ['instrumentation/garbage-collections.ts: performance.now']);
});

test('no file is longer than 400 lines', () => {
  const offences = [...sources, ...tests]
    .filter(({ lines }) => lines > 400)
    .map(({ path, lines }) => `${path}: ${lines}`);
  assert.deepEqual(offences, []);
});

test('every source file begins by saying what it is', () => {
  const offences = sources.filter(({ text }) => !/^(?:#![^\n]*\n)?\/\/ \S/.test(text)).map(({ path }) => path);
  assert.deepEqual(offences, []);
});

/** What is evaluated on the way to the first response: everything `main` and `start` import, types left out. */
function reachableAtStart(): { readonly files: ReadonlySet<string>; readonly outside: ReadonlyMap<string, string> } {
  const files = new Set<string>();
  const outside = new Map<string, string>();
  const visit = (path: string): void => {
    if (files.has(path)) return;
    files.add(path);
    for (const { specifier, file, isType } of byPath.get(path)?.imports ?? []) {
      if (isType) continue;
      if (file === undefined) outside.set(specifier, path);
      else visit(file);
    }
  };
  visit('bootstrap/main.ts');
  visit('bootstrap/start.ts');
  return { files, outside };
}

/** Parts of Node that may be loaded at start, and what they cost there (Node 24 on x86_64, a fresh process). */
const loadedAtStart: Readonly<Record<string, string>> = {
  'node:async_hooks': 'in Node’s own snapshot',
  'node:diagnostics_channel': 'in Node’s own snapshot',
  'node:fs': 'in Node’s own snapshot',
  'node:path': 'in Node’s own snapshot',
  'node:url': 'in Node’s own snapshot',
  'node:util': 'in Node’s own snapshot',
  'node:module': 'loaded by Node’s CommonJS loader',
  'node:vm': 'loaded by Node’s CommonJS loader',
  'node:net': '2 ms: the sockets to the Lambda API; node:http, the alternative, takes 11 ms',
};

test('nothing is loaded at start but what is on the list, and everything on the list is', () => {
  const { files, outside } = reachableAtStart();
  assert.ok(files.has('runtime/api/runtime-api.ts') && files.has('instrumentation/recorder.ts'));
  const unknown = [...outside].filter(([specifier]) => !(specifier in loadedAtStart));
  assert.deepEqual(unknown, [], 'load it when it is first needed, or say here what it costs');
  assert.deepEqual([...outside.keys()].toSorted(), Object.keys(loadedAtStart).toSorted());
});

test('what belongs to a bundle of its own is not reachable at start', () => {
  const { files } = reachableAtStart();
  for (const lazy of [
    'instrumentation/recording.ts',
    'instrumentation/recorded-span.ts',
    'instrumentation/export/otlp/exporter.ts',
    'instrumentation/export/xray/exporter.ts',
    'instrumentation/opentelemetry/sdk.ts',
    'instrumentation/opentelemetry/api-version.ts',
    'instrumentation/outgoing/outgoing-tracer.ts',
    'instrumentation/outgoing/databases/official-instrumentations.ts',
  ]) {
    assert.ok(byPath.has(lazy), lazy);
    assert.equal(files.has(lazy), false, lazy);
  }
});
