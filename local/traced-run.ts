// A function under the emulator with both sinks: invoke it, and have its response, its log lines and its traces in hand,
// complete, at the moment the environment is idle.

import { type Emulator, startEmulator } from './emulator/emulator.ts';
import type { EmulatorOptions } from './emulator/emulator-options.ts';
import type { Idle, InvocationResult, InvokeOptions } from './emulator/invocation.ts';
import { type OtlpRequest, type OtlpSink, openOtlpSink, spansOf } from './sinks/otlp-sink.ts';
import { type Datagram, openXraySink, type XraySink } from './sinks/xray-sink.ts';
import { spansOfDocuments, spansOfOtlp, type TraceSpan } from './trace-tree.ts';

export type TraceTarget = 'xray' | 'otlp';

export type TracedRunOptions = Omit<EmulatorOptions, 'xrayDaemonAddress'> & {
  /** Where traces may go; both when not given. */
  readonly targets?: readonly TraceTarget[];
};

/** What arrived during some span of time. */
export type Arrivals = {
  readonly logs: readonly string[];
  readonly datagrams: readonly Datagram[];
  readonly otlpRequests: readonly OtlpRequest[];
  readonly xraySpans: readonly TraceSpan[];
  readonly otlpSpans: readonly TraceSpan[];
};

/** One invocation with everything that arrived because of it. */
export type TracedInvocation = Arrivals & { readonly result: InvocationResult; readonly idle: Idle };

export class TracedRun {
  readonly emulator: Emulator;
  readonly xray: XraySink;
  readonly otlp: OtlpSink;

  constructor(emulator: Emulator, xray: XraySink, otlp: OtlpSink) {
    this.emulator = emulator;
    this.xray = xray;
    this.otlp = otlp;
  }

  /** Invokes and waits until the environment is idle: by then the flush is complete, and what was sent lies in the sockets. */
  async invoke(event: unknown, options?: InvokeOptions): Promise<TracedInvocation> {
    const arrivals = this.#watch();
    const result = await this.emulator.invoke(event, options);
    const idle = await result.idle;
    return { result, idle, ...(await arrivals()) };
  }

  /** Ends the environment by Lambda's rules; what it still sent is returned. */
  async shutdown(): Promise<Arrivals> {
    const arrivals = this.#watch();
    await this.emulator.shutdown('spindown');
    return arrivals();
  }

  async close(): Promise<void> {
    await this.emulator[Symbol.asyncDispose]();
    await Promise.all([this.xray.close(), this.otlp.close()]);
  }

  /** From now on: the function that is returned hands out what has come since. */
  #watch(): () => Promise<Arrivals> {
    const { emulator, xray, otlp } = this;
    const [logCount, datagramCount, requestCount] = [emulator.logs, xray.datagrams, otlp.requests].map(
      ({ length }) => length,
    );
    return async () => {
      await xray.drain();
      const datagrams = xray.datagrams.slice(datagramCount);
      const otlpRequests = otlp.requests.slice(requestCount);
      return {
        logs: emulator.logs.slice(logCount),
        datagrams,
        otlpRequests,
        xraySpans: spansOfDocuments(datagrams.flatMap(({ document }) => document ?? [])),
        otlpSpans: spansOfOtlp(spansOf(otlpRequests.flatMap(({ resourceSpans }) => resourceSpans))),
      };
    };
  }
}

/** Opens sinks and emulator, and points the function at them. Close it, or process and ports stay. */
export async function startTracedRun({ targets = ['xray', 'otlp'], ...options }: TracedRunOptions): Promise<TracedRun> {
  const xray = await openXraySink();
  const otlp = await openOtlpSink();
  const hasXray = targets.includes('xray');
  try {
    const emulator = await startEmulator({
      tracing: hasXray ? 'active' : 'passthrough',
      ...options,
      ...(hasXray && { xrayDaemonAddress: xray.address }),
      environment: {
        ...(targets.includes('otlp') && { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url }),
        ...options.environment,
      },
    });
    return new TracedRun(emulator, xray, otlp);
  } catch (error) {
    await Promise.all([xray.close(), otlp.close()]);
    throw error;
  }
}
