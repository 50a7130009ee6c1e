import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import { builtinParts, type DaemonSocketParts } from '../../../../instrumentation/export/xray/daemon-socket.ts';
import { createXrayExporter, type XrayExporterOptions } from '../../../../instrumentation/export/xray/exporter.ts';
import { XraySink } from '../../../../local/sinks/xray-sink.ts';
import { settle } from '../../../support/conditions.ts';
import { buildSpan, nextSpanId } from '../../span-builder.ts';
import { type Drawn, placement } from './drawing.ts';

const { invocationSpanId, serverSpanId } = placement;

function batchOf(children: number): SpanBatch {
  const spans = [
    buildSpan({ id: serverSpanId, kind: 1 }),
    buildSpan({ id: invocationSpanId, parent: serverSpanId, name: 'Invocation' }),
  ];
  for (let index = 0; index < children; index += 1) spans.push(buildSpan({ parent: invocationSpanId }));
  return { spans, xray: placement, isSampledForOtlp: true };
}

const unplaced = (batch: SpanBatch): SpanBatch => ({ ...batch, xray: undefined });

const inTime = (): number => Date.now() + 10_000;
const ignoreProblems = { reportProblem() {} };

/** A socket that answers each datagram as the test says and keeps what it was given. */
class StubSocket {
  readonly sent: Buffer[] = [];
  closed = 0;
  readonly #failureOf: (datagram: Buffer) => string | undefined | 'silence';

  constructor(failureOf: (datagram: Buffer) => string | undefined | 'silence') {
    this.#failureOf = failureOf;
  }

  send(datagram: Buffer, done: (error: Error | null) => void): void {
    const failure = this.#failureOf(datagram);
    if (failure === undefined) this.sent.push(datagram);
    if (failure !== 'silence') {
      process.nextTick(done, failure === undefined ? null : Object.assign(new Error(failure), { code: failure }));
    }
  }

  unref(): void {}
  on(): void {}
  connect(): void {}
  close(): void {
    this.closed += 1;
  }
}

/** An exporter whose sockets are stubs, one after the other. */
function withStubs(sockets: StubSocket[], options: Partial<XrayExporterOptions> = {}) {
  const waiting = [...sockets];
  const socketParts = {
    ...builtinParts,
    dgram: () => ({ createSocket: () => waiting.shift() }),
  } as unknown as DaemonSocketParts;
  return createXrayExporter({ daemonAddress: '127.0.0.1:2000', ...ignoreProblems, socketParts, ...options });
}

const documentOf = (datagram: Buffer): Drawn => JSON.parse(datagram.toString().split('\n')[1]!) as Drawn;

test('sends one valid datagram per document and says how many spans they held', async () => {
  const sink = new XraySink();
  await sink.open();
  try {
    const exporter = createXrayExporter({ daemonAddress: sink.address, ...ignoreProblems });
    assert.deepEqual(await exporter.export([batchOf(2), unplaced(batchOf(0))], inTime()), {
      sentSpans: 4,
      droppedSpans: 0,
    });
    await sink.drain();
    assert.deepEqual(sink.violations, []);
    assert.deepEqual(
      sink.documents.map(({ name, subsegments }) => [name, subsegments?.length]),
      [['Invocation', 2]],
    );
    assert.ok(sink.datagrams[0]!.bytes.toString().startsWith('{"format":"json","version":1}\n{"id":"'));
  } finally {
    await sink.close();
  }
});

test('without a placement nothing is sent and no socket is made', async () => {
  const exporter = createXrayExporter({
    daemonAddress: '127.0.0.1:2000',
    ...ignoreProblems,
    socketParts: {
      dgram: () => assert.fail('a socket was made'),
      resolve: () => assert.fail('a name was resolved'),
    },
  });
  assert.deepEqual(await exporter.export([unplaced(batchOf(3))], inTime()), { sentSpans: 0, droppedSpans: 0 });
});

test('a numeric address asks no DNS, a name is resolved once', async () => {
  const sink = new XraySink();
  await sink.open();
  try {
    const port = sink.address.split(':')[1];
    let asked = 0;
    const socketParts: DaemonSocketParts = {
      ...builtinParts,
      resolve: async () => {
        asked += 1;
        return { address: '127.0.0.1', family: 4 };
      },
    };
    const numeric = createXrayExporter({ daemonAddress: sink.address, ...ignoreProblems, socketParts });
    await numeric.export([batchOf(0)], inTime());
    assert.equal(asked, 0);
    const named = createXrayExporter({ daemonAddress: `daemon.test:${port}`, ...ignoreProblems, socketParts });
    const outcomes = await Promise.all([named.export([batchOf(0)], inTime()), named.export([batchOf(0)], inTime())]);
    outcomes.push(await named.export([batchOf(0)], inTime()));
    assert.ok(outcomes.every(({ error, sentSpans }) => error === undefined && sentSpans === 2));
    assert.equal(asked, 1);
    await sink.drain();
    assert.equal(sink.documents.length, 4);
  } finally {
    await sink.close();
  }
});

test('an IPv6 address gets an IPv6 socket', async (t) => {
  const receiver = dgram.createSocket('udp6');
  const bound = once(receiver, 'listening');
  receiver.bind(0, '::1');
  try {
    await bound;
  } catch (error) {
    t.skip(`no IPv6 on this machine: ${error}`);
    return;
  }
  try {
    const received = once(receiver, 'message') as Promise<[Buffer]>;
    const exporter = createXrayExporter({ daemonAddress: `[::1]:${receiver.address().port}`, ...ignoreProblems });
    assert.equal((await exporter.export([batchOf(0)], inTime())).error, undefined);
    const [datagram] = await received;
    assert.equal(documentOf(datagram).name, 'Invocation');
  } finally {
    receiver.close();
  }
});

test('a name that does not resolve: the spans wait, the reason is in the outcome, and it is not asked each time', async () => {
  let asked = 0;
  const exporter = createXrayExporter({
    daemonAddress: 'nowhere.test:2000',
    ...ignoreProblems,
    socketParts: {
      ...builtinParts,
      resolve: async () => {
        asked += 1;
        throw new Error('ENOTFOUND');
      },
    },
  });
  for (let flush = 0; flush < 3; flush += 1) {
    const outcome = await exporter.export([batchOf(1)], inTime());
    assert.deepEqual([outcome.sentSpans, outcome.droppedSpans, outcome.unsent?.length], [0, 0, 1]);
    assert.match(outcome.error!, /AWS_XRAY_DAEMON_ADDRESS "nowhere\.test:2000" does not resolve/);
  }
  assert.equal(asked, 1);
});

test('a name that resolves too late does not hold the flush past its deadline', async () => {
  const exporter = createXrayExporter({
    daemonAddress: 'slow.test:2000',
    ...ignoreProblems,
    socketParts: { ...builtinParts, resolve: () => new Promise(() => {}) },
  });
  const outcome = await exporter.export([batchOf(0)], Date.now() + 20);
  assert.deepEqual([outcome.sentSpans, outcome.droppedSpans, outcome.unsent?.length], [0, 0, 1]);
});

test('an address that cannot be read is an error in every outcome', async () => {
  const exporter = createXrayExporter({ daemonAddress: 'nonsense', ...ignoreProblems });
  const outcome = await exporter.export([batchOf(1), unplaced(batchOf(5))], inTime());
  assert.deepEqual([outcome.sentSpans, outcome.droppedSpans], [0, 3]);
  assert.match(outcome.error!, /"nonsense" cannot be read/);
});

test('nobody listens: the spans wait until somebody does', async () => {
  const closed = dgram.createSocket('udp4');
  closed.bind(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address();
  closed.close();
  await once(closed, 'close');
  const exporter = createXrayExporter({ daemonAddress: `127.0.0.1:${port}`, ...ignoreProblems });
  const batch = batchOf(0);
  for (let flush = 0; flush < 3; flush += 1) {
    assert.deepEqual(await exporter.export([batch], inTime()), {
      sentSpans: 0,
      droppedSpans: 0,
      unsent: [batch],
      error: `nobody listens at the host in AWS_XRAY_DAEMON_ADDRESS "127.0.0.1:${port}"`,
    });
  }
  const late = dgram.createSocket('udp4');
  late.bind(port, '127.0.0.1');
  await once(late, 'listening');
  assert.deepEqual(await exporter.export([batch], inTime()), { sentSpans: 2, droppedSpans: 0 });
  late.close();
});

test('the kernel takes a document of 65477 bytes and refuses the next', {
  skip: process.platform === 'darwin' && 'datagrams are smaller there',
}, async () => {
  const sink = new XraySink();
  await sink.open();
  const socket = dgram.createSocket('udp4');
  try {
    const [, port] = sink.address.split(':');
    const send = (bytes: number) =>
      new Promise<string | undefined>((resolve) =>
        socket.send(Buffer.alloc(30 + bytes), Number(port), '127.0.0.1', (error) =>
          resolve((error as NodeJS.ErrnoException | null)?.code),
        ),
      );
    assert.equal(await send(65_477), undefined);
    assert.equal(await send(65_478), 'EMSGSIZE');
  } finally {
    socket.close();
    await sink.close();
  }
});

test('datagrams too large for the machine: the document is split again, and later ones are smaller', async () => {
  const socket = new StubSocket((datagram) => (datagram.length > 40_000 ? 'EMSGSIZE' : undefined));
  const exporter = withStubs([socket]);
  const first = batchOf(500);
  const outcome = await exporter.export([first], inTime());
  assert.equal(outcome.error, undefined);
  assert.equal(outcome.droppedSpans + outcome.sentSpans, 502);
  assert.ok(outcome.sentSpans > 250, `${outcome.sentSpans} spans`);
  const sizes = socket.sent.map((datagram) => datagram.length);
  assert.ok(Math.max(...sizes) <= 32_030, sizes.join());
  assert.equal(documentOf(socket.sent[0]!).id, invocationSpanId);
  const ids = socket.sent.flatMap((datagram) => [...datagram.toString().matchAll(/"id":"(.*?)"/g)].map(([, id]) => id));
  assert.equal(new Set(ids).size, ids.length);
  const before = socket.sent.length;
  assert.equal((await exporter.export([batchOf(500)], inTime())).error, undefined);
  assert.ok(socket.sent.length > before && socket.closed === 0);
});

test('datagrams too large even then are dropped', async () => {
  const exporter = withStubs([new StubSocket(() => 'EMSGSIZE')]);
  const outcome = await exporter.export([batchOf(3)], inTime());
  assert.deepEqual([outcome.sentSpans, outcome.droppedSpans], [0, 5]);
  assert.match(outcome.error!, /EMSGSIZE/);
});

test('a broken socket is replaced once, and what failed goes out through the new one', async () => {
  const broken = new StubSocket(() => 'EBADF');
  const fresh = new StubSocket(() => undefined);
  const exporter = withStubs([broken, fresh]);
  assert.deepEqual(await exporter.export([batchOf(1)], inTime()), { sentSpans: 3, droppedSpans: 0 });
  assert.equal(broken.closed, 1);
  assert.equal(fresh.sent.length, 1);
  assert.deepEqual(await exporter.export([batchOf(1)], inTime()), { sentSpans: 3, droppedSpans: 0 });
  assert.equal(fresh.sent.length, 2);
});

test('a socket that stays broken: dropped, with the reason, and tried anew at the next flush', async () => {
  const fresh = new StubSocket(() => undefined);
  const exporter = withStubs([new StubSocket(() => 'ENETUNREACH'), new StubSocket(() => 'ENETUNREACH'), fresh]);
  const outcome = await exporter.export([batchOf(0)], inTime());
  assert.deepEqual([outcome.sentSpans, outcome.droppedSpans], [0, 2]);
  assert.match(outcome.error!, /1 documents could not be sent to the X-Ray daemon: ENETUNREACH/);
  assert.equal((await exporter.export([batchOf(0)], inTime())).error, undefined);
});

test('a real socket closed behind our back is replaced', async (t) => {
  const sink = new XraySink();
  await sink.open();
  try {
    const made: dgram.Socket[] = [];
    const createSocket = t.mock.method(dgram, 'createSocket');
    const exporter = createXrayExporter({ daemonAddress: sink.address, ...ignoreProblems });
    await exporter.export([batchOf(0)], inTime());
    made.push(...createSocket.mock.calls.map(({ result }) => result!));
    made.at(-1)!.close();
    assert.deepEqual(await exporter.export([batchOf(0)], inTime()), { sentSpans: 2, droppedSpans: 0 });
    await sink.drain();
    assert.equal(sink.documents.length, 2);
  } finally {
    await sink.close();
  }
});

test('a socket that takes nothing does not hold the flush past its deadline', async () => {
  const exporter = withStubs([new StubSocket(() => 'silence')]);
  const outcome = await exporter.export([batchOf(0)], Date.now() + 10);
  assert.deepEqual([outcome.sentSpans, outcome.droppedSpans], [0, 2]);
  assert.match(outcome.error!, /in time/);
});

test('a socket that takes the datagrams later, but in time, is waited for', async () => {
  const held: (() => void)[] = [];
  const socket = new StubSocket(() => undefined);
  const { send } = socket;
  socket.send = (datagram, done) => send.call(socket, datagram, (error) => held.push(() => done(error)));
  const exporter = withStubs([socket]);
  const exporting = exporter.export([batchOf(0), batchOf(1)], inTime());
  await settle();
  assert.equal(held.length, 2);
  for (const tell of held) tell();
  assert.deepEqual(await exporting, { sentSpans: 5, droppedSpans: 0 });
});

test('the limits of the options hold, and what they drop is counted without being an error', async () => {
  const socket = new StubSocket(() => undefined);
  const exporter = withStubs([socket], { documentCapBytes: 4096, addedDocuments: 2, metadataCapBytes: 100 });
  const outcome = await exporter.export([batchOf(500)], inTime());
  assert.equal(socket.sent.length, 3);
  assert.equal(outcome.error, undefined);
  assert.equal(outcome.sentSpans + outcome.droppedSpans, 502);
  const { metadata } = documentOf(socket.sent[0]!);
  assert.deepEqual(metadata, { spanstrap: { dropped_subsegments: outcome.droppedSpans } });
});

test('annotations, mode and live errors are settings', async () => {
  const socket = new StubSocket(() => undefined);
  const cause = new Error('behind');
  const exporter = withStubs([socket], {
    mode: 'prefixed',
    indexedAttributes: ['tenant.id'],
    keepsAnnotationDots: true,
    workingDirectory: '/var/task',
    liveErrorOf: () => new Error('outer', { cause }),
  });
  const span = buildSpan({
    id: invocationSpanId,
    name: 'Invocation',
    attributes: { 'tenant.id': 'acme' },
    events: [{ name: 'exception', attributes: { 'exception.message': 'outer' } }],
  });
  await exporter.export([{ spans: [span], xray: placement, isSampledForOtlp: false }], inTime());
  const drawn = documentOf(socket.sent[0]!);
  assert.equal(drawn.name, 'Handler');
  assert.deepEqual(drawn.annotations, { 'tenant.id': 'acme' });
  assert.ok(typeof drawn.cause === 'object');
  assert.equal(drawn.cause.working_directory, '/var/task');
  assert.deepEqual(
    drawn.cause.exceptions.map(({ message }) => message),
    ['outer', 'behind'],
  );
});

test('spans that cannot be translated at all are dropped and reported once; other batches go out', async () => {
  const socket = new StubSocket(() => undefined);
  const problems: string[] = [];
  const exporter = withStubs([socket], { reportProblem: (message) => problems.push(message) });
  const bad = { ...buildSpan({ id: nextSpanId() }), startTime: undefined };
  const batch = { spans: [bad], xray: placement, isSampledForOtlp: false } as unknown as SpanBatch;
  for (let flush = 0; flush < 2; flush += 1) {
    const outcome = await exporter.export([batch, batchOf(0)], inTime());
    assert.deepEqual([outcome.sentSpans, outcome.droppedSpans], [2, 1]);
  }
  assert.equal(problems.length, 1);
  assert.match(problems[0]!, /^spans could not be written as X-Ray documents and are dropped: TypeError/);
});
