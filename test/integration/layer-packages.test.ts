// The packages that the layer carries for functions: found by require and by import, beaten by a function's own copy, and an
// error that helps when one is missing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LAYER_FOLDER } from '../support/built-layer.ts';
import { startFunction } from '../support/function-under-test.ts';

const manifest = JSON.parse(readFileSync(new URL('../../layer/packages/package.json', import.meta.url), 'utf8')) as {
  dependencies: Record<string, string>;
};
const names = Object.keys(manifest.dependencies);

test('P110: every package of the layer can be required and imported, and both give the same exports', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `
        import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        export const handler = async (names) => {
          const found = {};
          for (const name of names) {
            const required = require(name);
            const imported = await import(name);
            found[name] = {
              isSame: imported.default === required,
              exports: Object.keys(required).length,
              missing: Object.keys(required).filter((key) => !(key in imported)),
              from: require.resolve(name),
            };
          }
          return found;
        };`,
    },
    timeoutMs: 60_000,
  });
  const result = await fn.invoke(names);
  assert.equal(result.status, 'success', result.text);
  const found = result.json() as Record<string, { isSame: boolean; exports: number; missing: string[]; from: string }>;
  for (const name of names) {
    const { isSame, exports, missing, from } = found[name]!;
    assert.ok(isSame, name);
    assert.ok(exports > 0, name);
    // Node finds named exports of CommonJS by its looks; aws-xray-sdk-core has only the default one, wherever it is.
    if (name.startsWith('@aws-sdk/')) assert.deepEqual(missing, [], name);
    assert.ok(from.startsWith(join(LAYER_FOLDER, 'nodejs/node_modules', name)), from);
  }
});

for (const [style, files] of Object.entries({
  require: {
    'index.js': `const { S3Client, ListBucketsCommand } = require('@aws-sdk/client-s3');
      exports.handler = async () => new S3Client({}).config.region().then((region) => [region, typeof ListBucketsCommand]);`,
  },
  import: {
    'index.mjs': `import { S3Client, ListBucketsCommand } from '@aws-sdk/client-s3';
      export const handler = async () => [await new S3Client({}).config.region(), typeof ListBucketsCommand];`,
  },
  'import()': {
    'index.js': `exports.handler = async () => {
        const { S3Client, ListBucketsCommand } = await import('@aws-sdk/client-s3');
        return [await new S3Client({}).config.region(), typeof ListBucketsCommand];
      };`,
  },
})) {
  for (const isTraced of [true, false]) {
    test(`P110: an unbundled client by ${style}, tracing ${isTraced ? 'on' : 'off'}`, async () => {
      await using fn = await startFunction({
        files,
        environment: isTraced ? {} : { SPANSTRAP_DISABLED: 'true' },
      });
      assert.deepEqual((await fn.invoke({})).json(), ['eu-west-1', 'function']);
    });
  }
}

test('P110: NODE_PATH set by the function does not hide the layer’s packages', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `import { createRequire } from 'node:module';
        import '@aws-sdk/client-sqs';
        createRequire(import.meta.url)('@aws-sdk/client-sns');
        export const handler = async () => process.env.NODE_PATH;`,
    },
    environment: { NODE_PATH: '/somewhere/else' },
  });
  assert.equal((await fn.invoke({})).json(), '/somewhere/else');
});

const own = (text: string): Record<string, string> => ({
  'node_modules/@aws-sdk/client-s3/package.json': '{"name":"@aws-sdk/client-s3","main":"main.js"}',
  'node_modules/@aws-sdk/client-s3/main.js': `exports.which = ${JSON.stringify(text)};`,
});

test('P110: the function’s own copy wins, for require and for import', async () => {
  await using fn = await startFunction({
    files: {
      ...own('mine'),
      'index.mjs': `import { createRequire } from 'node:module';
        import { which } from '@aws-sdk/client-s3';
        export const handler = async () => [which, createRequire(import.meta.url)('@aws-sdk/client-s3').which];`,
    },
  });
  assert.deepEqual((await fn.invoke({})).json(), ['mine', 'mine']);
});

test('P4: packages of other layers, by NODE_PATH, for require and for import', async () => {
  const files = {
    'layers/nodejs/node_modules/both/package.json':
      '{"name":"both","exports":{"import":"./esm.mjs","require":"./cjs.js"}}',
    'layers/nodejs/node_modules/both/esm.mjs': "export const how = 'import';",
    'layers/nodejs/node_modules/both/cjs.js': "exports.how = 'require';",
    'layers/nodejs/node_modules/@scope/pkg/package.json': '{"name":"@scope/pkg","type":"module","main":"index.js"}',
    'layers/nodejs/node_modules/@scope/pkg/index.js': "export const how = 'scoped';",
    'layers/nodejs/node_modules/@scope/pkg/sub.js': "export const how = 'below';",
    'layers/plain/loose/index.js': "exports.how = 'no node_modules';",
    'index.mjs': `import { createRequire } from 'node:module';
      import * as both from 'both';
      import * as scoped from '@scope/pkg';
      import * as sub from '@scope/pkg/sub.js';
      import loose from 'loose';
      const require = createRequire(import.meta.url);
      export const handler = async () => [both.how, require('both').how, scoped.how, sub.how, loose.how, require('loose').how];`,
  };
  await using fn = await startFunction({
    files: {
      ...files,
      'start.sh':
        '#!/bin/sh\nexport NODE_PATH="$LAMBDA_TASK_ROOT/layers/nodejs/node_modules:$LAMBDA_TASK_ROOT/layers/plain"\nexec "$@"\n',
    },
    command: ['/bin/sh', '-c', 'exec /bin/sh ./start.sh "$0"', join(LAYER_FOLDER, 'bootstrap')],
    layerRoot: LAYER_FOLDER,
  });
  const result = await fn.invoke({});
  assert.deepEqual(result.json(), ['import', 'require', 'scoped', 'below', 'no node_modules', 'no node_modules']);
});

for (const [style, file, code] of [
  ['require', 'index.js', "require('@aws-sdk/client-not-there'); exports.handler = async () => 1;"],
  ['import', 'index.mjs', "import '@aws-sdk/client-not-there'; export const handler = async () => 1;"],
  ['import in a module of its own', 'index.mjs', "import './lib.mjs'; export const handler = async () => 1;"],
] as const) {
  test(`P26 P110: a client that is not there, by ${style}: Runtime.ImportModuleError says which ones are`, async () => {
    await using fn = await startFunction({
      files: { [file]: code, 'lib.mjs': "import '@aws-sdk/client-not-there';" },
    });
    const result = await fn.invoke({});
    assert.equal(result.status, 'init-error');
    assert.equal(result.errorType, 'Runtime.ImportModuleError');
    const { errorMessage, trace } = result.json() as { errorMessage: string; trace: string[] };
    assert.match(errorMessage, /@aws-sdk\/client-not-there/);
    const sentence = errorMessage.split('\n').at(-1)!;
    assert.match(
      sentence,
      /^Of the AWS SDK, the layer has .*; for another client run `npm install` in the function, or bundle it\.$/,
    );
    for (const name of names.filter((one) => one.startsWith('@aws-sdk/'))) {
      assert.ok(sentence.includes(name.slice('@aws-sdk/'.length)), name);
    }
    assert.doesNotMatch(sentence, /middleware-|credential-provider-node/);
    assert.ok(trace.length > 0);
  });
}

test('P110: a client asked for in the handler says the same, and keeps Node’s code for those who can do without', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `
        import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        export const handler = async ({ kind }) => {
          try {
            if (kind === 'require') require('@aws-sdk/client-not-there'); else await import('@aws-sdk/client-not-there');
          } catch (error) {
            if (kind === 'throw') throw error;
            return [error.code, error.name, error instanceof Error, error.cause.code];
          }
        };`,
    },
  });
  const type = 'Runtime.ImportModuleError';
  assert.deepEqual((await fn.invoke({ kind: 'require' })).json(), ['MODULE_NOT_FOUND', type, true, 'MODULE_NOT_FOUND']);
  assert.deepEqual((await fn.invoke({ kind: 'import' })).json(), [
    'ERR_MODULE_NOT_FOUND',
    type,
    true,
    'ERR_MODULE_NOT_FOUND',
  ]);
  const thrown = await fn.invoke({ kind: 'throw' });
  assert.equal(thrown.errorType, type);
  assert.match(thrown.text, /Of the AWS SDK, the layer has/);
});

test('other missing packages, and files, fail as Node has it', async () => {
  await using fn = await startFunction({
    files: {
      'index.mjs': `export const handler = async (names) => Promise.all(
          names.map((name) => import(name).catch((error) => [error.code, error.message.split('\\n')[0]])));`,
    },
  });
  const seen = (await fn.invoke(['no-such-package', './no-such-file.mjs', 'node:no-such', '#internal'])).json();
  assert.deepEqual(
    (seen as [string, string][]).map(([code]) => code),
    ['ERR_MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND', 'ERR_UNKNOWN_BUILTIN_MODULE', 'ERR_PACKAGE_IMPORT_NOT_DEFINED'],
  );
  assert.match((seen as [string, string][])[0]![1], /Cannot find package 'no-such-package'/);
});

test('aws-xray-sdk-core of the layer makes its subsegments below our Invocation', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const AWSXRay = require('aws-xray-sdk-core');
        exports.handler = async () => AWSXRay.captureAsyncFunc('mine', async (segment) => {
          segment.addAnnotation('a', 1); segment.close(); return 'captured';
        });`,
    },
  });
  assert.equal((await fn.invoke({})).json(), 'captured');
  const invocation = fn.xray.documents.find(({ name }) => name === 'Invocation')!;
  const mine = fn.xray.documents.find(({ name }) => name === 'mine')!;
  assert.equal(mine.parent_id, invocation.id);
  assert.equal(mine.trace_id, invocation.trace_id);
});
