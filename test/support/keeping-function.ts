// A function on the built layer whose sampler wants nothing, with rules of what is kept all the same; and what arrives of it.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { InvokeOptions } from '../../local/emulator/invocation.ts';
import type { ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from './function-under-test.ts';

const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
export const SAMPLED = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=1`;
export const UNSAMPLED = SAMPLED.replace('Sampled=1', 'Sampled=0');

/** A span around a span, a call if there is a URL, and then what the event asks for. */
export const ORDERS = {
  'index.mjs': `
    import { get } from 'node:http';
    import { trace } from '@opentelemetry/api';
    const tracer = trace.getTracer('orders');
    const call = (url) => new Promise((resolve, reject) => get(url, (response) => response.resume().on('end', resolve)).on('error', reject));
    export const handler = ({ fails, status, waitMs, url, many, marks, kills, blocks }) => tracer.startActiveSpan('outer', async (outer) => {
      tracer.startSpan('inner').end();
      for (let n = 0; n < (many ?? 0); n++) tracer.startSpan('many').end();
      if (url) await call(url);
      if (marks) tracer.startActiveSpan('caught', (span) => { span.setStatus({ code: 2 }); span.end(); });
      if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (kills) { process.kill(process.pid, 'SIGKILL'); await new Promise(() => {}); }
      while (blocks);
      outer.end();
      if (fails) throw new RangeError('boom');
      return { statusCode: status ?? 200 };
    });`,
};

export async function startKeeping(
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
export const unsampled = (): string => UNSAMPLED.replace(ROOT, `1-65f1a2b3-${`${++traces}`.padStart(24, '0')}`);

export async function invokeOnce(
  fn: FunctionUnderTest,
  event: object,
  options: InvokeOptions = { traceHeader: unsampled() },
) {
  const before = fn.otlp.spans.length;
  const result = await fn.invoke(event, options);
  return { result, spans: fn.otlp.spans.slice(before) };
}

export const OWN = ['Invocation', 'Overhead', 'inner', 'outer', 'test-function'];
export const namesOf = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ name }) => name).toSorted();
export const serverOf = (spans: readonly ReceivedSpan[]): ReceivedSpan =>
  spans.find(({ kind }) => kind === 2) ?? assert.fail(`no SERVER in ${namesOf(spans)}`);
export const reasonOf = (spans: readonly ReceivedSpan[]): unknown => serverOf(spans).flat['spanstrap.kept_because'];
export const ofRequest = (fn: FunctionUnderTest, requestId: string): ReceivedSpan[] => {
  const traceId = fn.otlp.spans.find(({ flat }) => flat['faas.invocation_id'] === requestId)?.traceId;
  return fn.otlp.spans.filter((span) => span.traceId === traceId);
};
export const droppedOf = ({ flat }: ReceivedSpan): Record<string, unknown> =>
  Object.fromEntries(Object.entries(flat).filter(([name]) => name.startsWith('spanstrap.dropped')));

export function assertWhole(spans: readonly ReceivedSpan[]): void {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  assert.equal(ids.size, spans.length, 'nothing is there twice');
  const roots = spans.filter(({ parentSpanId }) => !ids.has(parentSpanId ?? ''));
  assert.deepEqual(namesOf(roots).length, 1, `one root: ${namesOf(roots)}`);
}
