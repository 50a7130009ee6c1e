// SPANSTRAP_OTLP_KEEP on the built layer: what the sampler does not want arrives all the same, complete, when its end shows that
// somebody will want to look at it; nothing else does, and X-Ray goes its own way. How it dies is in test/loss/.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import type { FunctionUnderTest } from '../support/function-under-test.ts';
import { startHttpServer } from '../support/http-server.ts';
import {
  assertWhole,
  droppedOf,
  invokeOnce,
  namesOf,
  ORDERS,
  OWN,
  ofRequest,
  reasonOf,
  SAMPLED,
  serverOf,
  startKeeping,
  UNSAMPLED,
  unsampled,
} from '../support/keeping-function.ts';

const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
const ERROR = 2;

const httpEvent = (more: object, headers: Record<string, string> = {}): object => ({
  version: '2.0',
  routeKey: 'GET /orders/{id}',
  rawPath: '/orders/42',
  rawQueryString: '',
  headers,
  requestContext: { http: { method: 'GET', path: '/orders/42', sourceIp: '192.0.2.7' } },
  ...more,
});

test('F172 errors: only failing invocations arrive, with all their spans, why they were kept, and how many were not', async (t) => {
  const fn = await startKeeping(t, 'errors');
  assert.deepEqual((await invokeOnce(fn, {})).spans, []);
  assert.deepEqual((await invokeOnce(fn, {})).spans, []);
  const { spans } = await invokeOnce(fn, { fails: true });
  assert.deepEqual(namesOf(spans), OWN);
  assertWhole(spans);
  for (const { flags = 1 } of spans) assert.equal(flags & 1, 0, 'as its calls would have said');
  const { flat, status } = serverOf(spans);
  assert.deepEqual(
    [status?.code, flat['error.type'], flat['spanstrap.kept_because'], flat['spanstrap.not_kept_before']],
    [ERROR, 'RangeError', 'errors', 2],
  );
  assert.deepEqual(droppedOf(serverOf(spans)), {});
  assert.deepEqual((await invokeOnce(fn, {})).spans, []);
  const again = await invokeOnce(fn, { fails: true });
  assert.equal(serverOf(again.spans).flat['spanstrap.not_kept_before'], 1);
  assert.equal(fn.otlp.requests.length, 2, 'what is not kept costs no request');
});

test('F172 errors: a 5xx is one, a 4xx and a span of the function’s own are not', async (t) => {
  const fn = await startKeeping(t, 'errors');
  const answers = [];
  for (const event of [{ status: 404 }, { marks: true }, { status: 503 }]) {
    answers.push(namesOf((await invokeOnce(fn, httpEvent(event))).spans));
  }
  assert.deepEqual(answers, [[], [], ['GET /orders/{id}', ...OWN.slice(0, -1)]]);
});

test('F172: what the sampler wants is as ever, and says nothing of a rule', async (t) => {
  const fn = await startKeeping(t, 'errors,cold,slow=1ms', { environment: { OTEL_TRACES_SAMPLER_ARG: '1' } });
  for (const fails of [false, true]) {
    const { spans } = await invokeOnce(fn, { fails });
    assert.deepEqual(
      Object.keys(serverOf(spans).flat).filter((name) => /kept/.test(name)),
      [],
    );
  }
});

test('F172 slow: by its time, with the spans that were handed over long before', async (t) => {
  const fn = await startKeeping(t, 'slow=250ms', {
    environment: { SPANSTRAP_BATCH_SIZE: '3', SPANSTRAP_BATCH_JITTER: '0' },
  });
  assert.deepEqual((await invokeOnce(fn, { fails: true })).spans, [], 'a quick failure is none of it');
  const { spans } = await invokeOnce(fn, { waitMs: 300, many: 40 });
  assert.deepEqual(namesOf(spans), [...OWN, ...Array(40).fill('many')].toSorted());
  assertWhole(spans);
  assert.equal(reasonOf(spans), 'slow');
});

test('F172 slow: what is slow already need not wait for its end', async (t) => {
  const fn = await startKeeping(t, 'slow=50ms', {
    timeoutMs: 4000,
    environment: { SPANSTRAP_FLUSH_INTERVAL: '100ms' },
  });
  const open: (() => void)[] = [];
  const { port } = await startHttpServer(t, (_request, response) => void open.push(() => response.end('x')));
  await invokeOnce(fn, {});
  const running = fn.emulator.invoke({ url: `http://127.0.0.1:${port}/` }, { traceHeader: unsampled() });
  await fn.otlp.waitFor(({ spans }) => spans.some(({ name }) => name === 'inner'), 'a span of what still runs');
  for (const answer of open) answer();
  const { idle, status } = await running;
  await idle;
  assert.equal(status, 'success');
  assert.deepEqual(
    namesOf(fn.otlp.spans).filter((name) => [...OWN, 'GET'].includes(name)),
    ['GET', ...OWN],
  );
  assertWhole(fn.otlp.spans);
  assert.equal(reasonOf(fn.otlp.spans), 'slow');
});

test('F172 cold: the first invocation, with its init', async (t) => {
  const fn = await startKeeping(t, 'cold', { environment: { SPANSTRAP_INIT_MODULES: 'off' } });
  const { spans } = await invokeOnce(fn, {});
  const init = ['Initialization', 'extension registration', 'handler load', 'node boot', 'runtime load'];
  assert.deepEqual(namesOf(spans), [...OWN, ...init].toSorted());
  assertWhole(spans);
  assert.equal(reasonOf(spans), 'cold');
  assert.deepEqual((await invokeOnce(fn, { fails: true })).spans, []);
});

test('F172: outgoing calls say what the sampler said, whatever becomes of the invocation', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end('ok'));
  const fn = await startKeeping(t, 'errors,cold');
  const url = `http://127.0.0.1:${server.port}/`;
  const traces: string[] = [];
  for (const [event, isKept] of [
    [{ url }, true],
    [{ url }, false],
    [{ url, fails: true }, true],
  ] as const) {
    const { spans } = await invokeOnce(fn, event);
    assert.equal(spans.length > 0, isKept);
    const { traceparent } = server.requests.at(-1)!.headers;
    assert.match(String(traceparent), /-00$/);
    const caller = spans.find(({ kind }) => kind === 3);
    if (isKept) assert.equal(traceparent, `00-${caller?.traceId}-${caller?.spanId}-00`);
    traces.push(String(traceparent));
  }
  assert.equal(new Set(traces).size, 3);
});

for (const [sampler, header, headers] of [
  ['always_off', SAMPLED, {}],
  ['parentbased_always_on', UNSAMPLED, { traceparent: TRACEPARENT }],
  ['parentbased_traceidratio', SAMPLED, { traceparent: TRACEPARENT }],
  ['xray', UNSAMPLED, {}],
] as const) {
  test(`F172: with ${sampler} that says no, a failure is kept and the rest is not`, async (t) => {
    const fn = await startKeeping(t, 'errors', { environment: { OTEL_TRACES_SAMPLER: sampler } });
    assert.deepEqual((await invokeOnce(fn, httpEvent({}, headers), { traceHeader: header })).spans, []);
    const { spans } = await invokeOnce(fn, httpEvent({ fails: true }, headers), { traceHeader: header });
    assert.equal(reasonOf(spans), 'errors');
    assertWhole(spans);
  });
}

test('F172: X-Ray follows its header, and has the same documents with rules and without', async (t) => {
  const withRules = await startKeeping(t, 'errors,cold,slow=1ms');
  const without = await startKeeping(t, '');
  for (const fn of [withRules, without]) {
    for (const [event, traceHeader] of [
      [{}, SAMPLED],
      [{ fails: true }, SAMPLED],
      [{ fails: true }, UNSAMPLED],
      [{ many: 30 }, SAMPLED],
    ] as const) {
      await invokeOnce(fn, event, { traceHeader });
    }
  }
  const drawn = ({ xray }: FunctionUnderTest) => shapesOf(xray.documents).toSorted();
  assert.deepEqual(drawn(withRules), drawn(without));
  assert.ok(drawn(without).length > 30);
  assert.deepEqual(without.otlp.spans, []);
});

/** What X-Ray draws of the function's own spans and of the phases, with their failures; what init is made of is a matter of time. */
function shapesOf(documents: readonly XrayDocument[], parent = ''): string[] {
  return documents.flatMap(({ name, fault, error, throttle, in_progress: isOpen, annotations, subsegments = [] }) =>
    name === 'Initialization'
      ? []
      : [
          JSON.stringify([parent, name, fault, error, throttle, isOpen, annotations]),
          ...shapesOf(subsegments, `${parent}/${name}`),
        ],
  );
}

test('F172: more spans than may wait for their end are dropped, counted, and only where the invocation is kept', async (t) => {
  const fn = await startKeeping(t, 'errors', {
    environment: { SPANSTRAP_MAX_QUEUED_SPANS: '50', SPANSTRAP_BATCH_SIZE: '10', SPANSTRAP_OTLP_FALLBACK: 'none' },
  });
  await invokeOnce(fn, { many: 200 });
  const { spans } = await invokeOnce(fn, { many: 200, fails: true });
  const begun = 200 + OWN.length;
  const next = await invokeOnce(fn, { fails: true });
  const dropped = Number(serverOf(next.spans).flat['spanstrap.dropped.otlp.queue_full']);
  assert.ok(dropped > 0 && spans.length <= 50, `${dropped} dropped, ${spans.length} arrived`);
  assert.equal(spans.length + dropped, begun);
});

test('F172: several at once: each is decided for itself', async (t) => {
  const fn = await startKeeping(t, 'errors', { maxConcurrency: 8 });
  const numbers = [0, 1, 2, 3, 4, 5, 6, 7];
  await Promise.all(
    numbers.map((n) =>
      fn.invoke({ waitMs: 20, many: 30, fails: n % 2 === 1 }, { requestId: `r-${n}`, traceHeader: unsampled() }),
    ),
  );
  await fn.otlp.waitFor(
    ({ spans }) => spans.filter(({ name }) => name === 'Overhead').length === 4,
    'four invocations',
  );
  const servers = fn.otlp.spans.filter(({ kind }) => kind === 2);
  assert.deepEqual(servers.map(({ flat }) => flat['faas.invocation_id']).toSorted(), ['r-1', 'r-3', 'r-5', 'r-7']);
  for (const { flat } of servers) {
    const spans = ofRequest(fn, String(flat['faas.invocation_id']));
    assert.equal(spans.filter(({ name }) => name === 'many').length, 30);
    assertWhole(spans);
  }
});

test('F172: an answer that waits for its spans waits for those that are kept', async (t) => {
  const fn = await startKeeping(t, 'errors', { environment: { SPANSTRAP_FLUSH_MODE: 'sync' } });
  await fn.emulator.invoke({}, { traceHeader: UNSAMPLED });
  assert.deepEqual(fn.otlp.spans, []);
  await fn.emulator.invoke({ fails: true }, { traceHeader: UNSAMPLED });
  assert.ok(namesOf(fn.otlp.spans).includes('Invocation'), 'before the answer');
});

const batch = (...failed: readonly string[]): object => ({
  Records: ['1', '2'].map((messageId) => ({
    messageId,
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:orders',
    body: '{}',
    attributes: {},
    messageAttributes: {},
  })),
  failed,
});

test('F172 errors: a batch is one as far as its span says so', async (t) => {
  const files = {
    'index.mjs': `export const handler = async ({ failed }) =>
      ({ batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) });`,
  };
  const fn = await startKeeping(t, 'errors', { files });
  const kept: boolean[] = [];
  for (const event of [batch(), batch('2'), batch('1', '2')]) {
    kept.push((await invokeOnce(fn, event)).spans.length > 0);
  }
  assert.deepEqual(kept, [false, false, true]);
});

test('F172: a sampler of the function’s own has the first word, and a span processor sees what that wants', async (t) => {
  const fn = await startKeeping(t, 'errors', {
    files: {
      ...ORDERS,
      'hooks.cjs': `
        globalThis.configureTracer = (config) => ({
          ...config,
          sampler: { shouldSample: () => ({ decision: 0 }), toString: () => 'none' },
          spanProcessors: [{ onStart: () => console.log('SEEN'), onEnd: () => console.log('SEEN'), forceFlush: async () => {}, shutdown: async () => {} }],
        });`,
    },
    environment: { NODE_OPTIONS: '--require ./hooks.cjs', OTEL_TRACES_SAMPLER: 'always_on' },
  });
  assert.deepEqual((await invokeOnce(fn, {})).spans, []);
  const { spans } = await invokeOnce(fn, { fails: true });
  assert.deepEqual([namesOf(spans), reasonOf(spans)], [OWN, 'errors']);
  assert.ok(!fn.emulator.logs.some((line) => line.includes('SEEN')));
});

test('F172: records on standard output are kept by the same rules', async (t) => {
  const fn = await startKeeping(t, 'errors', { environment: { OTEL_TRACES_EXPORTER: 'otlp-stdout' } });
  const records = (): number => fn.emulator.logs.filter((line) => line.includes('"__otel_otlp_stdout"')).length;
  await invokeOnce(fn, {});
  assert.equal(records(), 0);
  await invokeOnce(fn, { fails: true });
  assert.equal(records(), 1);
});

test('F172: the rules may stand in the settings file', async (t) => {
  const file = `[exporter]\nkeep = ["errors", "slow=2s"]\n`;
  const fn = await startKeeping(t, '', { files: { ...ORDERS, 'otel-extension.toml': file } });
  assert.deepEqual((await invokeOnce(fn, {})).spans, []);
  assert.equal(reasonOf((await invokeOnce(fn, { fails: true })).spans), 'errors');
});

test('F172: rules that cannot be used cost one line, and nothing is kept', async (t) => {
  const fn = await startKeeping(t, 'errors,slow=1500');
  assert.deepEqual((await invokeOnce(fn, { fails: true })).spans, []);
  const lines = fn.emulator.logs.filter((line) => line.includes('SPANSTRAP_OTLP_KEEP'));
  assert.equal(lines.length, 1);
  assert.match(
    lines[0]!,
    /is "errors,slow=1500", which is not a comma separated list of errors, cold and slow.*; the default is used$/,
  );
});

for (const [event, expected] of [
  [
    {},
    /OTLP +not recorded: OTEL_TRACES_SAMPLER is traceidratio with 0, and it is nothing that SPANSTRAP_OTLP_KEEP keeps \(errors,slow=2000ms\)/,
  ],
  [{ fails: true }, /OTLP +kept: it failed \(SPANSTRAP_OTLP_KEEP\); OTEL_TRACES_SAMPLER is traceidratio with 0/],
] as const) {
  test(`F172: the doctor names the rule: ${JSON.stringify(event)}`, async (t) => {
    const fn = await startKeeping(t, 'errors,slow=2s', { environment: { SPANSTRAP_DOCTOR: '1' } });
    await invokeOnce(fn, event);
    assert.match(fn.emulator.logs.join('\n'), expected);
  });
}
