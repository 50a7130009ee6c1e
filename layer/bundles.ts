// The JavaScript of the layer: which bundles there are and how esbuild makes them. They are the same for every architecture.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import type { BundleName as LazyBundleName } from '../bootstrap/host.ts';
import { BuildError } from './progress.ts';

export const PROJECT_FOLDER = dirname(dirname(fileURLToPath(import.meta.url)));

/** `start` is what Node runs; the others are loaded by it, each with a V8 code cache. */
export const bundleEntries = {
  start: 'bootstrap/start.ts',
  runtime: 'bootstrap/main.ts',
  recording: 'bootstrap/open-recording.ts',
  outlet: 'bootstrap/open-outlet.ts',
  xray: 'bootstrap/open-xray.ts',
  otlp: 'bootstrap/open-otlp.ts',
  'otlp-json': 'bootstrap/open-otlp-json.ts',
  'otlp-grpc': 'bootstrap/open-otlp-grpc.ts',
  'otlp-stdout': 'bootstrap/open-stdout.ts',
  console: 'instrumentation/export/console/exporter.ts',
  opentelemetry: 'bootstrap/open-sdk.ts',
  'configure-hooks': 'bootstrap/open-configure-hooks.ts',
  'code-api': 'instrumentation/code-api/code-api.ts',
  'api-version': 'instrumentation/opentelemetry/api-version.ts',
  outgoing: 'instrumentation/outgoing/outgoing-tracer.ts',
  'client-modules': 'instrumentation/outgoing/databases/client-modules.ts',
  databases: 'instrumentation/outgoing/databases/official-instrumentations.ts',
  routes: 'instrumentation/routes/router-hooks.ts',
  triggers: 'instrumentation/triggers/recognition.ts',
  contexts: 'instrumentation/foreign-contexts.ts',
  extractor: 'instrumentation/context-extractor.ts',
  // Not loaded by start.cjs: a worker is started with it.
  watchdog: 'bootstrap/watchdog-thread.ts',
  streaming: 'runtime/streamed-answer.ts',
  concurrency: 'runtime/concurrent-serving.ts',
  'error-cause': 'runtime/error-cause.ts',
  secret: 'bootstrap/open-secret.ts',
  'settings-file': 'bootstrap/settings/settings-file.ts',
  'settings-check': 'bootstrap/settings/settings-check.ts',
  doctor: 'bootstrap/doctor/open-doctor.ts',
} as const satisfies Record<'start' | 'runtime' | 'watchdog' | LazyBundleName, string>;

export type BundleName = string;

export type Bundle = {
  readonly name: BundleName;
  /** ASCII only: the loader reads it as latin1. */
  readonly code: Uint8Array;
  readonly metafile: Metafile;
};

export type BundleConstants = { readonly version: string; readonly nodeVersion: string };

const standIn = (name: string): string => join(PROJECT_FOLDER, 'layer/stand-ins', `${name}.ts`);

/**
 * Resolves OpenTelemetry's packages from the project, so that each is there once: dependants pin a patch version each, and the
 * tree then holds, say, core 3.1.0 below core 3.1.1. A package that the project does not have is left where it was found.
 */
const singleCopy: Plugin = {
  name: 'single-copy',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@opentelemetry\// }, async ({ path, kind, pluginData }) => {
      if (pluginData === singleCopy || !existsSync(join(PROJECT_FOLDER, 'node_modules', path))) return undefined;
      return resolve(path, { kind, resolveDir: PROJECT_FOLDER, pluginData: singleCopy });
    });
  },
};

/**
 * Leaves out the resource detectors' search for a machine id, which nobody calls here. Its `import()` of further modules makes
 * esbuild wrap all of @opentelemetry/api in functions for late evaluation.
 */
const noMachineId: Plugin = {
  name: 'no-machine-id',
  setup({ onLoad }) {
    onLoad({ filter: /@opentelemetry\/resources\/.*\/getMachineId\.mjs$/ }, () => ({
      contents: 'export const getMachineId = () => Promise.resolve(undefined);',
    }));
  },
};

/**
 * Writes the constants of @opentelemetry/semantic-conventions where CommonJS packages use them: of such packages esbuild can leave
 * nothing out, and the constants would be most of the bundle.
 */
const inlinedConstants: Plugin = {
  name: 'inlined-constants',
  setup({ onLoad }) {
    onLoad(
      { filter: /@opentelemetry\/(?:instrumentation|sql-common|redis-common|core)\b.*\.c?js$/ },
      async ({ path }) => {
        const text = await readFile(path, 'utf8');
        const [statement, name] =
          /(?:const|let) (\w+) = require\("@opentelemetry\/semantic-conventions"\);/.exec(text) ?? [];
        if (statement === undefined || name === undefined) return undefined;
        const constants = createRequire(path)('@opentelemetry/semantic-conventions') as Readonly<
          Record<string, string>
        >;
        const contents = text
          .replace(statement, '')
          .replaceAll(
            new RegExp(`\\b${name}\\.(\\w+)`, 'g'),
            (use, constant) => JSON.stringify(constants[constant]) ?? use,
          );
        return contents.includes(name) ? undefined : { contents };
      },
    );
  },
};

/**
 * Gives OpenTelemetry's SDK the time as it is: its bundle is evaluated after user code, which may have frozen the clock. What a module
 * does not use of it esbuild leaves out.
 */
const untouchedTime: Plugin = {
  name: 'untouched-time',
  setup({ onLoad, onResolve }) {
    // A whole path would stand in what the build writes.
    onResolve({ filter: /^own:/ }, ({ path }) => ({ path: join(PROJECT_FOLDER, path.slice('own:'.length)) }));
    onLoad({ filter: /@opentelemetry\/(?:core|sdk-trace)\/.*\.mjs$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!/\b(?:performance|Date|setTimeout)\b/.test(text)) return undefined;
      return {
        contents: `import { openPerformance } from 'own:instrumentation/performance-clock.ts';
          import { RealDate as Date, clearTimeout, setTimeout, wallNow } from 'own:runtime/untouched.ts';
          const performance = /* @__PURE__ */ openPerformance();
          ${text.replaceAll('Date.now()', 'wallNow()')}`,
      };
    });
  },
};

const sharedOptions = {
  absWorkingDir: PROJECT_FOLDER,
  bundle: true,
  platform: 'node',
  // Without `module` first esbuild takes the CommonJS builds for node, which it cannot shake: 2.3 times the start time.
  mainFields: ['module', 'main'],
  conditions: ['module', 'import'],
  alias: {
    // package.json has the SDK under its former name; its dependants ask for the present one. One copy must be left.
    '@opentelemetry/sdk-trace-base': '@opentelemetry/sdk-trace',
    'require-in-the-middle': standIn('require-in-the-middle'),
    'import-in-the-middle': standIn('import-in-the-middle'),
  },
  plugins: [singleCopy, noMachineId, inlinedConstants, untouchedTime],
  minifySyntax: true,
  minifyWhitespace: true,
  // Start to first poll 30.9 ms, with long names 31.8, with esbuild's keepNames 33.7 against 32.8 (medians of 40 and 60 interleaved
  // starts). Names of methods stay in stack traces; an error's `name` must be set, not derived from its class.
  minifyIdentifiers: true,
  // Node prints the whole source line of an uncaught error: one of 100 kB buries the log.
  lineLimit: 160,
  charset: 'ascii',
  legalComments: 'none',
  metafile: true,
  write: false,
  logLevel: 'silent',
} as const satisfies BuildOptions;

const runEsbuild = async (what: string, options: BuildOptions): Promise<{ code: Uint8Array; metafile: Metafile }> => {
  try {
    const result = await build(options);
    return { code: result.outputFiles![0]!.contents, metafile: result.metafile! };
  } catch (error) {
    const messages = (error as { errors?: { text: string; location: { file: string; line: number } | null }[] }).errors;
    if (messages === undefined || messages.length === 0) throw error;
    const lines = messages.map(({ text, location }) =>
      location ? `${location.file}:${location.line}: ${text}` : text,
    );
    throw new BuildError(
      `esbuild could not bundle ${what}:\n  ${lines.join('\n  ')}`,
      'npm run check, which names the cause in most cases',
    );
  }
};

/**
 * Where esbuild's own helper defines a bundle's exports it walks over what `Object.prototype` has as well. Most bundles are evaluated
 * after user code, which may have put something there.
 */
const ownExportsOnly = (code: Uint8Array): Uint8Array =>
  Buffer.from(
    Buffer.from(code)
      .toString('latin1')
      .replace(
        /for\s*\(var\s([\w$]+)\sin\s([\w$]+)\s*\)(?=\s*[\w$]+\s*\(\s*[\w$]+\s*,\s*\1\s*,\s*\{\s*get\s*:)/,
        'for(var $1 of Object.keys($2))',
      ),
    'latin1',
  );

/** One bundle in the form in which start.cjs loads it. `entry` is relative to the project. */
export const buildBundle = async (name: BundleName, entry: string, constants: BundleConstants): Promise<Bundle> => {
  const { code, metafile } = await runEsbuild(entry, {
    ...sharedOptions,
    format: 'cjs',
    target: `node${constants.nodeVersion.split('.')[0]}`,
    entryPoints: [entry],
    outfile: `${name}.cjs`,
    define: {
      __SPANSTRAP_VERSION__: JSON.stringify(constants.version),
      __SPANSTRAP_NODE_VERSION__: JSON.stringify(constants.nodeVersion),
    },
  });
  return { name, code: ownExportsOnly(code), metafile };
};

/** All bundles of the layer. */
export const buildLayerBundles = (constants: BundleConstants): Promise<Bundle[]> =>
  Promise.all(Object.entries(bundleEntries).map(([name, entry]) => buildBundle(name, entry, constants)));

/** The command line tool as one file with everything it needs inside; it runs on the shell's Node. */
export const buildCommandLine = (
  entry: string,
  constants: BundleConstants,
): Promise<Pick<Bundle, 'code' | 'metafile'>> =>
  runEsbuild(entry, {
    ...sharedOptions,
    format: 'esm',
    target: 'node20',
    minifySyntax: false,
    minifyWhitespace: false,
    entryPoints: [entry],
    outfile: 'cli.mjs',
    // CommonJS dependencies call require() for built-ins.
    banner: {
      js: "#!/usr/bin/env node\nimport { createRequire as createRequireForBundle } from 'node:module';\nconst require = createRequireForBundle(import.meta.url);",
    },
    define: {
      __SPANSTRAP_VERSION__: JSON.stringify(constants.version),
      __SPANSTRAP_NODE_VERSION__: JSON.stringify(constants.nodeVersion),
    },
  });
