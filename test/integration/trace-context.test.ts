// Trace context on its way through a function: read from the invocation in any wanted format, active in the handler, handed on with
// outgoing calls.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { InvokeOptions } from '../../local/emulator/invocation.ts';
import type { ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';

const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
const TRACE = '65f1a2b30123456789abcdef01234567';
const PARENT = '53995c3f42cd8ad8';
const SAMPLED = `Root=${ROOT};Parent=${PARENT};Sampled=1;Lineage=1:a87bd80c:0;Self=1-65f1a2b4-0123456789abcdef01234567`;
const UNSAMPLED = SAMPLED.replace('Sampled=1', 'Sampled=0');
const W3C_TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const W3C_PARENT = '00f067aa0ba902b7';
const TRACEPARENT = `00-${W3C_TRACE}-${W3C_PARENT}-01`;
const B3_TRACE = '80f198ee56343ba864fe8b2a57d3eff7';
const B3_PARENT = 'e457b5a2e4d86bd1';

/** An API Gateway HTTP API event, payload 2.0. */
const httpEvent = (headers: Record<string, string>, more: object = {}): object => ({
  version: '2.0',
  routeKey: 'GET /orders/{id}',
  rawPath: '/orders/42',
  rawQueryString: '',
  headers,
  requestContext: { http: { method: 'GET', path: '/orders/42', sourceIp: '192.0.2.7' } },
  ...more,
});

/** Calls the URL in the event, and says what it sees of its context. */
const CALLING = {
  'index.mjs': `
    import { get } from 'node:http';
    import { context, propagation } from '@opentelemetry/api';
    const call = (url) => new Promise((resolve, reject) => get(url, (response) => response.resume().on('end', resolve)).on('error', reject));
    export const handler = async ({ url, asks }) => {
      if (url) await call(url);
      const tenant = asks ? propagation.getBaggage(context.active())?.getEntry('tenant')?.value : undefined;
      return { statusCode: 200, tenant, traceHeader: process.env._X_AMZN_TRACE_ID };
    };`,
};

type Stand = { readonly fn: FunctionUnderTest; readonly server: HttpServer; readonly url: string };

async function stand(
  t: TestContext,
  environment: Record<string, string> = {},
  files: Record<string, string> = CALLING,
): Promise<Stand> {
  const server = await startHttpServer(t, (_request, response) => response.end('ok'));
  const fn = await startFunction({ files, environment, packages: ['@opentelemetry/api'] });
  t.after(() => fn[Symbol.asyncDispose]());
  return { fn, server, url: `http://127.0.0.1:${server.port}/` };
}

async function invoke({ fn }: Stand, event: object, options: InvokeOptions = { traceHeader: SAMPLED }) {
  const before = fn.otlp.spans.length;
  const result = await fn.invoke(event, options);
  const spans: readonly ReceivedSpan[] = fn.otlp.spans.slice(before);
  const server = spans.find(({ kind }) => kind === 2);
  return { result, answer: JSON.parse(result.payload.toString()), spans, server };
}

const followed = (server: ReceivedSpan | undefined): string => `${server?.traceId}-${server?.parentSpanId ?? ''}`;

const b3Headers = { b3: `${B3_TRACE}-${B3_PARENT}-1` };
const datadogHeaders = {
  'x-datadog-trace-id': String(BigInt(`0x${W3C_TRACE.slice(16)}`)),
  'x-datadog-parent-id': String(BigInt(`0x${W3C_PARENT}`)),
  'x-datadog-sampling-priority': '1',
  'x-datadog-tags': `_dd.p.tid=${W3C_TRACE.slice(0, 16)}`,
};

for (const [propagators, headers, expected] of [
  ['', { traceparent: TRACEPARENT, ...b3Headers }, `${W3C_TRACE}-${W3C_PARENT}`],
  ['', b3Headers, `${TRACE}-`],
  ['tracecontext,baggage,xray,b3', b3Headers, `${B3_TRACE}-${B3_PARENT}`],
  ['b3multi', { 'x-b3-traceid': B3_TRACE, 'x-b3-spanid': B3_PARENT, 'x-b3-sampled': '1' }, `${B3_TRACE}-${B3_PARENT}`],
  ['xray-lambda,datadog', datadogHeaders, `${W3C_TRACE}-${W3C_PARENT}`],
  ['xray', { traceparent: TRACEPARENT }, `${TRACE}-`],
] as const) {
  test(`OTEL_PROPAGATORS=${propagators}: of ${Object.keys(headers).join(', ')} and Lambda’s header it follows ${expected}`, async (t) => {
    const at = await stand(t, { OTEL_PROPAGATORS: propagators });
    const { server } = await invoke(at, httpEvent(headers));
    assert.equal(followed(server), expected);
    for (const document of at.fn.xray.documents) {
      assert.equal(document.trace_id, ROOT, 'X-Ray follows Lambda’s header');
      assert.equal(document['parent_id'], PARENT);
    }
  });
}

test('OTEL_PROPAGATORS=none: a trace of its own, and none that goes on, but X-Ray’s where X-Ray is drawn', async (t) => {
  const at = await stand(t, { OTEL_PROPAGATORS: 'none' });
  const { server } = await invoke(at, httpEvent({ traceparent: TRACEPARENT }, { url: at.url }));
  assert.equal(server?.parentSpanId, undefined);
  assert.ok(![TRACE, W3C_TRACE].includes(server!.traceId));
  const [sampled] = at.server.requests;
  assert.equal(sampled?.headers['traceparent'], undefined);
  assert.match(String(sampled?.headers['x-amzn-trace-id']), new RegExp(`^Root=${ROOT};`));
  await invoke(at, httpEvent({}, { url: at.url }), { traceHeader: UNSAMPLED });
  assert.equal(at.server.requests[1]?.headers['x-amzn-trace-id'], undefined);
});

test('B3 goes on in the form that was asked for', async (t) => {
  for (const [propagators, names] of [
    ['b3', ['b3']],
    ['b3multi', ['x-b3-traceid', 'x-b3-spanid', 'x-b3-sampled']],
  ] as const) {
    const at = await stand(t, { OTEL_PROPAGATORS: propagators });
    const { spans } = await invoke(at, httpEvent(b3Headers, { url: at.url }), { traceHeader: null });
    const [{ headers } = assert.fail('no call arrived')] = at.server.requests;
    const caller = spans.find(({ kind }) => kind === 3)!;
    assert.equal(names.map((name) => headers[name]).join('-'), `${B3_TRACE}-${caller.spanId}-1`);
    assert.equal(headers['traceparent'], undefined);
  }
});

for (const [what, environment, traceHeader] of [
  ['recorded', {}, SAMPLED],
  ['not recorded', { OTEL_TRACES_SAMPLER: 'always_off' }, UNSAMPLED],
] as const) {
  test(`${what}: baggage, tracestate and every field of Lambda’s header go on with an outgoing call`, async (t) => {
    const at = await stand(t, environment);
    const baggage = 'tenant=acme;p=1, user=42';
    const headers = { traceparent: TRACEPARENT, tracestate: 'congo=t61rcWkgMzE,rojo=1', baggage };
    await invoke(at, httpEvent(headers, { url: at.url }), { traceHeader });
    const [{ headers: sent } = assert.fail('no call arrived')] = at.server.requests;
    assert.equal(sent['baggage'], baggage);
    assert.equal(sent['tracestate'], headers.tracestate);
    assert.match(String(sent['traceparent']), new RegExp(`^00-${W3C_TRACE}-`));
    const [, parent, ...rest] = String(sent['x-amzn-trace-id']).split(';');
    const [, , ...expected] = traceHeader.split(';');
    assert.deepEqual(rest, expected, 'Sampled, Lineage and what is unknown stay as they were');
    assert.equal(parent === `Parent=${PARENT}`, what === 'not recorded');
  });
}

test('user code finds the caller’s baggage by the OpenTelemetry API', async (t) => {
  const at = await stand(t);
  const { answer } = await invoke(at, httpEvent({ baggage: 'tenant=acme%20inc' }, { asks: true }));
  assert.equal(answer.tenant, 'acme inc');
});

test('a header with Root alone gives OTLP its trace id, X-Ray nothing, and goes on as it is', async (t) => {
  const at = await stand(t);
  const traceHeader = `Root=${ROOT};Lineage=1:a87bd80c:0`;
  const { server, answer } = await invoke(at, httpEvent({}, { url: at.url }), { traceHeader });
  assert.equal(followed(server), `${TRACE}-`);
  assert.deepEqual(at.fn.xray.documents, []);
  assert.equal(answer.traceHeader, traceHeader);
  assert.equal(at.server.requests[0]?.headers['x-amzn-trace-id'], traceHeader);
});

test('W3C headers of the platform, should there ever be any: followed, and in the invoke store as ours', async (t) => {
  const files = {
    'index.mjs': `export const handler = async () => ({ statusCode: 200, traceparent: awslambda.InvokeStore.getTraceparent(), baggage: awslambda.InvokeStore.getBaggage() });`,
  };
  const at = await stand(t, {}, files);
  const { server, spans, answer } = await invoke(
    at,
    { order: 1 },
    {
      traceHeader: SAMPLED,
      headers: { traceparent: TRACEPARENT, baggage: 'tenant=acme' },
    },
  );
  assert.equal(followed(server), `${W3C_TRACE}-${W3C_PARENT}`);
  const invocation = spans.find(({ name }) => name === 'Invocation')!;
  assert.equal(answer.traceparent, `00-${W3C_TRACE}-${invocation.spanId}-01`);
  assert.equal(answer.baggage, 'tenant=acme');
});

for (const [rule, expected, links] of [
  ['keep', `${TRACE}-${PARENT}`, []],
  ['root', `${TRACE}-`, []],
  ['lead', `${TRACE}-${PARENT}`, [`${W3C_TRACE}-${W3C_PARENT}`]],
] as const) {
  test(`SPANSTRAP_OTLP_XRAY_PARENT=${rule}`, async (t) => {
    const at = await stand(t, { SPANSTRAP_OTLP_XRAY_PARENT: rule });
    const { server } = await invoke(at, httpEvent(rule === 'lead' ? { traceparent: TRACEPARENT } : {}));
    assert.equal(followed(server), expected);
    assert.deepEqual(
      (server?.links ?? []).map(({ traceId, spanId }) => `${traceId}-${spanId}`),
      links,
    );
  });
}

const EXTRACTOR = {
  ...CALLING,
  'lib/trace/find.mjs': `export const extract = (event, { awsRequestId }) => event.fails ? nothing : { traceparent: event.order?.trace, baggage: 'request=' + awsRequestId };`,
};

test('a user’s own extractor finds what nobody else can; its failure costs one line', async (t) => {
  const at = await stand(t, { SPANSTRAP_CONTEXT_EXTRACTOR: 'lib/trace/find.extract' }, EXTRACTOR);
  const found = await invoke(
    at,
    { order: { trace: TRACEPARENT }, url: at.url },
    { traceHeader: SAMPLED, requestId: 'r-7' },
  );
  assert.equal(followed(found.server), `${W3C_TRACE}-${W3C_PARENT}`);
  assert.equal(at.server.requests[0]?.headers['baggage'], 'request=r-7');
  const nothing = await invoke(at, { order: {} });
  assert.equal(followed(nothing.server), `${TRACE}-`);
  for (let times = 0; times < 3; times++) {
    const failed = await invoke(at, { fails: true });
    assert.equal(failed.result.status, 'success');
    assert.equal(followed(failed.server), `${TRACE}-`);
  }
  const lines = at.fn.emulator.logs.filter((line) => line.includes('context extractor'));
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /the context extractor failed: ReferenceError: nothing is not defined/);
});

for (const [what, name, files] of [
  ['is not there', 'lib/missing.extract', CALLING],
  ['has no such export', 'lib/trace/find.other', EXTRACTOR],
  ['throws while it is loaded', 'broken.extract', { ...CALLING, 'broken.mjs': 'throw new Error("not today");' }],
] as const) {
  test(`an extractor that ${what} costs one line, and the function works`, async (t) => {
    const at = await stand(t, { SPANSTRAP_CONTEXT_EXTRACTOR: name }, files);
    const { result, server } = await invoke(at, httpEvent({ traceparent: TRACEPARENT }));
    assert.equal(result.status, 'success');
    assert.equal(followed(server), `${W3C_TRACE}-${W3C_PARENT}`);
    const lines = at.fn.emulator.logs.filter((line) => line.includes('context extractor'));
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.ok(lines[0]!.includes(name));
  });
}

for (const [sampler, argument, header, traceparent, isRecorded] of [
  ['always_on', '', UNSAMPLED, undefined, true],
  ['always_off', '', SAMPLED, undefined, false],
  ['traceidratio', '0', SAMPLED, TRACEPARENT, false],
  ['traceidratio', '1', UNSAMPLED, TRACEPARENT.replace(/01$/, '00'), true],
  ['parentbased_always_on', '', UNSAMPLED, TRACEPARENT.replace(/01$/, '00'), false],
  ['parentbased_always_on', '', UNSAMPLED, undefined, true],
  ['parentbased_always_off', '', UNSAMPLED, TRACEPARENT, true],
  ['parentbased_traceidratio', '0', SAMPLED, undefined, false],
  ['xray', '', SAMPLED, TRACEPARENT.replace(/01$/, '00'), true],
  ['xray', '', UNSAMPLED, TRACEPARENT, false],
] as const) {
  const parent = traceparent === undefined ? 'no parent' : `a parent with flag ${traceparent.slice(-2)}`;
  test(`OTEL_TRACES_SAMPLER=${sampler} ${argument}, ${parent}, ${/Sampled=\d/.exec(header)}: OTLP ${isRecorded ? 'has' : 'has not'} the spans`, async (t) => {
    const at = await stand(t, { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: argument });
    const { spans } = await invoke(at, httpEvent(traceparent === undefined ? {} : { traceparent }), {
      traceHeader: header,
    });
    assert.equal(spans.length > 0, isRecorded);
    assert.equal(at.fn.xray.documents.length > 0, header === SAMPLED, 'X-Ray keeps to its header');
  });
}
