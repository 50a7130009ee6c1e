// What is loaded when the runtime polls for the first time: Node's own modules beyond those of an empty program, and bundles of the
// layer. Each costs every cold start; one that is not in the list needs a reason to be there.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startEmulator } from '../../local/emulator/emulator.ts';
import { BOOTSTRAP, LAYER_FOLDER } from '../support/built-layer.ts';
import { makeFolder } from '../support/temporary-folder.ts';

/** Reason -> what Node loads for it, whether we ask for it by name or Node does. */
const allowedBuiltins: Readonly<Record<string, readonly string[]>> = {
  'the socket to the Runtime and Extensions API': [
    'net',
    'internal/stream_base_commons',
    // The histogram of `net`'s performance entries.
    'internal/perf/performance_entry',
    'internal/perf/observe',
  ],
  'streams, which net is made of': [
    'stream',
    'stream/promises',
    'string_decoder',
    'internal/abort_controller',
    'internal/streams/add-abort-signal',
    'internal/streams/compose',
    'internal/streams/destroy',
    'internal/streams/duplex',
    'internal/streams/duplexpair',
    'internal/streams/end-of-stream',
    'internal/streams/from',
    'internal/streams/legacy',
    'internal/streams/operators',
    'internal/streams/passthrough',
    'internal/streams/pipeline',
    'internal/streams/readable',
    'internal/streams/state',
    'internal/streams/transform',
    'internal/streams/writable',
  ],
  'bundles are scripts with a code cache': ['vm'],
  'the hook that finds packages of layers': ['module', 'internal/source_map/source_map'],
};

/** Only where invocations are traced. */
const allowedForTracing: typeof allowedBuiltins = {
  'the active span is kept in an AsyncLocalStorage': [
    'internal/async_local_storage/async_context_frame',
    'internal/async_local_storage/run_scope',
  ],
};

const allowedBundles = ['start.cjs', 'runtime.cjs'];

/** Prints what is loaded when it gets SIGUSR2, and loads what it needs for that only then. */
const LISTENER = `
process.once('SIGUSR2', () => {
  const builtins = process.moduleLoadList.flatMap((entry) => /^NativeModule (.+)/.exec(entry)?.[1] ?? []);
  const { Session } = require('node:inspector');
  const session = new Session();
  const scripts = [];
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url));
  session.post('Debugger.enable');
  require('node:fs').writeSync(1, JSON.stringify({ builtins, scripts }) + '\\n');
});
`;

type Loaded = { readonly builtins: readonly string[]; readonly scripts: readonly string[] };

/** What the layer's Node loads by itself. */
function listEmptyProgram(folder: string): ReadonlySet<string> {
  const { stdout, stderr } = spawnSync(join(LAYER_FOLDER, 'bin/node'), [join(folder, 'empty.js')], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  return new Set((JSON.parse(stdout) as Loaded).builtins);
}

async function listAtFirstPoll(t: TestContext, environment: Readonly<Record<string, string>>): Promise<Loaded> {
  const folder = makeFolder(t, {
    'index.js': `${LISTENER}exports.handler = async () => 'ok';`,
    'empty.js': `${LISTENER}process.emit('SIGUSR2');`,
  });
  const empty = listEmptyProgram(folder);
  await using emulator = await startEmulator({
    bootstrap: BOOTSTRAP,
    taskRoot: folder,
    handler: 'index.handler',
    // Nothing is sent before the first invocation.
    xrayDaemonAddress: '127.0.0.1:2000',
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', ...environment },
  });
  await emulator.init();
  emulator.kill('SIGUSR2');
  const line = await emulator.waitFor(() => emulator.logs.find((text) => text.startsWith('{"builtins"')), {
    what: 'the list of what is loaded',
  });
  const { builtins, scripts } = JSON.parse(line) as Loaded;
  return {
    builtins: builtins.filter((name) => !empty.has(name)).sort(),
    scripts: scripts.flatMap((url) => {
      const file = url.startsWith('file:') ? fileURLToPath(url) : url;
      return file.startsWith(`${LAYER_FOLDER}/`) ? file.slice(file.lastIndexOf('/') + 1) : [];
    }),
  };
}

const namesIn = (...lists: (typeof allowedBuiltins)[]): string[] =>
  lists.flatMap((list) => Object.values(list).flat()).sort();

const ADVICE =
  'load it later, or add it with its reason; one that is not loaded any more is to be taken out of the list';

test('traced over X-Ray and OTLP: the runtime’s bundle, a socket, and nothing of exporters or the SDK', async (t) => {
  const { builtins, scripts } = await listAtFirstPoll(t, {});
  assert.deepEqual(scripts, allowedBundles, ADVICE);
  assert.deepEqual(builtins, namesIn(allowedBuiltins, allowedForTracing), ADVICE);
});

test('tracing off: less', async (t) => {
  const { builtins, scripts } = await listAtFirstPoll(t, { SPANSTRAP_DISABLED: '1' });
  assert.deepEqual(scripts, allowedBundles, ADVICE);
  assert.deepEqual(builtins, namesIn(allowedBuiltins), ADVICE);
});
