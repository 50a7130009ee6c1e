// The words of a report, where the command line's own tests do not reach.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Idle, InvocationResult, type Outcome, PendingInvocation } from '../../local/emulator/invocation.ts';
import { reportInvocation, reportShutdown, statusLines } from '../../local/invocation-report.ts';
import type { TracedInvocation } from '../../local/traced-run.ts';

const options = { columns: 80, isAscii: false, isColored: false, drawings: ['xray', 'otlp'] } as const;

function traced(outcome: Partial<Outcome>, fields: Partial<TracedInvocation> = {}): TracedInvocation {
  const invocation = new PendingInvocation(Buffer.from('{}'), { requestId: 'r-1' }, 'arn', 1000, undefined);
  const result = new InvocationResult(invocation, { status: 'success', payload: Buffer.from('null'), ...outcome });
  const idle: Idle = { how: 'idle', runtimeDoneMs: 2, idleMs: 5 };
  return { result, idle, logs: [], datagrams: [], otlpRequests: [], xraySpans: [], otlpSpans: [], ...fields };
}

const firstWord = (invocation: TracedInvocation): string => statusLines(invocation, 80)[0]!.split('  ')[0]!;

test('the status is the HTTP status, ok, or what went wrong', () => {
  assert.equal(firstWord(traced({ payload: Buffer.from('{"statusCode":404}') })), '404');
  assert.equal(firstWord(traced({ payload: Buffer.from('{"statusCode":"404"}') })), 'ok');
  assert.equal(firstWord(traced({ payload: Buffer.from('<html>') })), 'ok');
  assert.equal(firstWord(traced({ status: 'error', errorType: 'TypeError' })), 'error (TypeError)');
  assert.equal(firstWord(traced({ status: 'timeout' })), 'timeout');
});

test('times: to the response, to the next poll, to idle', () => {
  assert.deepEqual(statusLines(traced({}), 80), ['ok  Invocation 0 ms  Overhead 2 ms  flush 3 ms  no spans']);
  const withoutExtension = traced({}, { idle: { how: 'idle', runtimeDoneMs: 2, idleMs: 2.01 } });
  assert.deepEqual(statusLines(withoutExtension, 80), ['ok  Invocation 0 ms  Overhead 2 ms  no spans']);
});

test('a reset is said, with its reason', () => {
  const lines = reportInvocation(traced({ status: 'timeout' }, { idle: { how: 'reset', cause: 'timeout' } }), options);
  assert.match(lines[1]!, /the environment was reset: the time limit was passed/);
});

test('log lines lose what only repeats, and carriage returns are line breaks', () => {
  const logs = [
    '2026-01-01T10:00:00.000Z\tr-1\tINFO\ttwo\rlines',
    '2026-01-01T10:00:00.000Z\tother\tINFO\tbackground',
    '{"level":"INFO"}',
    'raw\ttabs',
  ];
  const lines = reportInvocation(traced({}, { logs }), options);
  assert.deepEqual(lines.slice(lines.indexOf('log') + 1), [
    '  INFO  two',
    '      lines',
    '  2026-01-01T10:00:00.000Z  other  INFO  background',
    '  {"level":"INFO"}',
    '  raw  tabs',
  ]);
});

test('a trace that came to OTLP alone is drawn, whatever is preferred: an init that fails has no place in X-Ray', () => {
  const span = { id: 'a', parentId: undefined, name: 'Initialization', note: '', startMs: 0, endMs: 4, isError: true };
  const preferred = { ...options, drawings: ['xray'] } as const;
  const failed = reportInvocation(traced({ status: 'init-error' }, { otlpSpans: [span] }), preferred);
  assert.match(failed.join('\n'), /\nOTLP\n.*\nInitialization /);
  const both = reportInvocation(traced({}, { xraySpans: [span], otlpSpans: [span] }), preferred);
  assert.doesNotMatch(both.join('\n'), /OTLP/);
});

test('what comes at shutdown is shown, log lines too; nothing is shown of nothing', () => {
  const { datagrams, otlpRequests, xraySpans, otlpSpans } = traced({});
  const late = { logs: ['bye'], datagrams, otlpRequests, xraySpans, otlpSpans };
  assert.deepEqual(reportShutdown(late, options), ['at shutdown', '', 'log', '  bye']);
  assert.deepEqual(reportShutdown({ ...late, logs: [] }, options), []);
  const span = { id: 'a', parentId: undefined, name: 'Overhead', note: '', startMs: 0, endMs: 4, isError: false };
  const drawn = reportShutdown({ ...late, logs: [], otlpSpans: [span] }, options);
  assert.deepEqual(drawn.slice(0, 3), ['at shutdown', '', 'OTLP']);
});
