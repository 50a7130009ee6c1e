// The drawing, character by character where it matters: columns, bars, marks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { widthOf } from '../../local/terminal.ts';
import type { TraceSpan } from '../../local/trace-tree.ts';
import { drawWaterfall } from '../../local/waterfall.ts';

const span = (id: string, parentId: string | undefined, name: string, startMs: number, endMs?: number): TraceSpan => ({
  id,
  parentId,
  name,
  note: '',
  startMs: 1_710_334_643_000 + startMs,
  endMs: endMs === undefined ? undefined : 1_710_334_643_000 + endMs,
  isError: false,
});

const cold: readonly TraceSpan[] = [
  span('i', 'segment', 'Initialization', 0, 100),
  span('m', 'i', 'module index.mjs', 40, 90),
  span('v', 'segment', 'Invocation', 100, 150),
  { ...span('h', 'v', '127.0.0.1', 110, 130), note: 'GET 503', isError: true },
  span('c', 'v', 'price order', 135, 140),
  span('o', 'segment', 'Overhead', 150, 160),
];

test('a cold trace at 80 columns', () => {
  // 47 columns of bars for 160 ms: a half column is 1.7 ms.
  assert.deepEqual(drawWaterfall(cold), [
    '                                 0              50 ms         100 ms',
    'Initialization            100 ms ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸',
    '└─ module index.mjs        50 ms             ━━━━━━━━━━━━━━╸',
    'Invocation                 50 ms                              ╺━━━━━━━━━━━━━━',
    '├─ 127.0.0.1  GET 503 ✗    20 ms                                 ╺━━━━━',
    '└─ price order              5 ms                                        ╺━',
    'Overhead                   10 ms                                             ━━━',
  ]);
});

test('the same in ASCII at 50 columns', () => {
  const lines = drawWaterfall(cold, { columns: 50, isAscii: true });
  assert.ok(
    lines.every((line) => /^[\x20-\x7e]*$/.test(line)),
    lines.join('\n'),
  );
  assert.ok(
    lines.every((line) => line.length <= 50),
    lines.join('\n'),
  );
  assert.match(lines[2]!, /^`- module index/);
  assert.match(lines[4]!, /^\|- 127\.0\.0\.1\s.*! +20 ms +=+$/);
});

test('never wider than it may be, whatever the names and depths', () => {
  const deep = Array.from({ length: 30 }, (_, depth) =>
    span(
      `s${depth}`,
      depth === 0 ? undefined : `s${depth - 1}`,
      `level ${depth} 日本語 ${'long '.repeat(10)}`,
      depth,
      100 - depth,
    ),
  );
  for (const columns of [50, 80, 133]) {
    for (const line of drawWaterfall(deep, { columns })) {
      assert.ok(widthOf(line) <= columns, `${widthOf(line)} columns of ${columns}: ${line}`);
    }
  }
});

test('of a file that is too long the end is shown, which tells it from its neighbours', () => {
  const folder = '@opentelemetry/api/build/esm/context/';
  const lines = drawWaterfall([
    span('a', undefined, `${folder}context.mjs`, 0, 10),
    span('b', 'a', `${folder}NoopContextManager.mjs`, 0, 5),
    span('c', 'b', `GET /orders/{id}/items/{item}/prices.json`, 0, 5),
  ]);
  assert.match(lines[1]!, /^…api\/build\/esm\/context\/context\.mjs /);
  assert.match(lines[2]!, /^└─ ….*NoopContextManager\.mjs /);
  assert.match(lines[3]!, /^ {3}└─ GET \/orders\/.*… /);
  assert.ok(lines.every((line) => widthOf(line) <= 80));
});

test('a trace in which no time has passed has no times on its axis', () => {
  assert.equal(drawWaterfall([span('a', undefined, 'Invocation', 0)])[0], `${' '.repeat(22)}0`);
});

test('durations stand in one column', () => {
  const lines = drawWaterfall([
    span('a', undefined, 'a', 0, 1234),
    span('b', undefined, 'bbb', 0, 0.34),
    span('c', undefined, 'c', 0),
  ]);
  assert.match(lines[1]!, /^a {7}1\.23 s /);
  assert.match(lines[2]!, /^bbb {4}0\.34 ms /);
  assert.match(lines[3]!, /^c {9}open /);
});

test('a span in progress is drawn open to the end', () => {
  const lines = drawWaterfall([span('a', undefined, 'a', 0, 100), span('b', 'a', 'b', 50)]);
  assert.match(lines[2]!, /┄+$/);
  assert.equal(lines[1]!.length, lines[2]!.length);
});

test('a bar is never empty, not even at the very end', () => {
  const lines = drawWaterfall([span('a', undefined, 'a', 0, 1000), span('b', 'a', 'b', 1000, 1000)]);
  assert.match(lines[2]!, /[╸╺━]$/);
  assert.equal(lines[1]!.length, lines[2]!.length);
});

test('spans without their parent are roots, and cycles are left out', () => {
  const lines = drawWaterfall([
    span('a', 'gone', 'orphan', 0, 10),
    span('x', 'y', 'x', 0, 10),
    span('y', 'x', 'y', 0, 10),
  ]);
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(' ')[0]),
    ['orphan'],
  );
});

test('colours only when asked for: phases keep theirs, errors are red', () => {
  assert.ok(drawWaterfall(cold).every((line) => !line.includes('\x1b')));
  const colored = drawWaterfall(cold, { isColored: true });
  assert.ok(colored[1]!.includes('\x1b[33m━'));
  assert.ok(colored[3]!.includes('\x1b[32m '));
  assert.ok(colored[6]!.includes('\x1b[35m '));
  assert.ok(colored[4]!.includes('\x1b[31m✗\x1b[0m'));
  // Without the codes it is the same drawing.
  assert.deepEqual(colored.map(stripVTControlCharacters), drawWaterfall(cold));
});

test('a name cannot control the terminal', () => {
  const [, line] = drawWaterfall([span('a', undefined, 'evil\x1b[2J\r\nname', 0, 1)]);
  assert.match(line!, /^evil·\[2J··name/);
});

test('no spans, no lines; one instant, one line', () => {
  assert.deepEqual(drawWaterfall([]), []);
  assert.equal(drawWaterfall([span('a', undefined, 'a', 5, 5)]).length, 2);
});
