import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStreamingMark, streamifyResponse } from '../../runtime/streaming-mark.ts';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const marked = (marks: object): object => Object.assign(() => {}, marks);

test('P91: streamifyResponse returns the same function with the symbols set', () => {
  const handler = async (): Promise<void> => {};
  assert.equal(streamifyResponse(handler, { highWaterMark: 1024 }), handler);
  const { [STREAMING]: mark, [HIGH_WATER_MARK]: limit } = handler as unknown as Record<symbol, unknown>;
  assert.equal(mark, 'response');
  assert.equal(limit, 1024);
  assert.deepEqual(readStreamingMark(handler), { isStreaming: true, highWaterMarkBytes: 1024 });
});

test('P91: a high-water mark that is no number is not taken', () => {
  for (const options of [undefined, {}, { highWaterMark: '1024' }, { highWaterMark: null }]) {
    const handler = streamifyResponse(() => {}, options);
    assert.ok(!(HIGH_WATER_MARK in handler));
    assert.deepEqual(readStreamingMark(handler), { isStreaming: true, highWaterMarkBytes: undefined });
  }
});

test('P28: anything falsy is buffered, `response` streams, all else is an error', () => {
  for (const mark of [undefined, null, false, '', 0]) {
    assert.equal(readStreamingMark(marked({ [STREAMING]: mark })).isStreaming, false);
  }
  assert.equal(readStreamingMark(() => {}).isStreaming, false);
  for (const mark of ['request', true, 1, {}]) {
    assert.throws(() => readStreamingMark(marked({ [STREAMING]: mark })), {
      name: 'Runtime.MalformedStreamingHandler',
      message: 'Only response streaming is supported.',
    });
  }
});

test('P28: a high-water mark that no stream would take is ignored', () => {
  for (const [limit, bytes] of [
    [Number.NaN, undefined],
    ['4096', 4096],
    ['x', undefined],
    [-1, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [16384.7, 16384],
    [0, undefined],
    [null, undefined],
  ]) {
    const handler = marked({ [STREAMING]: 'response', [HIGH_WATER_MARK]: limit });
    assert.equal(readStreamingMark(handler).highWaterMarkBytes, bytes, String(limit));
  }
});
