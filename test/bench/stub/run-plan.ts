// What the stub is asked to do with one process, and what it has seen: the messages between the benchmark and its stub.

/** Where the stub listens; it does so before the first plan. */
export type StubAddresses = {
  readonly runtimeApi: string;
  /** HTTP server for everything else: OTLP, a backend that a handler calls, collectors of other makes. */
  readonly backend: string;
  /** Of the X-Ray daemon. */
  readonly daemon: string;
};

export type EventPlan =
  /** An API Gateway HTTP API event of about 1.5 KB. */
  | { readonly kind: 'http-api' }
  /** `{ "data": "xxx…" }` of this size. */
  | { readonly kind: 'padded'; readonly bytes: number }
  /** `{ "spans": n }` */
  | { readonly kind: 'spans'; readonly spans: number };

export type RunPlan = {
  /** The core that the runtime has to itself; undefined: wherever it is scheduled. */
  readonly core: number | undefined;
  /** A cgroup's `cgroup.procs` that the runtime joins before it is started. */
  readonly cgroupProcs: string | undefined;
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly event: EventPlan;
  /** Invocations after the first that are not counted, and those that are. */
  readonly discarded: number;
  readonly counted: number;
  readonly deadlineMs: number;
};

export type RunResult = {
  /** Process start to the first poll. */
  readonly initMs: number;
  /** Process start to the first response. */
  readonly coldMs: number;
  /** First response to the first poll after it, and everything sent. */
  readonly firstFlushMs: number;
  /** Anonymous memory at the first poll, MiB; NaN where the system does not say. */
  readonly anonAtStartMib: number;
  readonly rssAtStartMib: number;
  /** Of each counted invocation: event delivered to response received, and from there to the poll that lets Lambda freeze. */
  readonly warmUs: readonly number[];
  readonly afterUs: readonly number[];
  readonly anonAtEndMib: number;
  readonly rssAtEndMib: number;
  /** Highest resident set so far. */
  readonly peakRssMib: number;
  /** All threads, over the counted invocations. */
  readonly cpuUsPerInvocation: number;
  /** What arrived from the process, from its start to its end: at the X-Ray daemon's port, and as POST at the backend's. */
  readonly datagrams: number;
  readonly exports: number;
  readonly exportBytes: number;
};

export type RunFailure = { readonly failure: string };
