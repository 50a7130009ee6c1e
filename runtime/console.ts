// The function's console: every line of `console.*` with time, request id and level, as the managed runtimes print it, and
// the runtime's own lines in the same form. `process.stdout` and `process.stderr` themselves stay as they are.

import type { HandlerCompat } from './handler-compat.ts';
import { type ActiveTrace, asError, errorLine, formatMessage, jsonRecord, type LogLevel } from './log-record.ts';
import { openStdout, writeFully } from './stdout.ts';
import { parseTelemetryFd, telemetryFrame } from './telemetry-log.ts';
import { RealDate, wallNow } from './untouched.ts';

export type ConsoleOptions = {
  /** `AWS_LAMBDA_LOG_FORMAT`: `JSON` in any case, anything else is TEXT. */
  readonly format: string | undefined;
  /** `AWS_LAMBDA_LOG_LEVEL`, in any case; unknown or absent: everything is logged. */
  readonly level: string | undefined;
  /** `_LAMBDA_TELEMETRY_LOG_FD`; the variable itself must be gone from the environment before user code runs. */
  readonly telemetryFd?: string | undefined;
  /** Several invocations at once: always JSON, one object per line. */
  readonly isMultiConcurrent?: boolean;
  readonly compat?: HandlerCompat;
  /** Whose line it is; undefined during init. */
  readonly currentInvocation: () => LoggedInvocation | undefined;
  readonly activeTrace?: (() => ActiveTrace | undefined) | undefined;
  /** Adds the trace to TEXT lines too, behind the message. */
  readonly tracesInText?: boolean;
  /** Takes finished lines, end included, and does not throw. Default: standard output. */
  readonly write?: (line: string) => void;
  /** The console to patch. Default: the global one. */
  readonly console?: Console;
};

export type LoggedInvocation = { readonly requestId: string; readonly tenantId: string | undefined };

/** The runtime's own lines. None of them throws, and none is affected by what user code makes of `console`. */
export interface LogWriter {
  logInvokeError(error: unknown): void;
  logInitError(error: unknown): void;
  logUncaughtException(error: unknown): void;
  /** `error` is the one made by `unhandledRejection`. */
  logUnhandledRejection(error: unknown): void;
  error(text: string): void;
  /** `source` marks the runtime's own diagnostics; texts that the managed runtimes print as well go without. */
  warn(text: string, source?: string): void;
  /** A finished line that is not for the reader of the log, as it is, whatever the log level. */
  writeLine(line: string): void;
}

type Method = (message?: unknown, ...params: unknown[]) => void;

const LEVELS: readonly LogLevel[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

/** Patches the console and returns the runtime's own way into the log. */
export function installConsole(options: ConsoleOptions): LogWriter {
  const { currentInvocation, compat } = options;
  const isJson = options.isMultiConcurrent === true || options.format?.toUpperCase() === 'JSON';
  const readTrace = isJson || options.tracesInText === true ? options.activeTrace : undefined;
  const output = openOutput(options, isJson);
  const isoTime = createIsoTime();
  const noRequestId = compat === 'node22' ? undefined : '-';

  const textLine = (timestamp: string, level: LogLevel, message: unknown, params: readonly unknown[]): string => {
    const requestId = currentInvocation()?.requestId ?? noRequestId;
    const line = `${timestamp}\t${requestId}\t${level}\t${formatMessage(message, params)}`;
    const trace = activeTrace(readTrace);
    return trace === undefined ? line : `${line}\ttraceId=${trace.traceId} spanId=${trace.spanId}`;
  };

  const log = (level: LogLevel, message: unknown, params: readonly unknown[], source?: string): void => {
    const epochMs = wallNow();
    const timestamp = isoTime(epochMs);
    if (!isJson) {
      const text = source === undefined ? message : `${source}: ${message}`;
      output(textLine(timestamp, level, text, params), level, epochMs);
      return;
    }
    const invocation = currentInvocation();
    const requestId = invocation?.requestId ?? noRequestId;
    const trace = activeTrace(readTrace);
    const head = { timestamp, level, requestId, tenantId: invocation?.tenantId, trace, source };
    output(jsonRecord(head, message, params), level, epochMs);
  };

  const threshold = LEVELS.indexOf((options.level?.toUpperCase() ?? '') as LogLevel);
  const isLogged = (level: LogLevel): boolean => LEVELS.indexOf(level) >= threshold;
  const method = (level: LogLevel): Method => {
    if (!isLogged(level)) return (_message) => {};
    return (message, ...params) => log(level, message, params);
  };
  patch(options.console ?? globalThis.console, method);

  const logError = (label: string, error: unknown): void => {
    if (!isLogged('ERROR')) return;
    if (isJson) log('ERROR', asError(error), []);
    else log('ERROR', errorLine(label, error, compat), []);
  };
  return {
    logInvokeError: (error) => logError('Invoke Error', error),
    logInitError: (error) => logError(compat === 'node22' ? 'Uncaught Exception' : 'Init Error', error),
    logUncaughtException: (error) => logError('Uncaught Exception', error),
    logUnhandledRejection: (error) => logError('Unhandled Promise Rejection', error),
    error: (text) => {
      if (isLogged('ERROR')) log('ERROR', text, []);
    },
    warn: (text, source) => {
      if (isLogged('WARN')) log('WARN', text, [], source);
    },
    writeLine: (line) => output(line, 'INFO', wallNow()),
  };
}

function patch(console: Console, method: (level: LogLevel) => Method): void {
  const info = method('INFO');
  const methods = {
    trace: method('TRACE'),
    debug: method('DEBUG'),
    info,
    log: info,
    warn: method('WARN'),
    error: method('ERROR'),
    fatal: method('FATAL'),
  };
  Object.assign(console, methods);
}

/** A finished record on its way out. Over plain output a newline would end the record early, so it becomes a return. */
type Output = (record: string, level: LogLevel, epochMs: number) => void;

function openOutput(options: ConsoleOptions, isJson: boolean): Output {
  const write = options.write ?? openStdout();
  const toLines: Output = (record) => write(`${record.includes('\n') ? record.replaceAll('\n', '\r') : record}\n`);
  const fd = options.isMultiConcurrent === true ? undefined : parseTelemetryFd(options.telemetryFd);
  if (fd === undefined) return toLines;
  let isBroken = false;
  return (record, level, epochMs) => {
    if (!isBroken) {
      try {
        writeFully(fd, telemetryFrame(level, epochMs, isJson ? record : `${record}\n`, isJson));
        return;
      } catch {
        isBroken = true;
      }
    }
    toLines(record, level, epochMs);
  };
}

function activeTrace(read: (() => ActiveTrace | undefined) | undefined): ActiveTrace | undefined {
  try {
    return read?.();
  } catch {
    return undefined;
  }
}

/** Lines come in bursts: the text of one millisecond is kept. */
function createIsoTime(): (epochMs: number) => string {
  let lastMs = -1;
  let last = '';
  return (epochMs) => {
    if (epochMs !== lastMs) {
      last = new RealDate(epochMs).toISOString();
      lastMs = epochMs;
    }
    return last;
  };
}
