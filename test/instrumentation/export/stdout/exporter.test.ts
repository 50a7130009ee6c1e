// Records of Lambda OTel Lite. That a record is theirs to the byte is shown with their own package in test/peers-export.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { constants, openSync, readSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import {
  createStdoutExporter,
  type StdoutExporterOptions,
} from '../../../../instrumentation/export/stdout/exporter.ts';
import { decodeProtobufTraces } from '../../../../local/sinks/otlp-messages.ts';
import { spansOf } from '../../../../local/sinks/otlp-sink.ts';
import { makeFolder } from '../../../support/temporary-folder.ts';
import { buildSpan } from '../../span-builder.ts';

const batchOf = (...names: string[]): SpanBatch => ({
  spans: names.map((name) => buildSpan({ name })),
  xray: undefined,
  isSampledForOtlp: true,
});

function create(options: Partial<StdoutExporterOptions> = {}) {
  const lines: string[] = [];
  const reports: string[] = [];
  const exporter = createStdoutExporter({
    source: 'orders',
    headers: {},
    gzipLevel: 6,
    level: undefined,
    pipePath: undefined,
    writeLine: (line) => lines.push(line),
    report: (message) => reports.push(message),
    ...options,
  });
  return { exporter, lines, reports };
}

/** Text that does not compress to much less; the same for the same seed. */
function noise(seed: string, length: number): string {
  let text = '';
  for (let n = 0; text.length < length; n++) text += createHash('sha512').update(`${seed}${n}`).digest('base64');
  return text.slice(0, length);
}

const namesIn = (line: string): string[] => {
  const { payload } = JSON.parse(line) as { payload: string };
  const message = gunzipSync(Buffer.from(payload, 'base64'));
  return spansOf(decodeProtobufTraces(message).resourceSpans).map(({ name }) => name);
};

test('one line per export, the marker first', async () => {
  const { exporter, lines } = create();
  const outcome = await exporter.export([batchOf('a', 'b'), batchOf('c')], 0);
  assert.deepEqual(outcome, { sentSpans: 3, droppedSpans: 0 });
  assert.equal(lines.length, 1);
  assert.ok(lines[0]!.startsWith('{"__otel_otlp_stdout":"'));
  assert.deepEqual(namesIn(lines[0]!), ['a', 'b', 'c']);
  const { payload, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>;
  assert.equal(typeof payload, 'string');
  assert.deepEqual(rest, {
    __otel_otlp_stdout: '0.17.3',
    source: 'orders',
    endpoint: 'http://localhost:4318/v1/traces',
    method: 'POST',
    'content-type': 'application/x-protobuf',
    'content-encoding': 'gzip',
    base64: true,
  });
});

test('headers and level stand at the end, when there are any', async () => {
  const { exporter, lines } = create({ headers: { 'x-tenant': '7' }, level: 'INFO' });
  await exporter.export([batchOf('a')], 0);
  assert.ok(lines[0]!.endsWith(',"base64":true,"headers":{"x-tenant":"7"},"level":"INFO"}'));
});

test('the compression level counts', async () => {
  const large = { ...batchOf(), spans: [buildSpan({ attributes: { text: 'abcdefgh'.repeat(2000) } })] };
  const lengths: number[] = [];
  for (const gzipLevel of [0, 9]) {
    const { exporter, lines } = create({ gzipLevel });
    await exporter.export([large], 0);
    lengths.push(lines[0]!.length);
  }
  assert.ok(lengths[0]! > 16_000 && lengths[1]! < 1500, `${lengths}`);
});

test('a line that CloudWatch would cut is divided', async () => {
  const noise = (): string =>
    Array.from({ length: 90_000 }, () => String.fromCharCode(33 + Math.random() * 90)).join('');
  const spans = ['a', 'b', 'c', 'd', 'e'].map((name) => buildSpan({ name, attributes: { noise: noise() } }));
  const { exporter, lines } = create();
  const outcome = await exporter.export([{ spans, xray: undefined, isSampledForOtlp: true }], 0);
  assert.deepEqual(outcome, { sentSpans: 5, droppedSpans: 0 });
  assert.ok(lines.length > 1 && lines.every((line) => line.length <= 262_000));
  assert.deepEqual(lines.flatMap(namesIn), ['a', 'b', 'c', 'd', 'e']);
});

test('a span that cannot be encoded is counted, and those beside it are written', async () => {
  const hostile = buildSpan();
  Object.defineProperty(hostile, 'attributes', {
    get() {
      throw new TypeError('hostile');
    },
  });
  const { exporter, lines, reports } = create();
  const { spans } = batchOf('a', 'b', 'c');
  const outcome = await exporter.export([{ ...batchOf(), spans: spans.toSpliced(1, 0, hostile) }, batchOf('d')], 0);
  assert.deepEqual(outcome, { sentSpans: 4, droppedSpans: 1, dropReason: 'unsendable' });
  assert.deepEqual(lines.flatMap(namesIn), ['a', 'b', 'c', 'd']);
  await exporter.export([{ ...batchOf(), spans: [hostile] }], 0);
  assert.deepEqual(reports, ['spans that could not be encoded are dropped: TypeError: hostile; said once']);
});

test('a line that nobody takes is a failure, and counted', async () => {
  const { exporter } = create({
    writeLine() {
      throw new Error('EPIPE');
    },
  });
  assert.deepEqual(await exporter.export([batchOf('a')], 0), { sentSpans: 0, droppedSpans: 1, error: 'Error: EPIPE' });
});

/** A named pipe in a folder of its own. */
function makePipe(t: TestContext): string {
  const path = `${makeFolder(t, {})}/spans.pipe`;
  execFileSync('mkfifo', [path]);
  return path;
}

test('a named pipe that somebody reads gets the lines', async (t) => {
  const pipePath = makePipe(t);
  const reader = openSync(pipePath, constants.O_RDONLY | constants.O_NONBLOCK);
  const { exporter, lines, reports } = create({ pipePath });
  for (const name of ['a', 'b']) {
    assert.equal((await exporter.export([batchOf(name)], 0)).sentSpans, 1);
  }
  const bytes = Buffer.alloc(65_536);
  const received = bytes.toString('utf8', 0, readSync(reader, bytes));
  assert.deepEqual(received.trimEnd().split('\n').map(namesIn), [['a'], ['b']]);
  assert.deepEqual([lines, reports], [[], []]);
});

for (const [what, makePath, reason] of [
  [
    'that nobody reads',
    makePipe,
    /^nobody reads .*spans\.pipe: spans are written to standard output instead; said once$/,
  ],
  ['that is not there', () => '/no/such.pipe', /^\/no\/such\.pipe cannot be opened \(ENOENT\): spans are written/],
] as const) {
  test(`a named pipe ${what}: standard output gets the lines, and it is told once`, async (t) => {
    const { exporter, lines, reports } = create({ pipePath: makePath(t) });
    for (const name of ['a', 'b']) await exporter.export([batchOf(name)], 0);
    assert.deepEqual(lines.map(namesIn), [['a'], ['b']]);
    assert.equal(reports.length, 1);
    assert.match(reports[0]!, reason);
  });
}

test('a reader that takes nothing: what does not fit goes to standard output, the next line is a line again', async (t) => {
  const pipePath = makePipe(t);
  const reader = openSync(pipePath, constants.O_RDONLY | constants.O_NONBLOCK);
  const { exporter, lines, reports } = create({ pipePath });
  const large = { ...batchOf(), spans: [buildSpan({ name: 'large', attributes: { noise: noise('x', 120_000) } })] };
  assert.equal((await exporter.export([large], 0)).sentSpans, 1);
  assert.deepEqual(lines.map(namesIn), [['large']]);
  assert.match(reports[0]!, /spans\.pipe took 65536 of \d+ bytes \(EAGAIN\)/);
  const bytes = Buffer.alloc(65_536);
  readSync(reader, bytes);
  await exporter.export([batchOf('small')], 0);
  const received = bytes.toString('utf8', 0, readSync(reader, bytes));
  assert.equal(received[0], '\n');
  assert.deepEqual(namesIn(received.trim()), ['small']);
});

test('an ordinary file in the place of the pipe is written to', async (t) => {
  const pipePath = `${makeFolder(t, { 'a.pipe': '' })}/a.pipe`;
  writeFileSync(pipePath, '');
  const { exporter, reports } = create({ pipePath });
  assert.equal((await exporter.export([batchOf('a')], 0)).sentSpans, 1);
  assert.deepEqual(reports, []);
});
