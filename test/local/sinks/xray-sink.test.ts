// The UDP receiver over a real socket.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { test } from 'node:test';
import { openXraySink, type XraySink } from '../../../local/sinks/xray-sink.ts';

const HEADER = '{"format":"json","version":1}\n';

const document = (name: string): string =>
  HEADER +
  JSON.stringify({
    id: '53995c3f42cd8ad8',
    trace_id: '1-65f1a2b3-0123456789abcdef01234567',
    type: 'subsegment',
    parent_id: '9f1e2d3c4b5a6978',
    name,
    start_time: 1710334643.12,
    end_time: 1710334643.34,
  });

async function send(sink: XraySink, ...bodies: string[]): Promise<void> {
  const [host, port] = sink.address.split(':');
  const socket = createSocket('udp4');
  for (const body of bodies) {
    await new Promise<void>((resolve, reject) =>
      socket.send(body, Number(port), host, (error) => (error ? reject(error) : resolve())),
    );
  }
  socket.close();
}

test('keeps documents, and says what is wrong with which', async () => {
  await using sink = await openXraySink();
  await send(sink, document('Initialization'), document('Bad?'), 'rubbish');
  await sink.drain();
  assert.deepEqual(
    sink.documents.map(({ name }) => name),
    ['Initialization', 'Bad?'],
  );
  assert.equal(sink.datagrams.length, 3);
  assert.deepEqual(sink.datagrams[0]?.violations, []);
  assert.equal(sink.violations.length, 2);
  assert.match(sink.violations[0]!, /^Bad\?: document\.name/);
  assert.match(sink.violations[1]!, /^datagram: the datagram has no header line/);
  assert.ok(sink.datagrams[0]!.at <= performance.now());
});

test('drain finds the datagrams of the largest size, all of them', async () => {
  await using sink = await openXraySink();
  const large = document('x'.repeat(65_000));
  await send(sink, ...Array.from({ length: 12 }, () => large));
  await sink.drain();
  assert.equal(sink.datagrams.length, 12);
});

test('waitFor wakes on arrival and fails with what was waited for', async () => {
  await using sink = await openXraySink();
  const waiting = sink.waitFor(({ documents }) => documents.find(({ name }) => name === 'Overhead'), 'Overhead');
  await send(sink, document('Invocation'), document('Overhead'));
  assert.equal((await waiting).name, 'Overhead');
  await assert.rejects(
    sink.waitFor(() => false, 'a third document', 1),
    (error: Error) => /a third document/.test(error.message) && /Invocation/.test(error.message),
  );
});
