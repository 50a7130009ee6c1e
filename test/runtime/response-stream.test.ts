import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
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

test('P92: the facade has the methods and properties of the managed runtimes, and no more', () => {
  const { responseStream } = openStream();
  assert.deepEqual(
    Object.keys(responseStream).toSorted(),
    'cork destroy end uncork write addListener on once prependListener prependOnceListener off removeListener removeAllListeners setMaxListeners getMaxListeners listeners rawListeners listenerCount eventNames emit setContentType'
      .split(' ')
      .toSorted(),
  );
  const hidden = Object.getOwnPropertyNames(responseStream).filter(
    (name) => !Object.keys(responseStream).includes(name),
  );
  assert.deepEqual(
    hidden.toSorted(),
    'destroyed _onBeforeFirstWrite writableFinished writableObjectMode writableEnded writableNeedDrain writableHighWaterMark writableCorked writableLength writable'
      .split(' ')
      .toSorted(),
  );
  assert.ok(!(responseStream instanceof Writable));
  assert.equal(Object.getPrototypeOf(responseStream), Object.prototype);
  assert.equal(responseStream.writable, true);
  assert.equal(responseStream.writableObjectMode, false);
  assert.throws(() => {
    (responseStream as { writableEnded: boolean }).writableEnded = true;
  }, TypeError);
});

test('P92: methods can be taken off the facade', async () => {
  const { responseStream, sink, answered } = openStream();
  const { write, end, on } = responseStream;
  let finished = 0;
  on('finish', () => finished++);
  write('a');
  end('b');
  await answered;
  assert.equal(sink.text, 'ab');
  assert.equal(finished, 1);
});

test('P93: the high-water mark is 65536 bytes unless the handler says otherwise', async () => {
  assert.equal(openStream().responseStream.writableHighWaterMark, 65_536);
  const { responseStream, sink } = openStream({ highWaterMarkBytes: 10 });
  assert.equal(responseStream.writableHighWaterMark, 10);
  sink.isSlow = true;
  assert.equal(responseStream.write('12345'), true);
  assert.equal(responseStream.write('67890'), false);
  assert.equal(responseStream.writableNeedDrain, true);
  assert.equal(responseStream.writableLength, 10);
  sink.release();
  await once(asWritable(responseStream), 'drain');
  assert.equal(responseStream.writableNeedDrain, false);
  assert.equal(sink.text, '1234567890');
});

test('P94: text in any encoding and bytes as they are, everything else as JSON; callbacks are called', async () => {
  const { responseStream, sink, answered } = openStream();
  const called: unknown[] = [];
  const chunks = ['ü', Buffer.from('bytes'), new Uint8Array([65]), { a: 1 }, [1, 2], 5, null, true];
  for (const chunk of chunks)
    assert.equal(
      responseStream.write(chunk, (error?: unknown) => void called.push(error)),
      true,
    );
  responseStream.write('aGk=', 'base64', () => called.push('base64'));
  responseStream.end({ end: true }, () => called.push('end'));
  await answered;
  assert.equal(sink.text, 'übytesA{"a":1}[1,2]5nulltruehi{"end":true}');
  assert.deepEqual(called.slice(-2), ['base64', 'end']);
  assert.equal(called.length, chunks.length + 2);
  assert.throws(() => openStream().responseStream.write(undefined), TypeError);
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  const broken = openStream();
  assert.throws(() => broken.responseStream.write(cycle), TypeError);
  assert.deepEqual(broken.opened, [], 'nothing was sent for it');
});

test('P95: the content type can be set before the first write only', async () => {
  const set = openStream();
  set.responseStream.setContentType('text/plain');
  set.responseStream.setContentType('text/html');
  set.responseStream.write('x');
  const late = { name: 'Runtime.InvalidStreamingOperation', message: 'Cannot set content-type, too late.' };
  assert.throws(() => set.responseStream.setContentType('text/css'), late);
  assert.deepEqual(set.opened, ['text/html']);
  const unset = openStream();
  unset.responseStream.end();
  await unset.answered;
  assert.deepEqual(unset.opened, ['application/octet-stream']);
  assert.throws(() => unset.responseStream.setContentType('text/css'), late);
  const corked = openStream();
  corked.responseStream.cork();
  corked.responseStream.write('x');
  assert.throws(() => corked.responseStream.setContentType('text/css'), late, 'though nothing is on the wire yet');
});

test('P95: a content type that is no header value is refused', () => {
  const { responseStream } = openStream();
  for (const value of ['a\r\nX-Injected: 1', 'a\nb', 'ä→', '\0', undefined, null]) {
    assert.throws(() => responseStream.setContentType(value as string), {
      name: 'TypeError',
      code: 'SS_CONTENT_TYPE_INVALID',
    });
  }
  responseStream.setContentType('text/html; charset="utf-8"');
});

test('P96: the prelude and eight NULs come before the first write', async () => {
  const { responseStream, sink, opened, answered } = openStream();
  const prelude = { statusCode: 201, headers: { 'x-a': 'ü' }, cookies: ['a=1'] };
  assert.equal(HttpResponseStream.from(responseStream, prelude), responseStream);
  assert.deepEqual(opened, [], 'not before there is something to write');
  responseStream.write('body');
  responseStream.write(' more');
  responseStream.end();
  await answered;
  assert.deepEqual(opened, ['application/vnd.awslambda.http-integration-response']);
  assert.equal(sink.text, `${JSON.stringify(prelude)}${'\0'.repeat(8)}body more`);
});

test('P96: policy 6: the prelude comes with end() too, with data and without', async () => {
  for (const data of [undefined, 'body', Buffer.from('body')]) {
    const { responseStream, sink, answered } = openStream();
    HttpResponseStream.from(responseStream, { statusCode: 204 }).end(data);
    await answered;
    assert.equal(sink.text, `{"statusCode":204}${'\0'.repeat(8)}${data ?? ''}`);
  }
});

test('P96: no metadata is an empty object; metadata after the first write is too late', async () => {
  const { responseStream, sink, answered } = openStream();
  HttpResponseStream.from(responseStream).end();
  await answered;
  assert.equal(sink.text, `{}${'\0'.repeat(8)}`);
  const written = openStream().responseStream;
  written.write('x');
  assert.throws(() => HttpResponseStream.from(written, {}), { name: 'Runtime.InvalidStreamingOperation' });
});

test('P97: the POST is opened by the first write or the end, not before', async () => {
  const { responseStream, opened, sink } = openStream();
  responseStream.setContentType('text/plain');
  await setImmediate();
  assert.deepEqual(opened, []);
  responseStream.write('');
  assert.deepEqual(opened, ['text/plain'], 'an empty write opens it');
  assert.deepEqual(sink.chunks, [], 'but sends no empty chunk, which would end the body');
});

test('P100: done is when the stream has ended and the platform has answered; finish comes with the last byte', async () => {
  const { responseStream, sink, answered, bodyBytes } = openStream();
  const events: string[] = [];
  for (const event of ['finish', 'close', 'error']) responseStream.on(event, () => events.push(event));
  responseStream.write('abc');
  assert.ok(await isPending(answered), 'not ended');
  sink.isSlow = true;
  responseStream.end('def');
  assert.ok(await isPending(answered), 'not answered');
  sink.release(true);
  assert.ok(await isPending(answered));
  assert.deepEqual(events, ['finish']);
  assert.equal(responseStream.writableFinished, true);
  sink.release();
  await answered;
  await setImmediate();
  assert.deepEqual(events, ['finish', 'close']);
  assert.equal(sink.trailers, undefined);
  assert.equal(bodyBytes(), 6);
});

test('P92: pipeline, pipe and async iteration work on the facade', async () => {
  const source = (): string[] => Array.from({ length: 300 }, (_, index) => `${index};`.repeat(200));
  const expected = source().join('');
  const ways: ((stream: NodeJS.WritableStream) => unknown)[] = [
    (stream) => pipeline(Readable.from(source()), stream),
    (stream) => pipeline(Readable.from(source()), new PassThrough(), stream),
    (stream) =>
      pipeline(async function* () {
        for (const part of source()) {
          await undefined;
          yield part;
        }
      }, stream),
    (stream) => {
      Readable.from(source()).pipe(stream);
      return once(stream, 'finish');
    },
  ];
  for (const way of ways) {
    const { responseStream, sink, answered } = openStream({ highWaterMarkBytes: 1000 });
    await way(asWritable(responseStream));
    await answered;
    assert.equal(sink.text, expected);
    assert.equal(sink.trailers, undefined);
  }
});

test('backpressure: what waits in memory stays near the high-water mark while 200 MB pass', async () => {
  const { responseStream, sink, answered, bodyBytes } = openStream();
  sink.chunks.push = () => 0;
  const chunk = Buffer.alloc(1_048_576);
  let most = 0;
  await pipeline(async function* () {
    for (let part = 0; part < 200; part++) {
      most = Math.max(most, responseStream.writableLength);
      yield chunk;
    }
  }, asWritable(responseStream));
  await answered;
  assert.equal(bodyBytes(), 200 * 1_048_576);
  assert.ok(most <= 2 * chunk.length, `${most} bytes waiting`);
});

test('a second end without data is nothing', async () => {
  const { responseStream, sink, answered } = openStream();
  responseStream.end('x');
  responseStream.end();
  await answered;
  responseStream.end();
  await setImmediate();
  assert.equal(sink.text, 'x');
});

test('1000 sequences of writes with any pace: the bytes arrive whole, in order, never an empty chunk', async () => {
  const write = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 50 }), fc.object());
  const plan = fc.record({
    writes: fc.array(write, { maxLength: 20 }),
    corks: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    isHttp: fc.boolean(),
    highWaterMarkBytes: fc.integer({ min: 0, max: 100 }),
    last: fc.option(write, { nil: undefined }),
    fails: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(plan, async ({ writes, corks, isHttp, highWaterMarkBytes, last, fails }) => {
      const { responseStream, sink, answered, fail } = openStream({ highWaterMarkBytes });
      const expected: Uint8Array[] = [];
      const expect = (chunk: unknown): unknown =>
        expected.push(
          chunk instanceof Uint8Array ? chunk : Buffer.from(typeof chunk === 'string' ? chunk : JSON.stringify(chunk)),
        );
      if (isHttp) {
        HttpResponseStream.from(responseStream, {});
        if (writes.length > 0 || !fails) expect(`{}${'\0'.repeat(8)}`);
      }
      for (const [index, chunk] of writes.entries()) {
        if (corks[index]) responseStream.cork();
        responseStream.write(chunk);
        expect(chunk);
        if (corks[index]) process.nextTick(() => responseStream.uncork());
      }
      if (fails) {
        await fail(new RangeError('handler'));
      } else {
        responseStream.end(last);
        if (last !== undefined) expect(last);
      }
      await answered;
      assert.deepEqual(Buffer.concat(sink.chunks), Buffer.concat(expected));
      assert.equal(sink.trailers !== undefined, fails);
    }),
    { numRuns: 1000 },
  );
});
