// Functions written for the X-Ray SDK or Powertools: what they draw hangs under our Invocation, and what they draw we do not draw a
// second time. OpenTelemetry backends, which get nothing from them, get our span of each call.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import type { FunctionUnderTest } from '../support/function-under-test.ts';
import { AwsStub } from './aws-stub.ts';
import { provideClientPackages } from './client-packages.ts';
import {
  callsOf,
  clientSpans,
  type Downstream,
  HEADER,
  invocationOf,
  ROOT,
  startDownstream,
  startFunctionWith,
} from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
const stub = new AwsStub();
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let downstream: Downstream;

before(async () => {
  await stub.open(scope);
  downstream = await startDownstream(scope);
  packages = await provideClientPackages();
});
after(async () => {
  for (const work of cleanUp) await work();
});

async function start(folder: string, file: string): Promise<FunctionUnderTest> {
  const text = readFileSync(new URL(`functions/${file}`, import.meta.url), 'utf8');
  return startFunctionWith(folder, {
    files: { [file.endsWith('.mjs') ? 'index.mjs' : 'index.js']: text },
    timeoutMs: 20_000,
    environment: { AWS_ENDPOINT_URL: stub.url, POWERTOOLS_SERVICE_NAME: 'shop' },
  });
}

const OWN = new Set(['Initialization', 'Invocation', 'Overhead']);

/** What the X-Ray SDK sent by itself. */
const theirs = ({ xray }: FunctionUnderTest): XrayDocument[] => xray.documents.filter(({ name }) => !OWN.has(name));

async function invoke(fn: FunctionUnderTest, what: string): Promise<void> {
  fn.xray.clear();
  fn.otlp.clear();
  stub.clear();
  downstream.received.length = 0;
  const result = await fn.invoke({ url: downstream.url, what }, { traceHeader: HEADER });
  assert.equal(result.json(), what, `${stub.faults} ${fn.emulator.logs.join('\n')}`);
  assert.deepEqual(stub.faults, []);
}

type Case = {
  /** What they draw, as names from the outside in. */
  readonly drawn: readonly string[];
  /** What we draw below Invocation. */
  readonly ours: readonly string[];
  readonly span: string;
};

function check(fn: FunctionUnderTest, { drawn, ours, span }: Case): void {
  // Each subsegment comes as a document of its own as soon as it is complete.
  const documents = theirs(fn);
  const chain: XrayDocument[] = [];
  for (let parent: unknown = invocationOf(fn).id; ; parent = chain.at(-1)!.id) {
    const child = documents.find((document) => document.parent_id === parent);
    if (child === undefined) break;
    chain.push(child);
  }
  assert.deepEqual(
    chain.map(({ name }) => name),
    drawn,
  );
  assert.equal(documents.length, chain.length);
  for (const document of documents) assert.equal(document.trace_id, ROOT);
  assert.deepEqual(
    callsOf(fn).map(({ name }) => name),
    ours,
  );
  assert.deepEqual(
    clientSpans(fn).map(({ name }) => name),
    span === '' ? [] : [span],
  );
  // The trace goes on from what is drawn.
  const [received] = [...downstream.received, ...stub.calls];
  const parent = /Parent=([0-9a-f]{16})/.exec(String(received?.headers['x-amzn-trace-id']))?.[1];
  assert.equal(parent, ours.length > 0 ? callsOf(fn)[0]!.id : chain.at(-1)!.id);
}

const XRAY_SDK: Readonly<Record<string, Case>> = {
  'captured client': { drawn: ['DynamoDB'], ours: [], span: 'DynamoDB.GetItem' },
  // The AWS SDK hands the trace on by itself, and the X-Ray SDK takes that for its own doing.
  'plain client': { drawn: [], ours: ['DynamoDB'], span: 'DynamoDB.GetItem' },
  'captured http': { drawn: ['127.0.0.1'], ours: [], span: 'GET' },
  fetch: { drawn: [], ours: ['127.0.0.1'], span: 'GET' },
  subsegment: { drawn: ['price it', 'DynamoDB'], ours: [], span: 'DynamoDB.GetItem' },
};

test('aws-xray-sdk-core', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  await using fn = await start(packages.folder, 'xray-sdk.cjs');
  for (const [what, expected] of Object.entries(XRAY_SDK)) {
    await t.test(what, async () => {
      await invoke(fn, what);
      check(fn, expected);
    });
  }
});

const POWERTOOLS: Readonly<Record<string, Case>> = {
  client: { drawn: ['## client', 'DynamoDB'], ours: [], span: 'DynamoDB.GetItem' },
  fetch: { drawn: ['## fetch', '127.0.0.1'], ours: [], span: 'GET' },
  http: { drawn: ['## http', '127.0.0.1'], ours: [], span: 'GET' },
};

test('Powertools Tracer', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  await using fn = await start(packages.folder, 'powertools.mjs');
  for (const [what, expected] of Object.entries(POWERTOOLS)) {
    await t.test(what, async () => {
      await invoke(fn, what);
      check(fn, expected);
    });
  }
});

/** As Powertools' documentation has it: a class with TypeScript's decorators. */
const DECORATED = `
  import { Tracer } from '@aws-lambda-powertools/tracer';
  import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
  const tracer = new Tracer({ serviceName: 'shop' });
  const client = tracer.captureAWSv3Client(new DynamoDBClient({ maxAttempts: 1 }));
  class Shop {
    @tracer.captureLambdaHandler()
    async handler(event: { url: string; what: string }, _context: unknown): Promise<unknown> {
      await this.price(event);
      return event.what;
    }
    @tracer.captureMethod()
    async price({ url, what }: { url: string; what: string }): Promise<void> {
      tracer.putAnnotation('what', what);
      if (what === 'client') await client.send(new GetItemCommand({ TableName: 'stock', Key: { id: { S: 'x' } } }));
      if (what === 'fetch') await (await fetch(url)).text();
      if (what === 'error') throw new RangeError('no price');
    }
  }
  const shop = new Shop();
  export const handler = shop.handler.bind(shop);`;

async function decorated(packages: string, bundle: boolean): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: DECORATED, resolveDir: packages, loader: 'ts' },
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    bundle,
    minify: bundle,
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

for (const shape of ['require', 'esbuild minified'] as const) {
  test(`Powertools Tracer, with decorators: ${shape}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const isBundled = shape === 'esbuild minified';
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { 'index.js': await decorated(packages.folder, isBundled) },
      timeoutMs: 20_000,
      environment: { AWS_ENDPOINT_URL: stub.url },
    });
    const methods = ['## index.handler', '### price'];
    await t.test('client', async () => {
      await invoke(fn, 'client');
      check(fn, { drawn: [...methods, 'DynamoDB'], ours: [], span: 'DynamoDB.GetItem' });
      const handler = theirs(fn).find(({ name }) => name === '## index.handler');
      assert.deepEqual(handler?.annotations, { ColdStart: true, Service: 'shop' });
    });
    await t.test('fetch', async () => {
      await invoke(fn, 'fetch');
      check(fn, { drawn: [...methods, '127.0.0.1'], ours: [], span: 'GET' });
      assert.deepEqual(theirs(fn).find(({ name }) => name === '### price')?.annotations, { what: 'fetch' });
    });
    await t.test('error', async () => {
      fn.xray.clear();
      const result = await fn.invoke({ what: 'error' }, { traceHeader: HEADER });
      assert.equal(result.errorType, 'RangeError');
      assert.equal(invocationOf(fn).fault, true);
      assert.deepEqual(
        theirs(fn).map(({ name, fault }) => [name, fault]),
        [
          ['### price', true],
          ['## index.handler', true],
        ],
      );
      // The X-Ray SDK refers to the error of a child in a form of its own.
      const isOurs = (violation: string): boolean => !violation.startsWith('## index.handler: document.cause.');
      assert.deepEqual(fn.xray.violations.filter(isOurs), []);
      fn.xray.clear();
    });
  });
}
