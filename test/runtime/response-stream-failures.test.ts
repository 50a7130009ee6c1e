import assert from 'node:assert/strict';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { errorBody } from '../../runtime/error-body.ts';
import { HttpResponseStream } from '../../runtime/http-response-stream.ts';
import type { ResponseStream } from '../../runtime/response-stream-facade.ts';
import { openStream } from './fake-sink.ts';

const asWritable = (stream: ResponseStream): NodeJS.WritableStream => stream as unknown as NodeJS.WritableStream;

const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending');
  for (let turn = 0; turn < 5; turn++) await setImmediate();
  return (
    (await Promise.race([
      promise.then(
        () => {},
        () => {},
      ),
      Promise.resolve(pending),
    ])) === pending
  );
};

const failure = new RangeError('handler');

const trailersOf = (error: unknown) => {
  const { body, errorType } = errorBody(error);
  return { errorType, errorBodyBase64: Buffer.from(body).toString('base64') };
};

test('P101: a failure before any write opens the POST, with an empty body and trailers', async () => {
  const { responseStream, sink, opened, fail, answered } = openStream();
  await fail(failure);
  assert.deepEqual(opened, ['application/octet-stream']);
  assert.deepEqual(sink.chunks, []);
  assert.deepEqual(sink.trailers, trailersOf(failure));
  await answered;
  assert.equal(responseStream.writableEnded, true);
  const { errorType, errorBodyBase64 } = sink.trailers!;
  assert.equal(errorType, 'RangeError');
  assert.equal(JSON.parse(Buffer.from(errorBodyBase64, 'base64').toString()).errorMessage, 'handler');
});

test('P101: a failure before the first write sends no prelude', async () => {
  const { responseStream, sink, fail } = openStream();
  HttpResponseStream.from(responseStream, { statusCode: 200 });
  await fail(failure);
  assert.deepEqual(sink.chunks, []);
});

test('P101: a failure after writes sends what was written, also what waits, then the trailers', async () => {
  const { responseStream, sink, fail } = openStream({ highWaterMarkBytes: 1 });
  sink.isSlow = true;
  responseStream.write('one ');
  responseStream.cork();
  responseStream.write('two ');
  const over = fail(failure);
  assert.ok(await isPending(over));
  sink.release();
  await over;
  assert.equal(sink.text, 'one two ');
  assert.deepEqual(sink.trailers, trailersOf(failure));
});

test('P98: a stream that has ended keeps its success', async () => {
  const { responseStream, sink, fail, answered } = openStream();
  responseStream.end('done');
  await fail(failure);
  await answered;
  assert.equal(sink.trailers, undefined);
  assert.equal(sink.text, 'done');
});

test('P101: compat chooses how the thrown value is described', async () => {
  const { sink, fail } = openStream({ compat: 'node22' });
  await fail(null);
  assert.equal(sink.trailers!.errorType, 'string');
});

test('a source that breaks mid-way: pipeline rejects, the answer ends with trailers', async () => {
  const { responseStream, sink, answered, fail } = openStream();
  const source = async function* () {
    yield 'first';
    throw failure;
  };
  const broken = await pipeline(source, asWritable(responseStream)).catch((error: unknown) => error);
  assert.equal(broken, failure);
  assert.equal(responseStream.destroyed, true);
  await assert.rejects(answered, failure);
  await fail(broken);
  assert.equal(sink.text, 'first');
  assert.deepEqual(sink.trailers, trailersOf(failure));
});

test('P100: a destroyed stream is not finished: the runtime hears of it, and the POST can still be ended', async () => {
  const { responseStream, sink, opened, answered, fail } = openStream();
  responseStream.destroy();
  await assert.rejects(answered, { message: 'Response stream is not finished.' });
  assert.deepEqual(opened, []);
  await fail(new Error('x'));
  assert.equal(sink.isEnded, true);
  assert.ok(sink.trailers !== undefined);
});

test('P100: a stream that is destroyed before its end is out is not finished either, and the POST is ended with trailers', async () => {
  const { responseStream, sink, answered, fail } = openStream();
  responseStream.end('x');
  responseStream.destroy();
  await assert.rejects(answered, { message: 'Response stream is not finished.' });
  await fail(failure);
  assert.equal(sink.text, 'x');
  assert.deepEqual(sink.trailers, trailersOf(failure));
});

test('a stream that is destroyed when its end is out keeps its success', async () => {
  const { responseStream, sink, answered, fail } = openStream();
  await new Promise<void>((resolve) => void responseStream.end('x', resolve));
  responseStream.destroy();
  await answered;
  await fail(failure);
  assert.equal(sink.text, 'x');
  assert.equal(sink.trailers, undefined);
});

test('the client is gone: the write fails, listeners and the runtime hear of it, and fail() comes back', async () => {
  const { responseStream, sink, answered, fail } = openStream();
  const gone = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
  sink.broken = gone;
  const heard: unknown[] = [];
  responseStream.on('error', (error) => heard.push(error));
  const written = new Promise((resolve) => responseStream.write('x', resolve));
  await assert.rejects(answered, gone);
  assert.equal(await written, gone);
  assert.deepEqual(heard, [gone]);
  await fail(gone);
  assert.equal(sink.isEnded, false, 'a broken POST is not written to');
  responseStream.write('more');
  responseStream.end();
  await setImmediate();
});

test('the connection breaks while the answer is awaited', async () => {
  const { responseStream, sink, answered, fail } = openStream();
  const heard: unknown[] = [];
  responseStream.on('error', (error) => heard.push(error));
  sink.isSlow = true;
  responseStream.end('x');
  sink.release();
  sink.broken = new Error('reset');
  await assert.rejects(answered, { message: 'reset' });
  await setImmediate();
  assert.deepEqual(heard, [sink.broken]);
  await fail(sink.broken);
});

test('a POST that cannot be opened fails the stream, not the process', async () => {
  const refused = new Error('connect ECONNREFUSED');
  const openPost = (): never => {
    throw refused;
  };
  for (const act of ['write', 'end', 'fail'] as const) {
    const { responseStream, answered, fail } = openStream({ openPost });
    if (act === 'fail') await fail(failure);
    else responseStream[act]('x');
    await assert.rejects(answered, refused);
    await fail(refused);
  }
});

test('writing after the end: an error for who listens and for the runtime; the response stays whole', async () => {
  for (const act of ['write', 'end'] as const) {
    const { responseStream, sink, answered, fail } = openStream();
    const heard: unknown[] = [];
    responseStream.on('error', (error: NodeJS.ErrnoException) => heard.push(error.code));
    sink.isSlow = true;
    responseStream.write('whole ');
    responseStream.end('response');
    responseStream[act]('late', (error?: NodeJS.ErrnoException | null) => heard.push(error?.code));
    await assert.rejects(answered, { code: 'ERR_STREAM_WRITE_AFTER_END' });
    await setImmediate();
    assert.deepEqual(heard, ['ERR_STREAM_WRITE_AFTER_END', 'ERR_STREAM_WRITE_AFTER_END']);
    const over = fail(failure);
    sink.release();
    await over;
    assert.equal(sink.text, 'whole response');
    assert.equal(sink.trailers, undefined);
  }
});

test('errors that nobody listens to do not end the process', async () => {
  const { responseStream, answered } = openStream();
  responseStream.destroy(failure);
  // The runtime looks when the handler has settled, which may take long.
  await setImmediate();
  await assert.rejects(answered, failure);
});
