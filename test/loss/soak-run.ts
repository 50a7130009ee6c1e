// One environment, invoked very often, with backends that fail now and then: what grows is measured between the invocations.

import { readdirSync } from 'node:fs';
import { openFaultProxy, type WireFault } from '../../local/fault-proxy.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';

export type SoakPoint = {
  readonly invocations: number;
  /** After collections, bytes. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Open files, sockets, pipes. */
  readonly descriptors: number;
  /** On `process`, by event. */
  readonly listeners: Readonly<Record<string, number>>;
  /** What the event loop looks after, by kind. */
  readonly resources: Readonly<Record<string, number>>;
};

export type SoakReport = {
  readonly points: readonly SoakPoint[];
  readonly seconds: number;
  readonly spans: number;
  readonly dropped: Readonly<Record<string, unknown>>;
  readonly processes: number;
};

/** Spans that end, one that does not, and one of a call; what it is asked for it says of its process. */
const FUNCTION = {
  'index.mjs': `
    import { trace } from '@opentelemetry/api';
    const tracer = trace.getTracer('soak');
    const count = (names) => {
      const counts = {};
      for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
      return counts;
    };
    export const handler = async ({ n, measures }) => {
      if (measures) {
        for (let round = 0; round < 4; round++) gc();
        const { heapUsed, external, rss } = process.memoryUsage();
        const listeners = Object.fromEntries(process.eventNames().map((name) => [String(name), process.listenerCount(name)]));
        return { heapBytes: heapUsed + external, residentBytes: rss, listeners, resources: count(process.getActiveResourcesInfo()) };
      }
      return tracer.startActiveSpan('outer', (outer) => {
        tracer.startSpan('inner', { attributes: { n } }).end();
        if (n % 2 === 0) tracer.startSpan('never ended');
        outer.end();
        return { n };
      });
    };`,
};

/** The same one every time: glibc's setenv keeps each value that a variable ever had (docs/decisions/trace-id-variable.md). */
const TRACE = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1';
/** Every so many invocations something goes wrong, for a few of them. */
const FAULT_EVERY = 250;
const FAULT_LASTS = 3;
const FAULTS: readonly WireFault[] = [
  { kind: 'down' },
  { kind: 'answer', status: 503 },
  { kind: 'reset' },
  { kind: 'half answer', bytes: 20 },
  { kind: 'answer', status: 400 },
];

/** `pointAt`: after so many invocations each a measurement is made; the first one is behind the warm-up. */
export async function soak(
  invocations: number,
  pointAt: number,
  onPoint: (point: SoakPoint) => void = () => {},
): Promise<SoakReport> {
  const startedAt = performance.now();
  await using stand = await Stand.start();
  const points: SoakPoint[] = [];
  for (let n = 1; n <= invocations; n++) {
    await stand.invoke(n);
    if (n % pointAt !== 0) continue;
    points.push(await stand.measure(n));
    onPoint(points.at(-1)!);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  return { points, seconds, spans: stand.spans, dropped: stand.dropped, processes: stand.processes };
}

class Stand {
  readonly #fn: FunctionUnderTest;
  readonly #proxy: Awaited<ReturnType<typeof openFaultProxy>>;
  spans = 0;
  dropped: Readonly<Record<string, unknown>> = {};
  #faults = 0;

  private constructor(fn: FunctionUnderTest, proxy: Awaited<ReturnType<typeof openFaultProxy>>) {
    this.#fn = fn;
    this.#proxy = proxy;
  }

  static async start(): Promise<Stand> {
    const variables: Record<string, string> = {};
    const fn = await startFunction({
      files: FUNCTION,
      packages: ['@opentelemetry/api'],
      memoryMb: 256,
      platformEnvironment: variables,
    });
    const proxy = await openFaultProxy(Number(new URL(fn.otlp.url).port));
    Object.assign(variables, {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${proxy.port}`,
      SPANSTRAP_OTLP_FALLBACK: 'none',
      SPANSTRAP_SPOOL_FOLDER: fn.taskRoot,
      // The trace header of the environment is another one with each span id of ours.
      SPANSTRAP_XRAY_MODE: 'attach',
    });
    return new Stand(fn, proxy);
  }

  get processes(): number {
    return this.#fn.emulator.generation;
  }

  async invoke(n: number): Promise<void> {
    if (n % FAULT_EVERY === 0) await this.#proxy.set(FAULTS[this.#faults++ % FAULTS.length]!);
    if (n % FAULT_EVERY === FAULT_LASTS) await this.#proxy.heal();
    await this.#call({ n });
    if (n % 1000 === 0) this.#forget();
  }

  async measure(invocations: number): Promise<SoakPoint> {
    await this.#proxy.heal();
    // What waited while something was wrong leaves with the first of these.
    for (let round = 0; round < 3; round++) await this.#call({ n: 1 });
    const said = await this.#call({ measures: true });
    this.#forget();
    const { pid, logs } = this.#fn.emulator;
    logs.length = 0;
    return { ...said, invocations, descriptors: readdirSync(`/proc/${pid}/fd`).length } as SoakPoint;
  }

  /** Nothing is kept here of what has arrived, but for its number. */
  #forget(): void {
    const { otlp, xray } = this.#fn;
    for (const { flat, kind } of otlp.spans) {
      this.spans++;
      if (kind !== 2) continue;
      const losses = Object.entries(flat).filter(([name]) => /^spanstrap\.(dropped|resent)/.test(name));
      this.dropped = { ...this.dropped, ...Object.fromEntries(losses) };
    }
    otlp.clear();
    xray.clear();
  }

  async #call(event: unknown): Promise<Record<string, unknown>> {
    const result = await this.#fn.emulator.invoke(event, { traceHeader: TRACE });
    await result.idle;
    return result.json() as Record<string, unknown>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#fn[Symbol.asyncDispose]();
    await this.#proxy.close();
  }
}

/** Bytes that a thousand invocations add, by the straight line through the points (least squares). */
export function slopeOf(points: readonly SoakPoint[], value: (point: SoakPoint) => number): number {
  const mean = (numbers: readonly number[]): number =>
    numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const xs = points.map(({ invocations }) => invocations / 1000);
  const ys = points.map(value);
  const [meanX, meanY] = [mean(xs), mean(ys)];
  const covariance = xs.reduce((sum, x, index) => sum + (x - meanX) * (ys[index]! - meanY), 0);
  return covariance / xs.reduce((sum, x) => sum + (x - meanX) ** 2, 0);
}

/** What of the last point is more than in the first: descriptors, listeners and resources. */
export function leaksOf(points: readonly SoakPoint[]): string[] {
  const [first, last] = [points[0]!, points.at(-1)!];
  const grown = (what: string, before: Readonly<Record<string, number>>, after: Readonly<Record<string, number>>) =>
    Object.entries(after)
      .filter(([name, count]) => count > (before[name] ?? 0))
      .map(([name, count]) => `${what} ${name}: ${before[name] ?? 0} -> ${count}`);
  return [
    ...grown('', { descriptors: first.descriptors }, { descriptors: last.descriptors }),
    ...grown('listeners of', first.listeners, last.listeners),
    ...grown('resource', first.resources, last.resources),
  ];
}
