// Messages and invocations made by real producers, under tracers of others and our own, fed to a function: the two halves meet in
// one trace. The services in between are stand-ins; the clients and tracers are the ones that people use.

import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../support/child-process.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { provideProducerPackages } from './producer-packages.ts';
import { type Delivery, serve } from './service-stub.ts';

const packages = await provideProducerPackages();
const skip = 'missing' in packages ? packages.missing : false;
const folder = 'folder' in packages ? packages.folder : '';

type SpanId = { readonly name: string; readonly traceId: string; readonly spanId: string };
/** What a producer sent, as it is delivered, and the spans that it has recorded. */
type Sent = { readonly delivery: Delivery; readonly spans: readonly SpanId[] };

const programFolder = fileURLToPath(new URL('programs', import.meta.url));
const CONSUMING = { 'index.mjs': 'export const handler = async () => ({ batchItemFailures: [] });' };

const key = ({ traceId, spanId }: Omit<SpanId, 'name'>): string => `${traceId}-${spanId}`;
const SERVER = 2;
const CONSUMER = 5;

suite('real producers', { skip }, () => {
  const cleanups: (() => unknown)[] = [];
  const scope = { after: (work: () => unknown) => void cleanups.push(work) };
  let deliveries: Delivery[] = [];
  let service: HttpServer;
  const consumers = new Map<string, Promise<FunctionUnderTest>>();

  before(async () => {
    service = await startHttpServer(scope, (request, response) => {
      try {
        const { answer, delivery } = serve(request);
        deliveries.push(delivery);
        response.setHeader('content-type', answer.contentType);
        response.end(answer.body);
      } catch (error) {
        response.statusCode = 400;
        response.end(String(error));
      }
    });
  });
  after(async () => {
    for (const consumer of consumers.values()) await (await consumer)[Symbol.asyncDispose]();
    for (const cleanUp of cleanups) await cleanUp();
  });

  const serviceUrl = (): string => `http://127.0.0.1:${service.port}`;

  /** A producer is a program of its own: its tracer must be there before its clients. */
  async function produce(program: string, call: string): Promise<Sent> {
    deliveries = [];
    const { code, stdout, stderr } = await run([`${programFolder}/${program}.cjs`, call], {
      deadlineMs: 60_000,
      env: {
        NODE_PATH: `${folder}/node_modules`,
        SERVICE_URL: serviceUrl(),
        // Nobody is there: what they record is not the question.
        AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:9',
        DD_TRACE_AGENT_PORT: '9',
        DD_INSTRUMENTATION_TELEMETRY_ENABLED: 'false',
      },
    });
    assert.equal(code, 0, stderr);
    assert.equal(deliveries.length, 1, stderr);
    return { delivery: deliveries[0]!, spans: JSON.parse(stdout.trim().split('\n').at(-1)!) };
  }

  /** The same by a function on this runtime, which sends with the clients in its own folder. */
  async function produceHere(call: string): Promise<Sent> {
    deliveries = [];
    await using producer = await startFunction({
      files: {
        'index.js': `
          const { createRequire } = require('node:module');
          const Module = require('node:module');
          process.env.NODE_PATH = ${JSON.stringify(`${folder}/node_modules`)};
          Module._initPaths();
          exports.handler = async ({ call }) => {
            await createRequire(${JSON.stringify(`${programFolder}/`)})('./sends.cjs')()[call]();
            return 'sent';
          };`,
      },
      environment: {
        SERVICE_URL: serviceUrl(),
        SPANSTRAP_AWS_INJECTION: 'sqs,sns,lambda,eventbridge,kinesis',
      },
      timeoutMs: 60_000,
    });
    const result = await producer.invoke({ call });
    assert.equal(result.payload.toString(), '"sent"', producer.emulator.logs.join('\n'));
    assert.equal(deliveries.length, 1);
    return { delivery: deliveries[0]!, spans: producer.otlp.spans };
  }

  function consumer(environment: Record<string, string>): Promise<FunctionUnderTest> {
    const name = JSON.stringify(environment);
    let started = consumers.get(name);
    if (started === undefined) {
      started = startFunction({ files: CONSUMING, environment });
      consumers.set(name, started);
    }
    return started;
  }

  /** Parent, links of the messages, and X-Ray's parent of the invocation that gets the delivery. */
  async function consume({ delivery }: Sent, environment: Record<string, string>) {
    const fn = await consumer(environment);
    const [seen, seenDocuments] = [fn.otlp.spans.length, fn.xray.documents.length];
    await fn.invoke(delivery.event as object, {
      traceHeader: delivery.traceHeader,
      ...(delivery.clientContext === undefined ? {} : { clientContext: delivery.clientContext }),
    });
    const spans = fn.otlp.spans.slice(seen);
    const server = spans.find(({ kind }) => kind === SERVER)!;
    const processing = spans.find(({ kind }) => kind === CONSUMER);
    return {
      traceId: server.traceId,
      parent: server.parentSpanId ? `${server.traceId}-${server.parentSpanId}` : undefined,
      links: (processing?.links ?? []).map(key),
      xrayParents: fn.xray.documents.slice(seenDocuments).map((document) => document['parent_id']),
    };
  }

  const DATADOG = { OTEL_PROPAGATORS: 'tracecontext,baggage,xray,datadog' };
  const DATADOG_ALONE = { OTEL_PROPAGATORS: 'datadog' };
  const PARENT = { SPANSTRAP_MESSAGING_CONTEXT: 'parent' };
  const KEEP = { SPANSTRAP_OTLP_XRAY_PARENT: 'keep' };

  for (const [program, call, environment, meeting] of [
    ['opentelemetry', 'sqs', {}, 'link'],
    ['opentelemetry', 'sqs', PARENT, 'parent'],
    ['opentelemetry', 'sqs-batch', PARENT, 'two links'],
    ['opentelemetry', 'sns', {}, 'parent'],
    ['opentelemetry', 'lambda', {}, 'parent'],
    ['datadog', 'sqs', DATADOG, 'link'],
    ['datadog', 'sqs', DATADOG_ALONE, 'link'],
    ['datadog', 'sns', DATADOG_ALONE, 'parent'],
    ['datadog', 'eventbridge', DATADOG_ALONE, 'parent'],
    ['datadog', 'kinesis', DATADOG, 'link'],
    ['datadog', 'lambda', DATADOG_ALONE, 'parent'],
    ['datadog', 'lambda', {}, 'parent'],
    ['xray', 'sqs', {}, 'link'],
    ['xray', 'sqs', PARENT, 'parent'],
    ['xray', 'sqs-batch', {}, 'two links'],
    ['xray', 'sns', KEEP, 'parent'],
    ['xray', 'eventbridge', KEEP, 'parent'],
    ['xray', 'lambda', KEEP, 'parent'],
    ['spanstrap', 'sqs', {}, 'link'],
    ['spanstrap', 'sqs-batch', {}, 'two links'],
    ['spanstrap', 'sns', {}, 'parent'],
    ['spanstrap', 'eventbridge', {}, 'parent'],
    ['spanstrap', 'kinesis', {}, 'link'],
    ['spanstrap', 'lambda', {}, 'parent'],
  ] as const) {
    test(`${program}, ${call} with ${JSON.stringify(environment)}: ${meeting}`, async () => {
      const sent = program === 'spanstrap' ? await produceHere(call) : await produce(program, call);
      const found = await consume(sent, environment);
      const recorded = sent.spans.map(key);
      if (meeting === 'parent') {
        assert.ok(recorded.includes(String(found.parent)), `${found.parent} is none of ${recorded}`);
        assert.deepEqual(found.links, [], 'what is the parent is no link');
        return;
      }
      assert.equal(found.links.length, meeting === 'link' ? 1 : 2);
      for (const link of found.links) assert.ok(recorded.includes(link), `${link} is none of ${recorded}`);
    });
  }

  for (const call of ['sns', 'eventbridge', 'lambda']) {
    test(`X-Ray SDK, ${call}: one trace in X-Ray, and its id in OTLP`, async () => {
      const sent = await produce('xray', call);
      const { traceId, xrayParents } = await consume(sent, {});
      assert.equal(traceId, sent.spans[0]!.traceId);
      const ids = sent.spans.map(({ spanId }) => spanId);
      assert.ok(xrayParents.length > 0);
      for (const parent of xrayParents) assert.ok(ids.includes(String(parent)), `${parent} is none of ${ids}`);
    });
  }

  for (const call of ['sqs', 'sns', 'eventbridge', 'kinesis', 'lambda']) {
    test(`no tracer, ${call}: the function begins a trace`, async () => {
      const { parent, links } = await consume(await produce('plain', call), {});
      assert.equal(parent, undefined);
      assert.deepEqual(links, []);
    });
  }
});
