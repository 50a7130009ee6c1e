// A daemon that is not there, on real sockets: the kernel says so with the datagram after, or with the next turn of the event loop.

import assert from 'node:assert/strict';
import type { LookupOneOptions } from 'node:dns';
import { type TestContext, test } from 'node:test';
import type { Exporter, SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import { builtinParts } from '../../../../instrumentation/export/xray/daemon-socket.ts';
import { createXrayExporter } from '../../../../instrumentation/export/xray/exporter.ts';
import { openXraySink, type XraySink } from '../../../../local/sinks/xray-sink.ts';
import { buildSpan, kinds } from '../../span-builder.ts';

const ROOT = '1-65f1a2b3-0123456789abcdef01234567';

/** An invocation with so many spans, which are so many documents. */
function batchOf(spans: number, name = 'work'): SpanBatch {
  const server = buildSpan({ name: 'function', kind: kinds.SERVER });
  const { spanId: serverSpanId } = server.spanContext();
  const invocation = buildSpan({ name: 'Invocation', parent: serverSpanId });
  const work = Array.from({ length: spans }, () => buildSpan({ name, parent: serverSpanId }));
  return {
    spans: [...work, invocation, server],
    xray: {
      traceId: ROOT,
      parentId: '53995c3f42cd8ad8',
      serverSpanId,
      invocationSpanId: invocation.spanContext().spanId,
    },
    isSampledForOtlp: false,
    invocation: {},
  };
}

async function open(t: TestContext): Promise<{ sink: XraySink; exporter: Exporter; problems: string[] }> {
  const sink = await openXraySink();
  t.after(() => sink.close());
  const problems: string[] = [];
  const exporter = createXrayExporter({
    daemonAddress: sink.address,
    reportProblem: (problem) => problems.push(problem),
  });
  return { sink, exporter, problems };
}

const inAMinute = (): number => Date.now() + 60_000;

test('gone: whatever the number of documents, everything may be sent again, and is when it is back, once', async (t) => {
  const { sink, exporter } = await open(t);
  for (let spans = 0; spans <= 7; spans++) {
    await sink.leave();
    const batches = [batchOf(spans)];
    for (const attempt of [1, 2, 3]) {
      const { unsent, droppedSpans, sentSpans, error } = await exporter.export(batches, inAMinute());
      assert.deepEqual([unsent, droppedSpans, sentSpans], [batches, 0, 0], `${spans} spans, attempt ${attempt}`);
      assert.match(error ?? '', /^nobody listens at the host in AWS_XRAY_DAEMON_ADDRESS/);
    }
    await sink.comeBack();
    const outcome = await exporter.export(batches, inAMinute());
    assert.equal(outcome.error, undefined);
    assert.equal(outcome.unsent, undefined);
    await sink.drain();
    assert.equal(sink.documents.filter(({ name }) => name === 'work').length, spans);
    sink.clear();
  }
});

test('at the exit nobody can hear that the daemon is gone: it must have been there just before', async (t) => {
  const { sink, exporter } = await open(t);
  const atExit = (batches: readonly SpanBatch[]): boolean | undefined => exporter.exportAtExit?.(batches);
  assert.equal(atExit([batchOf(1)]), false, 'never seen');
  await exporter.export([batchOf(1)], inAMinute());
  assert.equal(atExit([batchOf(1, 'last words')]), true, 'seen');
  await sink.waitFor(({ documents }) => documents.some(({ name }) => name === 'last words'), 'the last words');
  assert.equal(atExit([batchOf(1), batchOf(1)]), false, 'an invocation has ended since, and its spans wait');
  await sink.leave();
  await exporter.export([batchOf(1)], inAMinute());
  assert.equal(atExit([batchOf(1)]), false, 'seen to be gone');
  await sink.comeBack();
  await exporter.export([batchOf(1)], inAMinute());
  assert.equal(atExit([batchOf(1)]), true, 'seen again');
});

test('a name that has moved: asked for anew when nobody listens there any more', async (t) => {
  const { sink } = await open(t);
  const addresses = ['127.0.0.2', '127.0.0.1'];
  const asked: string[] = [];
  const exporter = createXrayExporter({
    daemonAddress: `daemon.test:${sink.address.split(':')[1]}`,
    reportProblem() {},
    socketParts: {
      ...builtinParts,
      async resolve() {
        asked.push(addresses[asked.length]!);
        return { address: asked.at(-1)!, family: 4 };
      },
    },
  });
  const batches = [batchOf(0)];
  assert.equal((await exporter.export(batches, inAMinute())).unsent, batches);
  for (let flush = 0; flush < 2; flush++) assert.equal((await exporter.export(batches, inAMinute())).error, undefined);
  assert.deepEqual(asked, addresses);
});

test('of a name with both kinds of addresses the one of IPv4: the daemon listens there if nobody says otherwise', async (t) => {
  const { promises } = process.getBuiltinModule('node:dns');
  const both = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ];
  t.mock.method(promises, 'lookup', async (_name: string, { order }: LookupOneOptions = {}) =>
    order === 'ipv4first' ? both[1] : both[0],
  );
  assert.deepEqual(await builtinParts.resolve('localhost'), both[1]);
});
