// What the terminal shows of one invocation: a status line, the response, the log lines, the waterfalls. Pure: lines out.

import type { InvocationResult } from './emulator/invocation.ts';
import { formatBytes, formatDuration, type Style, styleOf } from './terminal.ts';
import type { Arrivals, TracedInvocation } from './traced-run.ts';
import { drawWaterfall } from './waterfall.ts';

export type ReportOptions = {
  readonly columns: number;
  readonly isAscii: boolean;
  readonly isColored: boolean;
  /** Which drawings, when spans came for them. What came for none of them is drawn all the same. */
  readonly drawings: readonly ('xray' | 'otlp')[];
};

const RESPONSE_LINES = 24;
const RESPONSE_LINE_CHARS = 400;

export function reportInvocation(invocation: TracedInvocation, options: ReportOptions): string[] {
  const paint = styleOf(options.isColored);
  const { result } = invocation;
  const isGood = result.status === 'success';
  return [
    ...statusLines(invocation, options.columns).map((line) => paint(isGood ? 'green' : 'red', line)),
    ...resetLines(invocation).map((line) => paint('red', line)),
    '',
    ...indented(responseLines(result.text)),
    ...section('log', logLines(invocation.logs, result.requestId), paint),
    ...reportTraces(invocation, options),
  ];
}

/** What came only when the environment ended: log lines and spans. No lines for nothing. */
export function reportShutdown(late: Arrivals, options: ReportOptions): string[] {
  const lines = [
    ...section('log', logLines(late.logs, ''), styleOf(options.isColored)),
    ...reportTraces(late, options),
  ];
  return lines.length === 0 ? [] : ['at shutdown', ...lines];
}

/** The waterfalls, and what is wrong with the documents. */
function reportTraces(arrivals: Arrivals, options: ReportOptions): string[] {
  const paint = styleOf(options.isColored);
  const lines: string[] = [];
  const draw = (title: string, spans: Arrivals['xraySpans']): void => {
    if (spans.length === 0) return;
    lines.push('', paint('bold', title), ...drawWaterfall(spans, options));
  };
  if (options.drawings.includes('xray')) {
    const traceIds = new Set(arrivals.datagrams.flatMap(({ document }) => document?.trace_id ?? []));
    draw(`X-Ray  ${[...traceIds].join(' ')}`, arrivals.xraySpans);
  }
  // Of an init that failed X-Ray has nothing.
  if (options.drawings.includes('otlp') || arrivals.xraySpans.length === 0) draw('OTLP', arrivals.otlpSpans);
  const violations = arrivals.datagrams.flatMap(({ violations, document }) =>
    violations.map((violation) => `${document?.name ?? 'datagram'}: ${violation}`),
  );
  if (violations.length > 0) lines.push(...section('X-Ray would refuse or misread', violations, paint));
  return lines;
}

/**
 * `200  Invocation 41 ms  Overhead 3 ms  flush 12 ms  init 118 ms  5 spans -> xray 1.9 KB`, in two lines when it is too long.
 * The durations are the caller's and the platform's: to the response, from there to the runtime's poll, from there to idle.
 */
export function statusLines(invocation: TracedInvocation, columns: number): string[] {
  const { result, idle, datagrams, otlpRequests, xraySpans, otlpSpans } = invocation;
  const times = [statusWord(result), `Invocation ${formatDuration(result.durationMs)}`];
  const { runtimeDoneMs, idleMs } = idle;
  if (runtimeDoneMs !== undefined && idleMs !== undefined) {
    times.push(`Overhead ${formatDuration(Math.max(0, runtimeDoneMs - result.durationMs))}`);
    const flushMs = idleMs - runtimeDoneMs;
    if (flushMs >= WORTH_SAYING_MS) times.push(`flush ${formatDuration(flushMs)}`);
  }
  if (result.initMs !== undefined) times.push(`init ${formatDuration(result.initMs)}`);
  const documentBytes = datagrams.map(({ bytes }) => bytes.length);
  const requestBytes = otlpRequests.map(({ body }) => body.length);
  const sent = [
    ...sentText('xray', xraySpans.length, documentBytes),
    ...sentText('otlp', otlpSpans.length, requestBytes),
  ];
  const [left, right] = [times.join('  '), sent.length > 0 ? sent.join('  ') : 'no spans'];
  return left.length + 2 + right.length <= columns ? [`${left}  ${right}`] : [left, `     ${right}`];
}

/** Without an extension the two moments are the same, give or take the clock. */
const WORTH_SAYING_MS = 0.5;

function sentText(target: string, spanCount: number, sizes: readonly number[]): string[] {
  if (sizes.length === 0) return [];
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return [`${spanCount} ${spanCount === 1 ? 'span' : 'spans'} -> ${target} ${formatBytes(bytes)}`];
}

/** The HTTP status when the response has one, otherwise what became of the invocation. */
function statusWord(result: InvocationResult): string {
  if (result.status !== 'success') return result.errorType ? `${result.status} (${result.errorType})` : result.status;
  const body = parsed(result.text);
  const code = typeof body === 'object' && body !== null ? (body as { statusCode?: unknown }).statusCode : undefined;
  return Number.isInteger(code) ? String(code) : 'ok';
}

function resetLines({ idle }: TracedInvocation): string[] {
  if (idle.how === 'idle') return [];
  const reason = idle.cause === 'timeout' ? 'the time limit was passed' : 'the process has ended';
  return [`     the environment was reset: ${reason}`];
}

/** Pretty when it is JSON, cut when it is long. */
export function responseLines(text: string): string[] {
  const value = parsed(text);
  const lines = (value === undefined ? text : JSON.stringify(value, null, 2)).split(/\r\n|\r|\n/);
  const shown = lines
    .slice(0, RESPONSE_LINES)
    .map((line) => (line.length > RESPONSE_LINE_CHARS ? `${line.slice(0, RESPONSE_LINE_CHARS)}…` : line));
  const hidden = lines.length - shown.length;
  return hidden > 0 ? [...shown, `… ${hidden} more lines, ${formatBytes(Buffer.byteLength(text))} in all`] : shown;
}

/**
 * The lines as they came, but for two things: a carriage return is the runtime's line break inside of a message, and time and
 * request id of Lambda's text format are left out where they only repeat whose lines these are. `--json` has them unchanged.
 */
function logLines(logs: readonly string[], requestId: string): string[] {
  return logs.flatMap((log) => {
    const [time = '', id, level, ...message] = log.split('\t');
    const isOurs = id === requestId && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(time) && message.length > 0;
    const text = isOurs ? `${level}  ${message.join('  ')}` : log.replaceAll('\t', '  ');
    return text.split('\r').map((line, index) => (index === 0 ? line : `    ${line}`));
  });
}

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

function section(title: string, lines: readonly string[], paint: (style: Style, text: string) => string): string[] {
  return lines.length === 0 ? [] : ['', paint('bold', title), ...indented(lines)];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
