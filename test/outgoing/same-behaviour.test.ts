// The user's calls behave as without us: same results, same errors, same bytes apart from our headers; and each is one span.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { findClosedPort } from '../support/tcp-server.ts';
import { callsOf, clientSpans, HEADER, startDownstream } from './outgoing-stand.ts';
import { type RawServer, startRawServer } from './raw-server.ts';

const FUNCTION = readFileSync(new URL('functions/odd-calls.mjs', import.meta.url), 'utf8');
const OURS = /^(?:traceparent|x-amzn-trace-id): [^\r\n]*\r\n/gim;

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
let server: RawServer;
let traced: FunctionUnderTest;
let untraced: FunctionUnderTest;
let addresses: object;

before(async () => {
  server = await startRawServer(scope);
  const downstream = await startDownstream(scope);
  const options = {
    files: { 'index.mjs': FUNCTION },
    timeoutMs: 30_000,
    environment: downstream.tls && { NODE_EXTRA_CA_CERTS: downstream.tls.caFile },
  };
  traced = await startFunction({ ...options, environment: { ...options.environment } });
  untraced = await startFunction({ ...options, environment: { ...options.environment, SPANSTRAP_DISABLED: 'true' } });
  const { port, http2Url } = server;
  const url = `http://127.0.0.1:${port}/`;
  const closedUrl = `http://127.0.0.1:${await findClosedPort()}/`;
  addresses = { url, closedUrl, host: '127.0.0.1', port, http2Url, httpsUrl: downstream.tls?.url };
});

after(async () => {
  await traced[Symbol.asyncDispose]();
  await untraced[Symbol.asyncDispose]();
  for (const work of cleanUp) await work();
});

type Call = { readonly result: unknown; readonly requests: string[]; readonly http2: unknown[] };

async function call(fn: FunctionUnderTest, name: string): Promise<Call> {
  server.requests.length = 0;
  server.http2Requests.length = 0;
  const result = await fn.invoke({ ...addresses, name }, { traceHeader: HEADER });
  return { result: result.json(), requests: [...server.requests], http2: [...server.http2Requests] };
}

const withoutOurs = (headers: object): object =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !/^(?:traceparent|x-amzn-trace-id)$/.test(name)));

const NOT_TRACED_AT_ALL = /^a URL that is none$|^a header that is none$|^http2, headers that are none$/;

type Expected = {
  readonly name?: string;
  readonly spans?: number;
  readonly status?: number;
  readonly error?: string;
  readonly isError?: boolean;
  /** The caller has taken our headers away, as he may. */
  readonly hasNoTrace?: true;
};

/** Where a span differs from one plain GET with status 200. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  'headers as a list, with a body': { name: 'POST' },
  'expect: 100-continue': { name: 'PUT' },
  'the trace is removed again': { hasNoTrace: true },
  'all headers are removed': { name: 'POST', hasNoTrace: true },
  'headers sent at once': { name: 'POST' },
  'a chunked body': { name: 'POST' },
  'an agent that keeps connections': { spans: 3 },
  'a method that nobody knows': { name: 'HTTP' },
  'a client error': { status: 404, error: '404' },
  'a server error': { status: 503, error: '503' },
  'nobody listens': { error: 'ECONNREFUSED' },
  'a host that does not exist': { error: 'ENOTFOUND' },
  'aborted by a signal': { isError: false },
  'destroyed without a reason': { isError: false },
  'aborted before it began': { isError: false },
  'a timeout': { error: 'ETIMEDOUT' },
  'a timeout with a reason': { error: 'SLOW' },
  'the server hangs up': { error: 'ECONNRESET' },
  'the response breaks off': { status: 200, error: 'ECONNRESET' },
  'fetch with a body': { name: 'POST' },
  'fetch a client error': { status: 404, error: '404' },
  'fetch, nobody listens': { error: 'ECONNREFUSED' },
  'fetch, aborted': { isError: false },
  'fetch, timed out': { error: 'TimeoutError' },
  'fetch, redirected': { spans: 2, status: 302 },
  'fetch, redirected in a circle': { spans: 21, status: 302 },
  'http2, cancelled': { isError: false },
  'http2, a header that is none': { error: 'ERR_HTTP2_INVALID_PSEUDOHEADER' },
};

function check(name: string, spans: ReturnType<typeof clientSpans>): void {
  const {
    name: spanName = 'GET',
    spans: count = 1,
    status,
    error,
    isError = error !== undefined,
  } = EXPECTED[name] ?? {};
  assert.deepEqual(
    spans.map((span) => span.name),
    Array.from({ length: count }, () => spanName),
  );
  const span = spans[0]!;
  const hasAnswer = status !== undefined || (error === undefined && EXPECTED[name]?.isError === undefined);
  assert.equal(span.flat['http.response.status_code'], hasAnswer ? (status ?? 200) : undefined);
  assert.equal(span.flat['error.type'], error);
  assert.equal(span.status?.code === 2, isError, JSON.stringify(span.status));
}

test('every call, traced and untraced', async (t) => {
  const names = (await untraced.invoke({})).json() as string[];
  assert.ok(names.length > 40);
  for (const name of Object.keys(EXPECTED)) assert.ok(names.includes(name), name);
  for (const name of names) {
    await t.test(name, async () => {
      const without = await call(untraced, name);
      traced.otlp.clear();
      traced.xray.clear();
      const withUs = await call(traced, name);
      assert.deepEqual(withUs.result, without.result);
      assert.deepEqual(
        withUs.requests.map((request) => request.replace(OURS, '')),
        without.requests,
      );
      assert.deepEqual(
        withUs.http2.map((headers) => withoutOurs(headers as object)),
        without.http2,
      );
      const spans = clientSpans(traced);
      if (NOT_TRACED_AT_ALL.test(name)) return assert.deepEqual(spans, []);
      check(name, spans);
      // Asked of the session before it is connected.
      if (name.startsWith('http2')) assert.equal(spans[0]!.flat['server.port'], Number(new URL(server.http2Url).port));
      assert.equal(callsOf(traced).length, spans.length, 'as many subsegments as spans');
      assert.deepEqual(traced.xray.violations, []);
      const ids = new Set(spans.map(({ spanId }) => spanId));
      if (EXPECTED[name]?.hasNoTrace) return assert.doesNotMatch(withUs.requests.join(), OURS);
      for (const request of withUs.requests) {
        const [, parent] = /\r\ntraceparent: 00-[0-9a-f]{32}-([0-9a-f]{16})-01\r\n/.exec(request) ?? [];
        assert.ok(parent !== undefined && ids.delete(parent), `${request}\n${[...ids]}`);
        assert.ok(request.includes(`;Parent=${parent};Sampled=1;Lineage=1:a87bd80c:0\r\n`), request);
      }
    });
  }
});
