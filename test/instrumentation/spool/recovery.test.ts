// What a dead process leaves, as the next one reads it: complete, torn at every byte, altered at every byte, and never twice.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { SpanBatch } from '../../../instrumentation/export/exporter.ts';
import type { FlightFacts } from '../../../instrumentation/flight-facts.ts';
import { FlightRecorder } from '../../../instrumentation/flight-recorder.ts';
import { SpanAccount } from '../../../instrumentation/span-account.ts';
import { newSpanCounts } from '../../../instrumentation/span-counts.ts';
import { recoverSpans } from '../../../instrumentation/spool/recovery.ts';
import { BLOCK_AT, deadPaths, HEAD_BYTES, SpoolFile } from '../../../instrumentation/spool/spool-file.ts';
import { spoolLines } from '../../../instrumentation/spool/spool-lines.ts';
import { decodeRecord, encodeRecord } from '../../../instrumentation/spool/spool-record.ts';
import { fc } from '../../support/property.ts';
import { buildSpan, TRACE_ID } from '../span-builder.ts';

const folder = mkdtempSync(join(tmpdir(), 'spool-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newPath = (): string => join(folder, `flight-${++files}`);

const SERVER_ID = 'a'.repeat(16);
const INVOCATION_ID = 'b'.repeat(16);
/** In the future: who was written down last before it did not die of it. */
const DEADLINE = 4_000_000_000_000;
const FACTS: FlightFacts = [
  'request-1',
  'arn:aws:lambda:eu-west-1:123456789012:function:shop',
  'GET /orders/{id}',
  DEADLINE - 10_000,
  DEADLINE,
  TRACE_ID,
  SERVER_ID,
  INVOCATION_ID,
  undefined,
  '1-65f1a2b3-0123456789abcdef01234567',
  'c'.repeat(16),
  true,
];

type Flight = {
  readonly facts?: FlightFacts | undefined;
  readonly open?: readonly ReadableSpan[];
  readonly begun?: number;
  readonly inFlight?: number;
  readonly records?: readonly SpanBatch[];
  readonly losses?: object;
  readonly isLanded?: boolean;
  readonly block?: object;
};

/** Writes the file as a process does, which dies then. Returns its path and its bytes. */
function die({ open = [], begun = 5, inFlight = 0, records = [], ...more }: Flight): { path: string; bytes: Buffer } {
  const path = newPath();
  const counts = newSpanCounts();
  const flight = new FlightRecorder(path, counts, () => assert.fail('the file could not be made'));
  const spool = new SpoolFile(flight);
  flight.begin('facts' in more ? more.facts : FACTS, { phases: { all: [buildSpan(), buildSpan()] }, open });
  for (const account of [counts.xray, counts.otlp]) Object.assign(account, { begun, inFlight });
  flight.progress();
  if (more.isLanded) {
    flight.state = 'landed';
    flight.write();
  }
  if (records.length > 0) assert.ok(spool.append(spoolLines('otlp', records).text));
  if (more.losses !== undefined) spool.writeLosses(JSON.stringify(more.losses));
  const bytes = readFileSync(path);
  if (more.block === undefined) return { path, bytes };
  const text = Buffer.from(`${JSON.stringify(more.block)}\n`);
  const longer = Buffer.alloc(Math.max(bytes.length, BLOCK_AT + text.length));
  bytes.copy(longer);
  text.copy(longer, BLOCK_AT);
  return { path, bytes: longer };
}

const resource = buildSpan().resource;

/** Reads `bytes` as the file of a dead process. */
function recover(bytes: Buffer, path = newPath()) {
  writeFileSync(deadPaths(path)[0]!, bytes, { mode: 0o600 });
  return recoverAt(path);
}

function recoverAt(path: string) {
  const counts = newSpanCounts();
  const accounts = [new SpanAccount('xray', counts.xray), new SpanAccount('otlp', counts.otlp)];
  const added: SpanBatch[] = [];
  const told: string[] = [];
  recoverSpans({
    resource,
    instrumentationScope: { name: 'spanstrap' },
    path,
    accounts,
    add: (batch) => void added.push(batch),
    report: (message) => void told.push(message),
  });
  const of = (isXray: boolean): ReadableSpan[] =>
    added.filter(({ xray }) => (xray !== undefined) === isXray).flatMap(({ spans }) => spans);
  return { path, counts, accounts, added, told, xray: of(true), otlp: of(false) };
}

const ids = (spans: readonly ReadableSpan[]): string[] => spans.map((span) => span.spanContext().spanId);

const plain = (span: ReadableSpan): unknown => ({
  ...span,
  resource: undefined,
  duration: undefined,
  spanContext: undefined,
  context: span.spanContext(),
});

const batch = (...spans: ReadableSpan[]): SpanBatch => ({ spans, xray: undefined, isSampledForOtlp: true });

const ROOT = buildSpan({
  id: SERVER_ID,
  name: 'GET /orders/{id}',
  attributes: { text: 'ä€😀', list: ['a', 'b'], n: 1.5 },
});
const CHILD = buildSpan({
  parent: SERVER_ID,
  status: { code: 2, message: 'no' },
  events: [{ name: 'exception', time: [1, 2], attributes: { 'exception.type': 'Error' } }],
  links: [{ context: { traceId: TRACE_ID, spanId: INVOCATION_ID, traceFlags: 1 } }],
});

test('a killed invocation is drawn with its open spans; what is neither there nor delivered is counted', () => {
  const open = buildSpan({ name: 'SELECT orders', parent: INVOCATION_ID });
  const { bytes } = die({ open: [open], begun: 7, inFlight: 1 });
  const { otlp, xray, accounts, told, path } = recover(bytes);
  const expected = [SERVER_ID, INVOCATION_ID, open.spanContext().spanId];
  assert.deepEqual([ids(otlp), ids(xray)], [expected, expected]);
  assert.deepEqual(
    otlp.map(({ name }) => name),
    ['GET /orders/{id}', 'Invocation', 'SELECT orders'],
  );
  assert.deepEqual(otlp[2]!.parentSpanContext?.spanId, INVOCATION_ID);
  assert.deepEqual(otlp[2]!.startTime, open.startTime);
  assert.equal(otlp[0]!.attributes['spanstrap.process_end'], 'killed');
  assert.deepEqual(otlp[0]!.status.code, 2);
  assert.ok(otlp.every(({ ended, attributes }) => ended && attributes['spanstrap.unfinished'] === true));
  for (const account of accounts) {
    assert.deepEqual(account.losses.dropped, { killed: 3, unknown_fate: 1 });
    assert.deepEqual([account.count.begun, account.outstanding], [7, 3]);
  }
  assert.match(
    told[0]!,
    /ended during request request-1: the process was killed .*otlp: 3 spans are sent now, 4 are lost/,
  );
  assert.equal(existsSync(deadPaths(path)[0]!), false);
  assert.deepEqual(recoverAt(path).added, [], 'and it is told of once');
});

test('F172: what OTLP gets of a killed invocation: by the sampler’s word, by a rule, or nothing', () => {
  for (const [otlpIfKilled, traceFlags, keptBecause, lost] of [
    [true, 1, undefined, 0],
    ['errors', 0, 'errors', 0],
    [false, undefined, undefined, 2],
  ] as const) {
    const facts = [...FACTS.slice(0, -1), otlpIfKilled] as unknown as FlightFacts;
    const { otlp, xray, accounts } = recover(die({ facts, begun: 2 }).bytes);
    assert.deepEqual([otlp.length, xray.length], [otlpIfKilled === false ? 0 : 2, 2]);
    assert.equal(otlp[0]?.spanContext().traceFlags, traceFlags);
    assert.equal(otlp[0]?.attributes['spanstrap.kept_because'], keptBecause);
    assert.deepEqual(accounts[1]!.losses.dropped, lost === 0 ? {} : { killed: lost });
  }
});

test('what is found out about an invocation is in the file with its first span, or a moment later', async () => {
  const begin = () => {
    const path = newPath();
    const flight = new FlightRecorder(path, newSpanCounts(), () => assert.fail('the file could not be made'));
    const named = (name: string): FlightFacts => FACTS.with(2, name) as unknown as FlightFacts;
    flight.begin(named('shop'));
    flight.know(named('GET /orders/{id}'), { phases: { all: [buildSpan(), buildSpan()] }, open: [open] });
    return { flight, names: () => recover(readFileSync(path)).otlp.map(({ name }) => name) };
  };
  const open = buildSpan({ name: 'GET', parent: INVOCATION_ID });
  const calling = begin();
  assert.deepEqual(calling.names(), ['shop', 'Invocation']);
  calling.flight.progress();
  assert.deepEqual(calling.names(), ['GET /orders/{id}', 'Invocation', 'GET']);
  const asking = begin();
  await undefined;
  assert.deepEqual(asking.names(), ['GET /orders/{id}', 'Invocation']);
});

test('the first spans are in the file at once, more with the next beat', () => {
  const path = newPath();
  const open: ReadableSpan[] = [];
  const flight = new FlightRecorder(path, newSpanCounts(), () => assert.fail('the file could not be made'));
  const drawn = (): number => recover(readFileSync(path)).otlp.length - 2;
  flight.begin(FACTS, { phases: { all: [buildSpan(), buildSpan()] }, open });
  const drawnAfterEach = Array.from({ length: 6 }, () => {
    open.push(buildSpan({ parent: INVOCATION_ID }));
    flight.progress();
    return drawn();
  });
  assert.deepEqual(drawnAfterEach, [1, 2, 3, 4, 4, 4]);
  flight.beat();
  assert.equal(drawn(), 6);
});

test('losses and records of the dead go on; nothing is drawn that they hold already', () => {
  const { bytes } = die({
    records: [batch(ROOT, CHILD)],
    begun: 2,
    losses: { otlp: { dropped: { queue_full: 4 }, resent: 2 } },
  });
  const { otlp, accounts } = recover(bytes);
  assert.deepEqual(otlp.map(plain), [ROOT, CHILD].map(plain));
  assert.deepEqual(accounts[1]!.losses, { dropped: { queue_full: 4 }, resent: 2 });
});

test('an invocation that had landed is not drawn; its lost spans are counted', () => {
  const { otlp, accounts, told } = recover(die({ isLanded: true, begun: 3 }).bytes);
  assert.deepEqual(otlp, []);
  assert.deepEqual(accounts[1]!.losses.dropped, { killed: 3 });
  assert.match(told[0]!, /ended before it had sent all spans/);
});

test('what the watchdog found out: the reason, the stack, and its own span in the books', () => {
  const block = { requestId: 'request-1', stack: '    at loop (/var/task/index.js:1:1)', marker: 'lost' };
  const { otlp, accounts, told } = recover(die({ block, begun: 2 }).bytes);
  const [server] = otlp;
  assert.deepEqual(
    [server!.attributes['spanstrap.process_end'], server!.attributes['code.stacktrace']],
    ['timeout', block.stack],
  );
  assert.deepEqual(server!.endTime, [DEADLINE / 1000, 0]);
  assert.deepEqual(accounts[1]!.losses.dropped, { killed: 1 });
  assert.match(told[0]!, /ran out of time/);
  // Of another invocation it says nothing.
  const other = recover(die({ block: { ...block, requestId: 'request-0' }, begun: 2 }).bytes);
  assert.equal(other.otlp[0]!.attributes['spanstrap.process_end'], 'killed');
});

test('several invocations at once: none is drawn', () => {
  const { otlp, accounts } = recover(die({ facts: undefined, open: [buildSpan()], begun: 4 }).bytes);
  assert.deepEqual([otlp, accounts[1]!.losses.dropped], [[], { killed: 4 }]);
});

test('the file is there for nobody else, and never larger than its bounds', () => {
  const { path } = die({ records: [batch(ROOT)] });
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const large = buildSpan({ attributes: { text: 'x'.repeat(100_000) } });
  const { text, left } = spoolLines(
    'otlp',
    Array.from({ length: 100 }, () => batch(large)),
  );
  assert.ok(text.length < 4.2 * 1024 * 1024);
  assert.ok(left > 50);
  assert.equal(text.split('\n').length - 1 + left, 100);
});

test('a link, a folder and another’s file are left alone', () => {
  const path = newPath();
  const { bytes, path: victim } = die({});
  symlinkSync(victim, deadPaths(path)[0]!);
  assert.deepEqual(recoverAt(path).added, []);
  assert.deepEqual(readFileSync(victim), bytes);
});

test('a span that cannot be written down costs none of those beside it', () => {
  const spans = Array.from({ length: 60 }, (_, n) => buildSpan({ name: `${n}` }));
  spans[7] = buildSpan({ name: 'bad', events: [{ name: 7n as unknown as string }] });
  const { text, left } = spoolLines('otlp', [batch(...spans)]);
  const names = text
    .trimEnd()
    .split('\n')
    .flatMap((line) => decodeRecord(line, { resource })!.batch.spans.map(({ name }) => name));
  assert.equal(left, 1);
  assert.deepEqual(
    names,
    spans.map(({ name }) => name).filter((name) => name !== 'bad'),
  );
});

test('what has no room is the oldest; what has is in its order', () => {
  const spans = Array.from({ length: 400 }, (_, n) =>
    buildSpan({ name: `${n}`, attributes: { text: 'x'.repeat(20_000) } }),
  );
  const { text, left } = spoolLines('otlp', [batch(...spans.slice(0, 130)), batch(...spans.slice(130))]);
  const names = text
    .trimEnd()
    .split('\n')
    .flatMap((line) => decodeRecord(line, { resource })!.batch.spans.map(({ name }) => Number(name)));
  assert.ok(left > 0 && names.length > 100);
  assert.deepEqual(
    names,
    Array.from({ length: 400 - left }, (_, n) => n + left),
  );
});

/** A file with everything in it. */
const WHOLE = die({
  open: [buildSpan({ parent: INVOCATION_ID })],
  begun: 9,
  inFlight: 1,
  records: [batch(CHILD), batch(buildSpan(), buildSpan())],
  losses: { otlp: { dropped: { queue_full: 4 }, resent: 2 } },
  block: { requestId: 'request-1', stack: 'at x', marker: 'sent' },
});
const ALL = recover(WHOLE.bytes);
const WRITTEN = new Map(ALL.otlp.map((span) => [span.spanContext().spanId, span]));

const assertBalanced = ({ accounts, otlp, xray }: ReturnType<typeof recover>): void => {
  assert.deepEqual([accounts[0]!.outstanding, accounts[1]!.outstanding], [xray.length, otlp.length]);
  for (const spans of [otlp, xray]) assert.equal(new Set(ids(spans)).size, spans.length);
};

/** The bytes that say something: between them lie holes. */
const MEANT = [...WHOLE.bytes.entries()].filter(([, byte]) => byte !== 0).map(([at]) => at);

test('torn at every byte: what is whole is sent, everything balances, nothing throws', () => {
  assert.equal(WRITTEN.size, 6);
  for (const length of [0, ...MEANT, WHOLE.bytes.length]) {
    const result = recover(WHOLE.bytes.subarray(0, length));
    assertBalanced(result);
    for (const span of result.otlp) {
      const whole = WRITTEN.get(span.spanContext().spanId)!;
      assert.deepEqual([span.name, span.startTime], [whole.name, whole.startTime], `cut at ${length}`);
    }
  }
});

test('altered at every byte: nothing throws, no record comes that was not written', () => {
  const records = new Set(WHOLE.bytes.toString('utf8', HEAD_BYTES).split('\n'));
  const recordIds = new Set(
    [...records]
      .flatMap((line) => decodeRecord(line, { resource })?.batch.spans ?? [])
      .map((span) => span.spanContext().spanId),
  );
  assert.equal(recordIds.size, 3);
  for (const at of MEANT) {
    for (const change of [0x01, 0x80]) {
      const bytes = Buffer.from(WHOLE.bytes);
      bytes[at]! ^= change;
      const result = recover(bytes);
      assertBalanced(result);
      for (const span of result.otlp) {
        const id = span.spanContext().spanId;
        if (recordIds.has(id)) assert.deepEqual(plain(span), plain(WRITTEN.get(id)!), `byte ${at}`);
      }
    }
  }
});

test('any bytes at all: nothing throws, everything balances', () => {
  const head = fc.constantFrom('', 'spanstrap-flight-2 flying 1763644000000 xray=3,1 otlp=4,0');
  fc.assert(
    fc.property(
      head,
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.json(), { maxLength: 4 }),
      (first, noise, lines) => {
        assertBalanced(recover(Buffer.concat([Buffer.from(`${first}\n${lines.join('\n')}\n`), noise])));
      },
    ),
    { numRuns: 300 },
  );
});

test('a span is the same after the spool as before', () => {
  const value = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean(), fc.array(fc.string()));
  const attributes = fc.dictionary(
    fc.string(),
    value.filter(
      (one) => (!Number.isNaN(one) && Number.isFinite(one === 0 ? 0 : (one as number))) || typeof one !== 'number',
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), attributes, fc.nat(4), fc.nat(1e9), (name, own, kind, nanos) => {
      const span = buildSpan({
        name,
        attributes: { ...own },
        kind,
        start: [1, 0],
        end: [1 + Math.floor(nanos / 1e9), nanos % 1e9],
      });
      const line = encodeRecord({ to: 'otlp', batch: batch(span) });
      const [read] = decodeRecord(line.slice(0, -1), { resource: span.resource })!.batch.spans;
      const json = (one: ReadableSpan): unknown => JSON.parse(JSON.stringify(plain(one)));
      assert.deepEqual(json(read!), json(span));
    }),
  );
});
