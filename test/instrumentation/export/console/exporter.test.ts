import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createConsoleExporter, describeSpans } from '../../../../instrumentation/export/console/exporter.ts';
import { buildSpan, ERROR, exceptionEvent, kinds } from '../../span-builder.ts';

const at = (ms: number): [number, number] => [1_710_334_643, ms * 1e6];
const TRACE = '65f1a2b30123456789abcdef01234567';

test('one line per span, children below their parents, in the order of time', () => {
  const spans = [
    buildSpan({ name: 'Overhead', id: '0000000000000004', parent: '0000000000000001', start: at(30), end: at(31) }),
    buildSpan({ name: 'reserve', id: '0000000000000003', parent: '0000000000000002', start: at(5), end: at(6.5) }),
    buildSpan({
      name: 'GET /orders/{id}',
      id: '0000000000000001',
      kind: kinds.SERVER,
      parent: '53995c3f42cd8ad8',
      start: at(0),
      end: at(30),
      attributes: { 'http.response.status_code': 500, 'faas.coldstart': true, note: 'two words' },
      status: { code: ERROR, message: 'no stock' },
      events: [exceptionEvent(new RangeError('too far')), { name: 'plain' }],
      links: [{ context: { traceId: '9'.repeat(32), spanId: '8'.repeat(16), traceFlags: 0 } }],
    }),
    buildSpan({ name: 'Invocation', id: '0000000000000002', parent: '0000000000000001', start: at(0), end: at(29) }),
  ];
  assert.deepEqual(describeSpans(spans), [
    `span "GET /orders/{id}" SERVER 30.000 ms ERROR "no stock" trace=${TRACE} id=0000000000000001 parent=53995c3f42cd8ad8 ` +
      'http.response.status_code=500 faas.coldstart=true note="two words" event:exception RangeError: "too far" event:plain ' +
      `link=${'9'.repeat(32)}/${'8'.repeat(16)}`,
    `  span Invocation INTERNAL 29.000 ms trace=${TRACE} id=0000000000000002 parent=0000000000000001`,
    `    span reserve INTERNAL 1.500 ms trace=${TRACE} id=0000000000000003 parent=0000000000000002`,
    `  span Overhead INTERNAL 1.000 ms trace=${TRACE} id=0000000000000004 parent=0000000000000001`,
  ]);
});

test('values stay on their line and have an end', () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const [line] = describeSpans([
    buildSpan({
      name: 'a\nb',
      attributes: { long: 'x'.repeat(5000), lines: '1\n2', big: 12n, cycle, none: undefined },
    }),
  ]);
  assert.ok(!line!.includes('\n') && line!.length < 500, line);
  assert.match(line!, /^span "a\\nb" /);
  assert.match(line!, / long=x{120}… lines="1\\n2" big=12 cycle=\[object Object\] none=undefined$/);
});

test('spans that are each other’s ancestors, or their own, are described once', () => {
  const spans = [
    buildSpan({ name: 'a', id: '000000000000000a', parent: '000000000000000b' }),
    buildSpan({ name: 'b', id: '000000000000000b', parent: '000000000000000a' }),
    buildSpan({ name: 'c', id: '000000000000000c', parent: '000000000000000c' }),
  ];
  assert.deepEqual(
    describeSpans(spans)
      .map((line) => line.trim().split(' ')[1])
      .sort(),
    ['a', 'b', 'c'],
  );
});

test('a chain of thousands of spans has no end of the stack', () => {
  const spans: ReadableSpan[] = [];
  for (let n = 1; n <= 5000; n++) {
    spans.push(
      buildSpan({ id: n.toString(16).padStart(16, '0'), parent: (n - 1).toString(16).padStart(16, '0'), name: `${n}` }),
    );
  }
  assert.equal(describeSpans(spans).length, 5000);
});

test('a span that cannot be described says so, and those beside it are described', () => {
  const odd = { ...buildSpan({ name: 'odd' }), events: undefined as unknown as ReadableSpan['events'] };
  const lines = describeSpans([buildSpan({ name: 'before' }), odd, buildSpan({ name: 'after' })]);
  assert.deepEqual(lines.map((line) => line.split(' ')[1]).sort(), ['after', 'before', 'unreadable:']);
});

test('the exporter writes every batch', async () => {
  const lines: string[] = [];
  const exporter = createConsoleExporter({ writeLine: (line) => lines.push(line) });
  const batch = { spans: [buildSpan(), buildSpan()], xray: undefined, isSampledForOtlp: true };
  assert.deepEqual(await exporter.export([batch, batch], 0), { sentSpans: 4, droppedSpans: 0 });
  assert.equal(lines.length, 4);
});
