// The hook works on the modules of a whole process, so every case has a process of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runModule, sourceUrl } from '../../support/child-process.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { type Scope, startTcpServer } from '../../support/tcp-server.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

/**
 * Runs user code, an ES module as text, under the hook. `instrument` writes its calls down and passes them on; the child
 * prints what `print` is given, one JSON value per line.
 */
async function underHook(
  scope: Scope,
  userCode: string,
  { isRecording = true, instrument = '' }: { isRecording?: boolean; instrument?: string } = {},
): Promise<unknown[]> {
  const folder = makeFolder(scope, { 'user.mjs': userCode });
  const { stdout, stderr, code } = await runModule(`
    import { createRequire } from 'node:module';
    import { hookHttp } from ${JSON.stringify(sourceUrl('instrumentation/outgoing/http-hook.ts'))};
    const require = createRequire(import.meta.url);
    globalThis.print = (value) => console.log(JSON.stringify(value));
    globalThis.recording = ${isRecording};
    globalThis.isLoaded = () => process.moduleLoadList.includes('NativeModule http');
    hookHttp({
      isRecording: () => globalThis.recording,
      load: (module) => require('node:' + module),
      report: (message) => print({ report: message }),
      instrument(module, originals) {
        print({ instrument: module });
        ${instrument}
        return {
          request(...args) { print({ traced: 'request' }); return originals.request.apply(this, args); },
          get(...args) { print({ traced: 'get' }); return originals.get.apply(this, args); },
        };
      },
    });
    await import(${JSON.stringify(`file://${folder}/user.mjs`)});
  `);
  assert.equal(code, 0, stderr);
  return stdout
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const answering = (scope: Scope): Promise<{ port: number }> =>
  startHttpServer(scope, (_request, response) => response.end('ok'));

/** User code's way to wait for a response. */
const DONE = `const done = (call) => new Promise((resolve, reject) => {
  call((response) => { response.resume(); response.on('end', () => resolve(response.statusCode)); }).on('error', reject);
});`;

test('costs nothing until user code asks for http, and nothing more until it calls', async (t) => {
  const lines = await underHook(t, "print(isLoaded()); await import('node:http'); print(isLoaded());");
  assert.deepEqual(lines, [false, true]);
});

for (const [what, load] of [
  ['import * from node:http', "import * as http from 'node:http'; import { request, get } from 'node:http';"],
  ['import default from http', "import http, { request, get } from 'http';"],
  [
    'require',
    "import { createRequire } from 'node:module'; const http = createRequire(import.meta.url)('http'); const { request, get } = http;",
  ],
  ['a late import()', "const http = (await import('node:http')).default; const { request, get } = http;"],
] as const) {
  test(`calls are traced: ${what}`, async (t) => {
    const { port } = await answering(t);
    const url = `http://127.0.0.1:${port}/`;
    const lines = await underHook(
      t,
      `${load}
      ${DONE}
      print(await done((callback) => http.get('${url}', callback)));
      print(await done((callback) => get({ host: '127.0.0.1', port: ${port} }, callback)));
      print(await done((callback) => request(new URL('${url}'), { method: 'PUT' }, callback).end()));`,
    );
    assert.deepEqual(lines, [
      { instrument: 'http' },
      { traced: 'get' },
      200,
      { traced: 'get' },
      200,
      { traced: 'request' },
      200,
    ]);
  });
}

test('http and https are instrumented apart, each once', async (t) => {
  const port = await startTcpServer(t, (socket) => socket.on('data', () => socket.destroy()));
  const lines = await underHook(
    t,
    `import http from 'node:http'; import https from 'node:https';
    const failed = (request) => new Promise((resolve) => request.on('error', resolve));
    for (const url of ['http', 'https', 'http', 'https']) {
      const module = url === 'http' ? http : https;
      await failed(module.get(url + '://127.0.0.1:${port}/'));
    }`,
  );
  assert.deepEqual(lines, [
    { instrument: 'http' },
    { traced: 'get' },
    { instrument: 'https' },
    { traced: 'get' },
    { traced: 'get' },
    { traced: 'get' },
  ]);
});

test('outside of a recorded invocation the originals are called', async (t) => {
  const { port } = await answering(t);
  const lines = await underHook(
    t,
    `import http from 'node:http';
    ${DONE}
    const call = () => done((callback) => http.get('http://127.0.0.1:${port}/', callback));
    print(await call());
    globalThis.recording = true;
    print(await call());
    globalThis.recording = false;
    print(await call());`,
    { isRecording: false },
  );
  assert.deepEqual(lines, [200, { instrument: 'http' }, { traced: 'get' }, 200, 200]);
});

test('headers as a flat list are legal, and go out as they are', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end('ok'));
  const lines = await underHook(
    t,
    `import http from 'node:http';
    ${DONE}
    const headers = ['Host', 'x', 'X-A', '1', 'X-A', '2'];
    print(await done((callback) => http.request({ host: '127.0.0.1', port: ${server.port}, headers }, callback).end()));
    print(await done((callback) => http.get('http://127.0.0.1:${server.port}/', { headers }, callback)));`,
  );
  assert.deepEqual(lines, [200, 200]);
  assert.deepEqual(server.requests[0]?.headers['x-a'], '1, 2');
});

test('instrumentation that fails is told of once; calls go out untraced', async (t) => {
  const { port } = await answering(t);
  const lines = await underHook(
    t,
    `import http from 'node:http';
    ${DONE}
    for (let i = 0; i < 2; i++) print(await done((callback) => http.get('http://127.0.0.1:${port}/', callback)));`,
    { instrument: "throw new Error('broken');" },
  );
  assert.deepEqual(lines, [
    { instrument: 'http' },
    { report: 'calls by http are not traced: Error: broken' },
    200,
    200,
  ]);
});

test('what the call throws is the call’s own', async (t) => {
  const lines = await underHook(
    t,
    "import http from 'node:http'; try { http.get('no url'); } catch (error) { print(error.code); }",
  );
  assert.deepEqual(lines, [{ instrument: 'http' }, { traced: 'get' }, 'ERR_INVALID_URL']);
});

test('user code can tell no difference: names, arity, `this`', async (t) => {
  const lines = await underHook(
    t,
    `import http from 'node:http';
    print([http.request.name, http.request.length, http.get.name, http.get.length]);
    print(Object.keys(http).includes('request'));
    print(http.request === (await import('http')).request);`,
  );
  const { stdout } = await runModule(
    "import http from 'node:http'; console.log(JSON.stringify([http.request.name, http.request.length, http.get.name, http.get.length]));",
  );
  assert.deepEqual(lines, [JSON.parse(stdout), true, true]);
});
