// One environment of the ledger: the function on the built layer, a proxy that misbehaves before the OTLP sink, a daemon that comes
// and goes. It runs cells of the matrix one after the other and knows everything that came of them.

import { join } from 'node:path';
import { type FaultProxy, openFaultProxy, type WireFault } from '../../local/fault-proxy.ts';
import { type OtlpSink, openOtlpSink, type ReceivedSpan } from '../../local/sinks/otlp-sink.ts';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import type { Certificates } from '../support/certificates.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import type { Backend, Cell, End, Freeze, Mode } from './fault-matrix.ts';
import { LEDGER_FUNCTION, LEDGER_VARIABLE, SPANS_PER_INVOCATION } from './ledger-function.ts';

export type LedgerTls = {
  readonly good: Certificates;
  /** Of a server whose certificate the function has no reason to trust. */
  readonly badPort: number;
};

/** An invocation, as whoever made it knows it. */
export type Entry = {
  readonly cell: Cell | undefined;
  readonly end: End;
  readonly first: number;
  readonly traceId: string;
  readonly isFirstOfProcess: boolean;
  readonly isDaemonThere: boolean;
  /** Environments before it: their losses are counted by themselves. */
  readonly epoch: number;
  readonly status: string;
  /** What the caller got, without what differs from run to run. */
  readonly answer: string;
};

/** Of an export: where nobody answers it passes every time, elsewhere it must not, on a busy machine either. */
const HANGING_TIMEOUT_MS = 150;
const OTLP_TIMEOUT_MS = 500;
/** Long enough for the alarms before the deadline. */
const TIMEOUT_MS = 600;
const SERVER = 2;
const SPAN_NAME = /^span (\d+)$/;

const WIRE_FAULTS: Readonly<Record<Backend, WireFault>> = {
  healthy: { kind: 'none' },
  down: { kind: 'down' },
  slow: { kind: 'slow', delayMs: 20 },
  hanging: { kind: 'hanging' },
  '429': { kind: 'answer', status: 429, headers: { 'retry-after': '1' } },
  '500': { kind: 'answer', status: 500 },
  'half-written response': { kind: 'half answer', bytes: 40 },
  'connection reset': { kind: 'reset', isForwarded: true },
  'DNS failure': { kind: 'none' },
  'TLS failure': { kind: 'none' },
  'daemon gone': { kind: 'none' },
};

export type LossSources = { readonly roots: readonly ReceivedSpan[]; readonly lines: readonly string[] };

export class LedgerEnvironment {
  readonly entries: Entry[] = [];
  readonly fn: FunctionUnderTest;
  readonly #backend: Backend;
  readonly #sink: OtlpSink;
  readonly proxy: FaultProxy;
  readonly #badPort: number | undefined;
  /** Read by the emulator at the start of every process. */
  readonly #variables: Record<string, string>;
  #serial = 1;
  #isDaemonThere = true;
  /** Where the log of each environment begins. */
  readonly #logStarts = [0];
  #generation = 0;

  private constructor(parts: {
    fn: FunctionUnderTest;
    backend: Backend;
    sink: OtlpSink;
    proxy: FaultProxy;
    badPort: number | undefined;
    variables: Record<string, string>;
  }) {
    this.fn = parts.fn;
    this.#backend = parts.backend;
    this.#sink = parts.sink;
    this.proxy = parts.proxy;
    this.#badPort = parts.badPort;
    this.#variables = parts.variables;
  }

  /** `mode`: undefined: the runtime is not to trace. `own`: variables that win over everything. */
  static async start(
    mode: Mode | undefined,
    backend: Backend,
    tls: LedgerTls,
    own: Readonly<Record<string, string>> = {},
  ): Promise<LedgerEnvironment> {
    const isTls = backend === 'TLS failure';
    const { cert, key } = tls.good.server;
    const sink = await openOtlpSink(isTls ? { tls: { cert, key } } : {});
    const proxy = await openFaultProxy(Number(new URL(sink.url).port));
    const variables: Record<string, string> = {
      // All processes of an environment write to the same stream.
      AWS_LAMBDA_LOG_STREAM_NAME: 'ledger',
      OTEL_EXPORTER_OTLP_ENDPOINT: endpointOf(proxy, isTls),
      OTEL_EXPORTER_OTLP_CERTIFICATE: tls.good.ca.certFile,
      OTEL_EXPORTER_OTLP_TIMEOUT: String(backend === 'hanging' ? HANGING_TIMEOUT_MS : OTLP_TIMEOUT_MS),
      SPANSTRAP_OTLP_FALLBACK: 'none',
      // Which modules are worth a span is a matter of time.
      SPANSTRAP_INIT_MODULES: 'off',
      ...(mode === undefined && { SPANSTRAP_DISABLED: 'true' }),
      ...(mode === 'adaptive' ? { SPANSTRAP_FLUSH_STRATEGY: 'adaptive' } : mode && { SPANSTRAP_FLUSH_MODE: mode }),
      ...own,
    };
    const fn = await startFunction({
      files: LEDGER_FUNCTION,
      packages: ['@opentelemetry/api'],
      platformEnvironment: variables,
      memoryMb: 128,
    });
    variables[LEDGER_VARIABLE] = join(fn.taskRoot, 'ledger');
    variables.SPANSTRAP_SPOOL_FOLDER = fn.taskRoot;
    const badPort = isTls ? tls.badPort : undefined;
    return new LedgerEnvironment({ fn, backend, sink, proxy, badPort, variables });
  }

  get ledgerPath(): string {
    return this.#variables[LEDGER_VARIABLE]!;
  }

  get spans(): readonly ReceivedSpan[] {
    return this.#sink.spans;
  }

  /** Documents that are no longer in progress, embedded ones included. */
  get documents(): readonly XrayDocument[] {
    const all = (documents: readonly XrayDocument[]): XrayDocument[] =>
      documents.flatMap((document) => [document, ...all(document.subsegments ?? [])]);
    return all(this.fn.xray.documents).filter((document) => document.in_progress !== true);
  }

  /** Invocations before, at and after the fault: the last one by a process that can deliver again. */
  async run(cell: Cell): Promise<void> {
    await this.#breakBackend(cell);
    await this.invoke('normal', cell);
    await this.pause(cell.freeze);
    await this.invoke(cell.end, cell);
    await this.pause(cell.freeze);
    await this.#heal(cell);
    await this.invoke('normal', cell);
  }

  /** The environment goes on, with everything in order again, and ends as Lambda ends it. */
  async settle(): Promise<void> {
    await this.invoke('normal');
    await this.shutDown();
    await this.fn.xray.drain();
  }

  /** The environment is over; what its process could not send it leaves all the same, where another one may find it. */
  async shutDown(): Promise<void> {
    const report = await this.fn.emulator.shutdown('spindown');
    // Where no process lived, or it had to be killed, none has come to the end of its books.
    if (report?.exitCode === 0) this.#logStarts.push(this.fn.emulator.logs.length);
  }

  /** What each environment said it lost: on its root spans, and in its log. */
  get losses(): readonly LossSources[] {
    const { logs } = this.fn.emulator;
    const epochs = new Map(this.entries.map(({ traceId, epoch }) => [traceId, epoch]));
    const roots = this.spans.filter(({ kind }) => kind === SERVER);
    return this.#logStarts.map((start, epoch) => ({
      roots: roots.filter(({ traceId }) => epochs.get(traceId) === epoch),
      lines: logs.slice(start, this.#logStarts[epoch + 1]),
    }));
  }

  async setDaemon(isThere: boolean): Promise<void> {
    if (isThere === this.#isDaemonThere) return;
    this.#isDaemonThere = isThere;
    await (isThere ? this.fn.xray.comeBack() : this.fn.xray.leave());
  }

  async close(): Promise<void> {
    await this.setDaemon(true);
    await this.fn[Symbol.asyncDispose]();
    await this.proxy.close();
    await this.#sink.close();
  }

  async invoke(end: End, cell?: Cell): Promise<void> {
    const first = this.#serial;
    this.#serial += SPANS_PER_INVOCATION;
    const { emulator, taskRoot } = this.fn;
    const timeout = end === 'timeout' ? { timeoutMs: TIMEOUT_MS } : {};
    const result = await emulator.invoke({ first, end }, timeout);
    await result.idle;
    const isFirstOfProcess = emulator.generation !== this.#generation;
    this.#generation = emulator.generation;
    const answer = result.text
      .replaceAll(result.requestId, 'REQUEST')
      .replaceAll(taskRoot, 'TASK')
      // The runtime's own frames: the way to a handler that is traced has other ones.
      .replaceAll(/," {4}at [^"]*spanstrap\/\w+\.cjs:[^"]*"/g, '')
      .replaceAll(/"first":\d+/g, '"first":0');
    const [, traceId = ''] = /Root=1-([0-9a-f]{8}-[0-9a-f]{24})/.exec(result.traceHeader ?? '') ?? [];
    const isDaemonThere = this.#isDaemonThere;
    const entry = { cell, end, first, traceId: traceId.replace('-', ''), isFirstOfProcess, isDaemonThere };
    this.entries.push({ ...entry, epoch: this.#logStarts.length - 1, status: result.status, answer });
  }

  async #breakBackend(cell: Cell): Promise<void> {
    switch (this.#backend) {
      case 'DNS failure':
        await this.#restart('http://collector.invalid:4318', cell);
        return;
      case 'TLS failure':
        await this.proxy.set({ kind: 'elsewhere', port: this.#badPort! });
        return;
      case 'daemon gone':
        await this.setDaemon(false);
        return;
      default:
        await this.proxy.set(WIRE_FAULTS[this.#backend]);
    }
  }

  async #heal(cell: Cell): Promise<void> {
    await this.proxy.heal();
    await this.setDaemon(true);
    if (this.#backend === 'DNS failure') await this.#restart(endpointOf(this.proxy, false), cell);
  }

  /** A process knows one endpoint only: the next one of the environment shall have another. */
  async #restart(endpoint: string, cell: Cell): Promise<void> {
    this.#variables.OTEL_EXPORTER_OTLP_ENDPOINT = endpoint;
    if (this.fn.emulator.state !== undefined) await this.invoke('exit', cell);
  }

  /** Between two invocations. A freeze is over when the next one comes; a long one outlasts the connections. */
  async pause(freeze: Freeze): Promise<void> {
    if (freeze === 'no freeze') return;
    await this.fn.emulator.freeze();
    if (freeze === 'long freeze') this.proxy.cut();
  }
}

const endpointOf = (proxy: FaultProxy, isTls: boolean): string =>
  `${isTls ? 'https' : 'http'}://127.0.0.1:${proxy.port}`;

/** The serial number of one of the function's own spans; undefined: it is the runtime's. */
export function serialOf(name: string): number | undefined {
  const digits = SPAN_NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
