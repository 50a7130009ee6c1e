import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../support/conditions.ts';
import { deliveryOf, type LoopStand, type StandOptions, standLoop } from './loop-stand.ts';

type Stream = { write(chunk: string): void; end(chunk?: string): void };
type StreamingHandler = (event: unknown, stream: Stream) => Promise<unknown>;

const standStreaming = (handler: StreamingHandler, body = '{}', options: StandOptions = {}): LoopStand =>
  standLoop(handler as never, [deliveryOf('r1', body)], {
    streaming: { isStreaming: true, highWaterMarkBytes: undefined },
    ...options,
  });

const TYPE = 'application/octet-stream';

test('a streamed response: chunks as they are written; the poll waits for the end of the POST', async () => {
  const { log, serve } = standStreaming(async (_event, stream) => {
    stream.write('one');
    stream.write('two');
    stream.end();
  });
  await serve();
  assert.deepEqual(log, [
    'next r1',
    'begin r1 {}',
    `stream r1 ${TYPE}`,
    'chunk one',
    'chunk two',
    'stream end',
    'settled undefined',
    'taken 202 6',
    'answered r1',
    'end',
  ]);
});

test('a failure in the middle goes into the trailers', async () => {
  const { log, serve } = standStreaming(async (_event, stream) => {
    stream.write('one');
    throw new RangeError('too far');
  });
  await serve();
  assert.deepEqual(log.slice(2), [
    `stream r1 ${TYPE}`,
    'chunk one',
    'settled RangeError',
    'log RangeError: too far',
    'stream end RangeError',
    'taken 202 3',
    'answered r1',
    'end',
  ]);
});

test('an event that is not JSON fails the stream before its first byte', async () => {
  const { log, serve } = standStreaming(() => assert.fail('the handler is not called'), '{oops');
  await serve();
  assert.ok(log.includes('stream end SyntaxError'));
  assert.ok(log.includes('answered r1'));
});

for (const [status, line] of [
  [413, 'Failed to post handler success response. Http response code: 413. too large'],
  [410, 'The answer to request r1 came after its time was up and was dropped.'],
] as const) {
  test(`a refusal of the stream with ${status} is logged as that of any answer`, async () => {
    const stand = standStreaming(async (_event, stream) => stream.end('x'));
    stand.api.onStreamEnd = () => ({ status, headers: new Map(), body: Buffer.from('too large'), keepsAlive: true });
    await stand.serve();
    assert.ok(stand.log.includes(`taken ${status} 1`));
    assert.ok(stand.log.includes(`error ${line}`));
    assert.ok(stand.log.includes('answered r1'));
  });
}

for (const throws of [false, true]) {
  test(`5xx at the end of a stream is not to be recovered from either, ${throws ? 'failed' : 'ended'}`, async () => {
    const stand = standStreaming(async (_event, stream) => {
      if (throws) throw new Error('mine');
      stream.end('x');
    });
    stand.api.onStreamEnd = () => ({ status: 500, headers: new Map(), body: Buffer.from('down'), keepsAlive: true });
    await assert.rejects(stand.serve(), /POST success: the Runtime API answered with status 500: down/);
  });
}

test('policy 2: a crash in the middle of a stream ends it with the error, and the observer hears of it once', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { log, loop, serve } = standStreaming(async (_event, stream) => {
    stream.write('one');
    await promise;
    throw new Error('too late');
  });
  const served = serve();
  await settle();
  await loop.crash(new RangeError('from a timer'));
  assert.deepEqual(log.slice(3), ['chunk one', 'settled RangeError', 'stream end RangeError', 'taken 202 3']);
  resolve();
  // Nothing is polled after a crash: the loop never settles, the end of the process is all that comes.
  assert.equal(await Promise.race([served, settle().then(() => 'polls no more')]), 'polls no more');
  assert.equal(log.filter((line) => `${line}`.startsWith('taken')).length, 1);
  assert.equal(log.filter((line) => `${line}`.startsWith('stream end')).length, 1);
});
