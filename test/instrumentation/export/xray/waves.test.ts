// Many datagrams at once: the daemon's socket holds three of full size, so they leave in waves.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSocketParts } from '../../../../instrumentation/export/xray/daemon-socket.ts';
import { settle } from '../../../support/conditions.ts';
import { evaluateAnew } from '../../../support/evaluated-anew.ts';
import { buildSpan } from '../../span-builder.ts';
import { placement } from './drawing.ts';

type ExporterModule = typeof import('../../../../instrumentation/export/xray/exporter.ts');

const EXPORTER = 'instrumentation/export/xray/exporter.ts';
const SENDING = 'instrumentation/export/xray/sending-round.ts';
const START_MS = 1_710_334_650_000;

/** So many spans without a common parent: each is a document of its own. */
const spansOf = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, n) =>
    buildSpan({
      name: `work ${n}`,
      attributes: { 'aws.xray.metadata.x': JSON.stringify({ text: 'x'.repeat(bytes) }) },
    }),
  );

/** A socket that takes everything at once, or holds what comes after so many datagrams. */
function stub(holdAfter = Number.POSITIVE_INFINITY) {
  const sizes: number[] = [];
  const socket = {
    on: () => socket,
    unref: () => {},
    close: () => {},
    connect: () => {},
    send(datagram: Buffer, done: (error: Error | null) => void) {
      sizes.push(datagram.length);
      if (sizes.length <= holdAfter) process.nextTick(done, null);
    },
  };
  const socketParts = { dgram: () => ({ createSocket: () => socket }) } as unknown as DaemonSocketParts;
  return { sizes, socketParts };
}

for (const [what, spans, waves] of [
  ['an ordinary number', spansOf(5, 10), [5]],
  ['many small ones', spansOf(50, 10), [20, 20, 10]],
  ['a few large ones', spansOf(5, 30_000), [2, 2, 1]],
] as const) {
  test(`${what}: waves of ${waves.join(', ')}`, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START_MS });
    const { createXrayExporter } = await evaluateAnew<ExporterModule>(EXPORTER, [SENDING]);
    const { sizes, socketParts } = stub();
    const exporter = createXrayExporter({
      daemonAddress: '127.0.0.1:2000',
      metadataCapBytes: 40_000,
      socketParts,
      reportProblem: () => {},
    });
    const exporting = exporter.export([{ spans, xray: placement, isSampledForOtlp: true }], START_MS + 60_000);
    let sent = 0;
    for (const wave of waves) {
      await settle();
      sent += wave;
      assert.equal(sizes.length, sent);
      t.mock.timers.tick(2);
    }
    assert.deepEqual(await exporting, { sentSpans: spans.length, droppedSpans: 0 });
  });
}

test('a socket that takes no more: what is left is not waited for wave by wave', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: START_MS });
  const { createXrayExporter } = await evaluateAnew<ExporterModule>(EXPORTER, [SENDING]);
  const { sizes, socketParts } = stub(10);
  const exporter = createXrayExporter({ daemonAddress: '127.0.0.1:2000', socketParts, reportProblem: () => {} });
  const batch = { spans: spansOf(50, 10), xray: placement, isSampledForOtlp: true };
  const exporting = exporter.export([batch], START_MS + 60_000);
  await settle();
  t.mock.timers.tick(50);
  const { sentSpans, droppedSpans, error } = await exporting;
  assert.deepEqual([sizes.length, sentSpans, droppedSpans], [20, 10, 40]);
  assert.match(error ?? '', /the socket did not take them in time/);
});
