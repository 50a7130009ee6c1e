// SPANSTRAP_OTLP_KEEP on the built layer: what the sampler does not want arrives all the same, complete, when its end shows that
// somebody will want to look at it; nothing else does, and X-Ray goes its own way.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { InvokeOptions } from '../../local/emulator/invocation.ts';
import type { ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { until } from '../support/conditions.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { startHttpServer } from '../support/http-server.ts';

const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
const SAMPLED = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=1`;
const UNSAMPLED = SAMPLED.replace('Sampled=1', 'Sampled=0');
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';
const ERROR = 2;

/** A span around a span, a call if there is a URL, and then what the event asks for. */
const ORDERS = {
  'index.mjs': `
    import { get } from 'node:http';
    import { trace } from '@opentelemetry/api';
    const tracer = trace.getTracer('orders');
    const call = (url) => new Promise((resolve, reject) => get(url, (response) => response.resume().on('end', resolve)).on('error', reject));
    export const handler = ({ fails, status, waitMs, url, many, marks, kills }) => tracer.startActiveSpan('outer', async (outer) => {
      tracer.startSpan('inner').end();
      for (let n = 0; n < (many ?? 0); n++) tracer.startSpan('many').end();
      if (url) await call(url);
      if (marks) tracer.startActiveSpan('caught', (span) => { span.setStatus({ code: 2 }); span.end(); });
      if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (kills) { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); }
      outer.end();
      if (fails) throw new RangeError('boom');
      return { statusCode: status ?? 200 };
    });`,
};

const httpEvent = (more: object, headers: Record<string, string> = {}): object => ({
  version: '2.0',
  routeKey: 'GET /orders/{id}',
  rawPath: '/orders/42',
  rawQueryString: '',
  headers,
  requestContext: { http: { method: 'GET', path: '/orders/42', sourceIp: '192.0.2.7' } },
  ...more,
});

async function start(
  t: TestContext,
  keep: string,
  { environment = {}, ...options }: Partial<FunctionOptions> = {},
): Promise<FunctionUnderTest> {
  const fn = await startFunction({
    files: ORDERS,
    packages: ['@opentelemetry/api'],
    environment: {
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0',
      SPANSTRAP_OTLP_KEEP: keep,
      ...environment,
    },
    ...options,
  });
  t.after(() => fn[Symbol.asyncDispose]());
  return fn;
}

let traces = 0;
/** Of a trace of its own. */
const unsampled = (): string => UNSAMPLED.replace(ROOT, `1-65f1a2b3-${`${++traces}`.padStart(24, '0')}`);

async function invoke(fn: FunctionUnderTest, event: object, options: InvokeOptions = { traceHeader: unsampled() }) {
  const before = fn.otlp.spans.length;
  const result = await fn.invoke(event, options);
  return { result, spans: fn.otlp.spans.slice(before) };
}

const OWN = ['Invocation', 'Overhead', 'inner', 'outer', 'test-function'];
const namesOf = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ name }) => name).toSorted();
const serverOf = (spans: readonly ReceivedSpan[]): ReceivedSpan =>
  spans.find(({ kind }) => kind === 2) ?? assert.fail(`no SERVER in ${namesOf(spans)}`);
const reasonOf = (spans: readonly ReceivedSpan[]): unknown => serverOf(spans).flat['spanstrap.kept_because'];
const ofRequest = (fn: FunctionUnderTest, requestId: string): ReceivedSpan[] => {
  const traceId = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === requestId)?.traceId;
  return fn.otlp.spans.filter((span) => span.traceId === traceId);
};
const droppedOf = ({ flat }: ReceivedSpan): Record<string, unknown> =>
  Object.fromEntries(Object.entries(flat).filter(([name]) => name.startsWith('spanstrap.dropped')));

function assertWhole(spans: readonly ReceivedSpan[]): void {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  assert.equal(ids.size, spans.length, 'nothing is there twice');
  const roots = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId ?? ''));
  assert.deepEqual(namesOf(roots).length, 1, `one root: ${namesOf(roots)}`);
}

test('F172 errors: only failing invocations arrive, with all their spans, why they were kept, and how many were not', async (t) => {
  const fn = await start(t, 'errors');
  assert.deepEqual((await invoke(fn, {})).spans, []);
  assert.deepEqual((await invoke(fn, {})).spans, []);
  const { spans } = await invoke(fn, { fails: true });
  assert.deepEqual(namesOf(spans), OWN);
  assertWhole(spans);
  const { flat, status } = serverOf(spans);
  assert.deepEqual(
    [status?.code, flat['error.type'], flat['spanstrap.kept_because'], flat['spanstrap.not_kept_before']],
    [ERROR, 'RangeError', 'errors', 2],
  );
  assert.deepEqual(droppedOf(serverOf(spans)), {});
  assert.deepEqual((await invoke(fn, {})).spans, []);
  const again = await invoke(fn, { fails: true });
  assert.equal(serverOf(again.spans).flat['spanstrap.not_kept_before'], 1);
  assert.equal(fn.otlp.requests.length, 2, 'what is not kept costs no request');
});

test('F172 errors: a 5xx is one, a 4xx and a span of the function’s own are not', async (t) => {
  const fn = await start(t, 'errors');
  const answers = [];
  for (const event of [{ status: 404 }, { marks: true }, { status: 503 }]) {
    answers.push(namesOf((await invoke(fn, httpEvent(event))).spans));
  }
  assert.deepEqual(answers, [[], [], ['GET /orders/{id}', ...OWN.slice(0, -1)]]);
});

test('F172: what the sampler wants is as ever, and says nothing of a rule', async (t) => {
  const fn = await start(t, 'errors,cold,slow=1ms', { environment: { OTEL_TRACES_SAMPLER_ARG: '1' } });
  for (const fails of [false, true]) {
    const { spans } = await invoke(fn, { fails });
    assert.deepEqual(
      Object.keys(serverOf(spans).flat).filter((name) => /kept/.test(name)),
      [],
    );
  }
});

test('F172 slow: by its time, with the spans that were handed over long before', async (t) => {
  const fn = await start(t, 'slow=250ms', { environment: { SPANSTRAP_BATCH_SIZE: '3', SPANSTRAP_BATCH_JITTER: '0' } });
  assert.deepEqual((await invoke(fn, { fails: true })).spans, [], 'a quick failure is none of it');
  const { spans } = await invoke(fn, { waitMs: 300, many: 40 });
  assert.deepEqual(namesOf(spans), [...OWN, ...Array(40).fill('many')].toSorted());
  assertWhole(spans);
  assert.equal(reasonOf(spans), 'slow');
});

test('F172 slow: what is slow already need not wait for its end', async (t) => {
  const fn = await start(t, 'slow=50ms', { timeoutMs: 4000, environment: { SPANSTRAP_FLUSH_INTERVAL: '100ms' } });
  const open: (() => void)[] = [];
  const { port } = await startHttpServer(t, (_request, response) => void open.push(() => response.end('x')));
  await invoke(fn, {});
  const running = fn.emulator.invoke({ url: `http://127.0.0.1:${port}/` }, { traceHeader: unsampled() });
  await fn.otlp.waitFor(({ spans }) => spans.some(({ name }) => name === 'inner'), 'a span of what still runs');
  for (const answer of open) answer();
  const { idle } = await running;
  await idle;
  assert.deepEqual(
    namesOf(fn.otlp.spans).filter((name) => [...OWN, 'GET'].includes(name)),
    ['GET', ...OWN],
  );
  assertWhole(fn.otlp.spans);
  assert.equal(reasonOf(fn.otlp.spans), 'slow');
});

test('F172 cold: the first invocation, with its init', async (t) => {
  const fn = await start(t, 'cold', { environment: { SPANSTRAP_INIT_MODULES: 'off' } });
  const { spans } = await invoke(fn, {});
  const init = ['Initialization', 'extension registration', 'handler load', 'node boot', 'runtime load'];
  assert.deepEqual(namesOf(spans), [...OWN, ...init].toSorted());
  assertWhole(spans);
  assert.equal(reasonOf(spans), 'cold');
  assert.deepEqual((await invoke(fn, { fails: true })).spans, []);
});

test('F172: outgoing calls say what the sampler said, whatever becomes of the invocation', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end('ok'));
  const fn = await start(t, 'errors,cold');
  const url = `http://127.0.0.1:${server.port}/`;
  const traces: string[] = [];
  for (const [event, isKept] of [
    [{ url }, true],
    [{ url }, false],
    [{ url, fails: true }, true],
  ] as const) {
    const { spans } = await invoke(fn, event);
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
    const fn = await start(t, 'errors', { environment: { OTEL_TRACES_SAMPLER: sampler } });
    assert.deepEqual((await invoke(fn, httpEvent({}, headers), { traceHeader: header })).spans, []);
    const { spans } = await invoke(fn, httpEvent({ fails: true }, headers), { traceHeader: header });
    assert.equal(reasonOf(spans), 'errors');
    assertWhole(spans);
  });
}

test('F172: X-Ray follows its header, and has the same documents with rules and without', async (t) => {
  const withRules = await start(t, 'errors,cold,slow=1ms');
  const without = await start(t, '');
  for (const fn of [withRules, without]) {
    for (const [event, traceHeader] of [
      [{}, SAMPLED],
      [{ fails: true }, SAMPLED],
      [{ fails: true }, UNSAMPLED],
      [{ many: 30 }, SAMPLED],
    ] as const) {
      await invoke(fn, event, { traceHeader });
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
  const fn = await start(t, 'errors', {
    environment: { SPANSTRAP_MAX_QUEUED_SPANS: '50', SPANSTRAP_BATCH_SIZE: '10', SPANSTRAP_OTLP_FALLBACK: 'none' },
  });
  await invoke(fn, { many: 200 });
  const { spans } = await invoke(fn, { many: 200, fails: true });
  const begun = 200 + OWN.length;
  const next = await invoke(fn, { fails: true });
  const dropped = Number(serverOf(next.spans).flat['spanstrap.dropped.otlp.queue_full']);
  assert.ok(dropped > 0 && spans.length <= 50, `${dropped} dropped, ${spans.length} arrived`);
  assert.equal(spans.length + dropped, begun);
});

test('F172: out of time is an error: the marker before the deadline, and the spans', async (t) => {
  const fn = await start(t, 'errors', { timeoutMs: 2000 });
  const { port } = await startHttpServer(t, () => {});
  const { result, spans } = await invoke(fn, { url: `http://127.0.0.1:${port}/` });
  assert.equal(result.status, 'timeout');
  const kept = spans.filter(({ name }) => [...OWN, 'GET', 'Timeout imminent'].includes(name));
  assert.deepEqual(namesOf(kept), [...OWN, 'GET', 'Timeout imminent'].toSorted());
  assert.deepEqual([serverOf(spans).flat['spanstrap.process_end'], reasonOf(spans)], ['timeout', 'errors']);
});

test('F172: near its deadline and done after all: kept, since the marker says that something was wrong', async (t) => {
  const fn = await start(t, 'errors', { timeoutMs: 2000 });
  const { spans } = await invoke(fn, { waitMs: 1700 });
  const names = namesOf(spans);
  assert.ok(names.includes('test-function') && names.includes('outer'), names.join());
  assert.equal(reasonOf(spans), 'deadline');
});

test('F172: a crash is kept', async (t) => {
  const fn = await start(t, 'errors', {
    files: {
      'index.mjs': `export const handler = async ({ crashes }) => {
        if (!crashes) return 1;
        setTimeout(() => { throw new RangeError('boom'); });
        await new Promise(() => {});
      };`,
    },
  });
  assert.deepEqual((await invoke(fn, {})).spans, []);
  const { spans } = await invoke(fn, { crashes: true });
  assert.deepEqual(namesOf(spans), ['Invocation', 'Overhead', 'test-function']);
  assert.equal(reasonOf(spans), 'errors');
});

/** Without a span of the function's own nobody looks into an invocation while it runs. */
const PLAIN = {
  'index.mjs': `export const handler = async ({ kills, fails }) => {
    if (kills) { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); }
    if (fails) throw new RangeError('boom');
  };`,
};

for (const [what, files, begun] of [
  ['that nobody has looked into', PLAIN, ['Invocation', 'test-function']],
  [
    'with spans, some of which had ended',
    ORDERS,
    ['Invocation', 'inner', 'many', 'many', 'many', 'outer', 'test-function'],
  ],
] as const) {
  test(`F172: the next process tells of an invocation ${what} when the process was killed`, async (t) => {
    const fn = await start(t, 'errors', { files, environment: { SPANSTRAP_SPOOL_FOLDER: newFolder(t) } });
    assert.deepEqual((await invoke(fn, { many: 3 })).spans, []);
    const { result } = await invoke(fn, { kills: true, many: 3 });
    assert.equal(result.status, 'crash');
    const next = await invoke(fn, { fails: true });
    const spans = ofRequest(fn, result.requestId);
    assert.deepEqual([serverOf(spans).flat['spanstrap.process_end'], reasonOf(spans)], ['killed', 'errors']);
    for (const name of namesOf(spans)) assert.ok((begun as readonly string[]).includes(name), name);
    // The open spans are drawn again, the ended ones are lost, and counted.
    const server = next.spans.find(({ flat }) => flat['faas.invocation_id'] === next.result.requestId)!;
    const lost = begun.length - spans.length;
    assert.deepEqual(droppedOf(server), lost === 0 ? {} : { 'spanstrap.dropped.otlp.killed': lost });
    assert.deepEqual((await invoke(fn, {})).spans, []);
  });
}

test('F172: a kill between invocations loses nothing of what was not kept', async (t) => {
  const fn = await start(t, 'errors', { environment: { SPANSTRAP_SPOOL_FOLDER: newFolder(t) } });
  await invoke(fn, { many: 30 });
  const stat = `/proc/${fn.emulator.pid}/stat`;
  fn.emulator.kill('SIGKILL');
  await until(() => !existsSync(stat), 'the process is gone');
  const { spans } = await invoke(fn, { fails: true });
  assert.deepEqual(droppedOf(serverOf(spans)), {});
  assert.ok(namesOf(spans).every((name) => name !== 'many'));
});

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'spool-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('F172: several at once: each is decided for itself', async (t) => {
  const fn = await start(t, 'errors', { maxConcurrency: 8 });
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
  const fn = await start(t, 'errors', { environment: { SPANSTRAP_FLUSH_MODE: 'sync' } });
  await fn.emulator.invoke({}, { traceHeader: UNSAMPLED });
  assert.deepEqual(fn.otlp.spans, []);
  await fn.emulator.invoke({ fails: true }, { traceHeader: UNSAMPLED });
  assert.ok(namesOf(fn.otlp.spans).includes('Invocation'), 'before the answer');
});

test('F172: an init that fails is an error', async (t) => {
  const fn = await start(t, 'errors', { files: { 'index.mjs': 'throw new RangeError("not today");' } });
  await fn.invoke({});
  const roots = fn.otlp.spans.filter(({ name }) => name === 'Initialization');
  assert.deepEqual(
    roots.map(({ flat }) => [flat['error.type'], flat['spanstrap.kept_because']]),
    [
      ['RangeError', 'errors'],
      ['RangeError', 'errors'],
    ],
  );
});

test('F172: the rules may stand in the settings file', async (t) => {
  const file = `[exporter]\nkeep = ["errors", "slow=2s"]\n`;
  const fn = await start(t, '', { files: { ...ORDERS, 'otel-extension.toml': file } });
  assert.deepEqual((await invoke(fn, {})).spans, []);
  assert.equal(reasonOf((await invoke(fn, { fails: true })).spans), 'errors');
});

test('F172: rules that cannot be used cost one line, and nothing is kept', async (t) => {
  const fn = await start(t, 'errors,slow=1500');
  assert.deepEqual((await invoke(fn, { fails: true })).spans, []);
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
    const fn = await start(t, 'errors,slow=2s', { environment: { SPANSTRAP_DOCTOR: '1' } });
    await invoke(fn, event);
    assert.match(fn.emulator.logs.join('\n'), expected);
  });
}
