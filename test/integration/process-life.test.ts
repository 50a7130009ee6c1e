// The process around the handler: how it starts, what user code may do to it without disturbing the runtime, how it ends.

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LAYER_FOLDER } from '../support/built-layer.ts';
import { startFunction } from '../support/function-under-test.ts';
import { startHttpServer } from '../support/http-server.ts';

const ECHO = { 'index.mjs': 'export const handler = async (event) => event;' };

test('P1: gc is a function without a flag, collects, can be replaced, and leaves V8’s flags as they were', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `
        import { setFlagsFromString } from 'node:v8';
        import { Script } from 'node:vm';
        const cache = () => new Script('function f() { return 1; } f();');
        const before = cache().createCachedData();
        export const handler = async () => {
          const reference = new WeakRef({});
          await new Promise((resolve) => setTimeout(resolve, 1));
          const isFunction = typeof globalThis.gc === 'function';
          globalThis.gc();
          const isRejected = new Script('function f() { return 1; } f();', { cachedData: before }).cachedDataRejected;
          const isCollected = reference.deref() === undefined;
          globalThis.gc = 'mine';
          return { isFunction, isCollected, isRejected, replaced: globalThis.gc, isInContext: 'gc' in globalThis };
        };`,
    },
  });
  assert.deepEqual((await fn.invoke({})).json(), {
    isFunction: true,
    isCollected: true,
    isRejected: false,
    replaced: 'mine',
    isInContext: true,
  });
});

test('P1 P6: NODE_OPTIONS with --expose-gc and memory flags of the function’s own', async () => {
  await using fn = await startFunction({
    files: { 'index.mjs': 'export const handler = async () => [typeof gc, process.execArgv];' },
    environment: { NODE_OPTIONS: '--expose-gc --max-old-space-size=300' },
    memoryMb: 1024,
  });
  const [kind, flags] = (await fn.invoke({})).json() as [string, string[]];
  assert.equal(kind, 'function');
  assert.deepEqual(
    flags.filter((flag) => flag.startsWith('--max')),
    ['--max-http-header-size', '--max-semi-space-size=51'],
  );
});

for (const [what, mode, exitCode] of [
  ['missing', undefined, 127],
  ['not executable', 0o644, 126],
] as const) {
  test(`P6: an AWS_LAMBDA_EXEC_WRAPPER that is ${what} ends with ${exitCode}`, async () => {
    await using fn = await startFunction({
      files: ECHO,
      platformEnvironment: { AWS_LAMBDA_EXEC_WRAPPER: './wrapper' },
    });
    if (mode !== undefined) writeFileSync(join(fn.taskRoot, 'wrapper'), '#!/bin/sh\n', { mode });
    const result = await fn.invoke({});
    assert.equal(result.status, 'crash');
    assert.match(result.text, new RegExp(`exit status ${exitCode}"`));
  });
}

test('P6: a wrapper written for the managed runtimes gets node, its flags and the file, and may add its own', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs':
        'export const handler = async () => [process.env.FROM_WRAPPER, process.execArgv.includes("--no-deprecation")];',
    },
    platformEnvironment: { AWS_LAMBDA_EXEC_WRAPPER: './wrapper' },
  });
  const wrapper = join(fn.taskRoot, 'wrapper');
  writeFileSync(
    wrapper,
    `#!/bin/bash
args=("$@")
extra_args=("--no-deprecation")
args=("\${args[@]:0:$#-1}" "\${extra_args[@]}" "\${args[@]: -1}")
export FROM_WRAPPER=yes
exec "\${args[@]}"
`,
  );
  chmodSync(wrapper, 0o755);
  assert.deepEqual((await fn.invoke({})).json(), ['yes', true]);
});

test('P25 P31: a syntax error in a module that is imported: the log has its file and line, as Node prints them', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import './broken.mjs'; export const handler = 1;`,
      'broken.mjs': 'const fine = 1;\nconst = 2;',
    },
  });
  const result = await fn.invoke({});
  assert.equal((result.json() as { errorType: string }).errorType, 'Runtime.UserCodeSyntaxError');
  assert.match(fn.emulator.logs.join('\n'), /^file:\/\/\S+\/broken\.mjs:2\nconst = 2;\n +\^$/m);
});

test('a function that has used up its file descriptors: its error is logged and answered, and the process lives on', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const { closeSync, openSync } = require('node:fs');
        const opened = [];
        exports.handler = async ({ closes }) => {
          if (closes) return opened.splice(0).map((fd) => closeSync(fd)).length > 0;
          for (;;) opened.push(openSync('/dev/null'));
        };`,
    },
    command: ['/bin/sh', '-c', `ulimit -n 100; exec ${LAYER_FOLDER}/bootstrap`],
    layerRoot: LAYER_FOLDER,
  });
  const failed = await fn.invoke({});
  assert.equal(failed.status, 'error');
  assert.match(failed.text, /EMFILE: too many open files, open '\/dev\/null'/);
  assert.ok(fn.emulator.logs.some((line) => line.includes('Invoke Error') && line.includes('EMFILE')));
  const next = await fn.invoke({ closes: true });
  assert.deepEqual([next.text, next.cold], ['true', false]);
  // What could not be loaded then can be now.
  assert.equal((await fn.invoke({})).status, 'error');
});

test('P74: SIGTERM while idle, and during a handler: what is recorded is flushed, then the process ends with 0', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs':
        'export const handler = async ({ waits }) => { if (waits) await new Promise(() => setTimeout(() => {}, 60_000)); };',
    },
  });
  await fn.invoke({});
  assert.deepEqual(
    { ...(await fn.emulator.shutdown('spindown')), tookMs: 0 },
    { exitCode: 0, signal: null, tookMs: 0, gotSigterm: true },
  );
  const running = fn.emulator.invoke({ waits: true }).catch(() => {});
  await fn.emulator.waitFor(() => fn.emulator.state?.runtime === 'Running', { what: 'a running handler' });
  const report = await fn.emulator.shutdown('spindown');
  assert.equal(report!.exitCode, 0);
  await running;
});

test('P72: an exception behind the answer: the platform does not take the dying process for ready, and starts a new one', async (t) => {
  const thrown = Promise.withResolvers<void>();
  // The flush is under way when the exception comes.
  const collector = await startHttpServer(t, (_request, response) => {
    void thrown.promise.then(() => response.end());
  });
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = async ({ throws }) => {
        if (throws) setTimeout(() => { throw new Error('behind the answer'); }, 50);
      };`,
    },
    otlp: false,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}` },
    onLine: (line) => {
      if (line.includes('Uncaught Exception')) thrown.resolve();
    },
  });
  assert.equal((await fn.emulator.invoke({ throws: true })).status, 'success');
  const next = await fn.emulator.invoke({});
  assert.equal(next.status, 'success');
  assert.equal(next.cold, true);
});

test('P74: timers and sockets of the function are left alone', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { createServer } from 'node:net';
        let ticks = 0;
        setInterval(() => ticks++, 1);
        const server = createServer().listen(0);
        export const handler = async () => { await new Promise((resolve) => setTimeout(resolve, 20)); return [ticks > 0, server.listening]; };`,
    },
  });
  for (const _ of [1, 2]) assert.deepEqual((await fn.invoke({})).json(), [true, true]);
});

test('P86: lines are out when the process exits, however many', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = async () => { for (let n = 0; n < 5000; n++) console.log('line', n, 'x'.repeat(100)); process.exit(4); };`,
    },
  });
  const result = await fn.emulator.invoke({});
  assert.equal(result.status, 'crash');
  await result.idle;
  assert.deepEqual(
    fn.emulator.logs.filter((line) => !line.includes('line ')),
    [],
  );
  assert.equal(fn.emulator.logs.length, 5000);
});

/** What tools do to a process, one after the other in one function. */
const MEDDLING = {
  'index.js': `
    const http = require('node:http');
    const https = require('node:https');
    const net = require('node:net');
    let calls = 0;
    for (const module of [http, https]) {
      for (const name of ['request', 'get']) {
        const original = module[name];
        module[name] = function (...args) { calls++; return original.apply(this, args); };
      }
      module.globalAgent = new module.Agent({ keepAlive: false, maxSockets: 1 });
      module.Agent = class { constructor() { throw new Error('no agents'); } };
    }
    const RealDate = Date;
    globalThis.Date = class extends RealDate { constructor(...args) { super(...(args.length ? args : [0])); } static now() { return 0; } };
    globalThis.setTimeout = globalThis.setInterval = globalThis.setImmediate = () => { throw new Error('mocked timers'); };
    globalThis.clearTimeout = globalThis.queueMicrotask = () => { throw new Error('mocked timers'); };
    performance.now = () => 0;
    JSON.stringify = () => { throw new Error('mocked JSON'); };
    JSON.parse = () => { throw new Error('mocked JSON'); };
    Object.prototype.toJSON = function () { return 'polluted'; };
    exports.handler = async (event, context) => {
      if (event.fails) throw new RangeError('as asked');
      return [calls, event.n, typeof context.getRemainingTimeInMillis()].join();
    };`,
};

for (const isTraced of [false, true]) {
  test(`P106 P107: patched http, mocked clocks, timers and built-ins change nothing, tracing ${isTraced ? 'on' : 'off'}`, async () => {
    await using fn = await startFunction({
      files: MEDDLING,
      environment: {
        HTTP_PROXY: 'http://127.0.0.1:9',
        http_proxy: 'http://127.0.0.1:9',
        HTTPS_PROXY: 'http://127.0.0.1:9',
        ALL_PROXY: 'http://127.0.0.1:9',
        NODE_USE_ENV_PROXY: '1',
      },
      otlp: false,
      xray: isTraced,
      timeoutMs: 5000,
    });
    for (const n of [1, 2, 3]) {
      const result = await fn.invoke({ n });
      assert.equal(result.status, 'success', result.text);
      assert.equal(result.text, `"0,${n},number"`);
    }
    const failed = await fn.invoke({ fails: true });
    assert.equal(failed.errorType, 'RangeError');
    assert.equal(fn.emulator.generation, 1);
    if (isTraced) assert.deepEqual(fn.xray.violations, []);
  });
}

test('P107: an APM tool that patches http before the runtime starts sees none of its calls, and makes no spans of them', async () => {
  await using fn = await startFunction({
    files: {
      ...ECHO,
      'apm.cjs': `
        const http = require('node:http');
        const seen = (globalThis.seen = []);
        const original = http.request;
        http.request = function (...args) { seen.push(String(args[0]?.path ?? args[0])); return original.apply(this, args); };`,
      'index.mjs': 'export const handler = async () => globalThis.seen;',
    },
    environment: { NODE_OPTIONS: '--require ./apm.cjs' },
    otlp: false,
  });
  for (const _ of [1, 2]) assert.deepEqual((await fn.invoke({})).json(), []);
});

test('P106: the API is called at the address of the variable, with a name of our own', async () => {
  await using fn = await startFunction({ files: ECHO });
  await fn.invoke({});
  const [call] = fn.emulator.transcript;
  assert.equal(call!.headers.host, fn.emulator.runtimeApi);
  assert.match(`${call!.headers['user-agent']}`, /^spanstrap\/\d/);
});

test('P9: variables of the platform that are missing: the context has undefined, and a missing _HANDLER fails init', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs':
        'export const handler = async (event, context) => [context.functionName, context.memoryLimitInMB].map((one) => one ?? null);',
    },
    platformEnvironment: { AWS_LAMBDA_FUNCTION_NAME: undefined, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: undefined },
  });
  assert.deepEqual((await fn.invoke({})).json(), [null, null]);
  await using without = await startFunction({ files: ECHO, platformEnvironment: { _HANDLER: undefined } });
  const result = await without.invoke({});
  assert.equal(result.errorType, 'Runtime.PlatformError');
  assert.match(result.text, /_HANDLER environment variable is not set/);
});

test('P109: a poll that the API refuses ends the process with 1, and the next invocation starts a new one', async () => {
  await using fn = await startFunction({ files: ECHO });
  await fn.invoke({ n: 1 });
  fn.emulator.faults.add({ api: 'next', times: 1, raw: 'HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n' });
  // The poll that is open now passes; the one after the next answer is the one that is hit.
  const second = await fn.emulator.invoke({ n: 2 });
  assert.equal(second.status, 'success');
  const third = await fn.invoke({ n: 3 });
  assert.equal(third.status, 'success');
  assert.equal(fn.emulator.generation, 2);
});

test('P111 P112: node for child processes is the layer’s, and says what libraries look for', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { execFileSync } from 'node:child_process';
        export const handler = async () => [execFileSync('node', ['-p', 'process.execPath'], { encoding: 'utf8' }).trim(), process.release.name, process.versions.node];`,
    },
  });
  const [path, name, version] = (await fn.invoke({})).json() as string[];
  // Here /usr/bin, which comes first on Lambda's PATH as well, may have a Node of this machine's own.
  assert.ok(path === join(LAYER_FOLDER, 'bin/node') || path!.startsWith('/usr/'), path);
  assert.equal(name, 'node');
  assert.match(version!, /^24\./);
});
