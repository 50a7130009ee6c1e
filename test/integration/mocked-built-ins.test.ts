// A function that mocks time when it is loaded, as frameworks for tests and replays do: its clocks stand still, its timers never fire.
// Most of the layer's bundles are evaluated after that.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { startHttpServer } from '../support/http-server.ts';
import { startTcpServer } from '../support/tcp-server.ts';

const WORLDS: Readonly<Record<string, string>> = {
  'functions are replaced': `
    for (const name of ['setTimeout', 'setInterval', 'setImmediate']) globalThis[name] = () => ({ ref() {}, unref() {}, refresh() {} });
    for (const name of ['clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask']) globalThis[name] = () => {};
    Date.now = () => 0;
    performance.now = () => 0;
    process.uptime = () => 0;
    process.hrtime = Object.assign(() => [0, 0], { bigint: () => 0n });
    Math.random = () => 0.5;`,
  'objects are replaced': `
    const timers = { setTimeout: () => 1, setInterval: () => 1, setImmediate: () => 1, clearTimeout() {}, clearImmediate() {} };
    Object.assign(globalThis, timers, { queueMicrotask() {} });
    const RealDate = Date;
    globalThis.Date = class extends RealDate { constructor() { super(0); } static now() { return 0; } };
    Object.defineProperty(globalThis, 'performance', { value: { now: () => 0, timeOrigin: 0 }, configurable: true });
    Object.defineProperty(process, 'uptime', { value: () => 0 });
    Object.defineProperty(process, 'hrtime', { value: Object.assign(() => [0, 0], { bigint: () => 0n }) });
    globalThis.Math = Object.create(Math, { random: { value: () => 0.5 } });`,
};

const HANDLER = `
  const http = require('node:http');
  const { trace } = require('@opentelemetry/api');
  const get = (url) => new Promise((resolve, reject) => {
    http.get(url, (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', reject);
  });
  exports.handler = ({ url }) => trace.getTracer('mocked').startActiveSpan('own', async (span) => {
    span.addEvent('asked');
    const status = await get(url);
    span.end();
    return [status, Date.now(), Math.random()];
  });`;

const start = (world: string, options: Partial<FunctionOptions> = {}): Promise<FunctionUnderTest> =>
  startFunction({
    files: { 'index.js': WORLDS[world]! + HANDLER },
    packages: ['@opentelemetry/api'],
    ...options,
    environment: { SPANSTRAP_INIT_MODULES: 'off', ...options.environment },
  });

const allOf = (documents: readonly XrayDocument[]): XrayDocument[] =>
  documents.flatMap((document) => [document, ...allOf(document.subsegments ?? [])]);

for (const world of Object.keys(WORLDS)) {
  test(`${world}: responses, and spans with their real times and ids of their own`, async (t) => {
    const { port } = await startHttpServer(t, (_request, response) => response.end('x'));
    const startedAt = Date.now();
    await using fn = await start(world);
    for (const _ of [1, 2]) {
      const result = await fn.invoke({ url: `http://127.0.0.1:${port}/` });
      assert.deepEqual(result.json(), [200, 0, 0.5], 'what it mocks is mocked for itself');
    }
    const endedAt = Date.now();
    const isReal = (epochMs: number): boolean => epochMs >= startedAt - 5 && epochMs <= endedAt + 5;

    const { spans } = fn.otlp;
    for (const name of ['Invocation', 'Overhead', 'own', 'GET']) {
      assert.equal(spans.filter((span) => span.name === name).length, 2, name);
    }
    for (const { name, startTimeUnixNano, endTimeUnixNano, events } of spans) {
      const [begin, end] = [Number(startTimeUnixNano) / 1e6, Number(endTimeUnixNano) / 1e6];
      assert.ok(isReal(begin) && isReal(end) && begin <= end, `${name}: ${begin} to ${end}`);
      for (const event of events ?? []) assert.ok(isReal(Number(event.timeUnixNano) / 1e6), `${name}: ${event.name}`);
    }
    // They have a call in them.
    for (const { endTimeUnixNano, startTimeUnixNano } of spans.filter(({ name }) => name === 'own'))
      assert.ok(BigInt(endTimeUnixNano) > BigInt(startTimeUnixNano));
    const documents = allOf(fn.xray.documents);
    for (const name of ['Invocation', 'Overhead', 'own', '127.0.0.1']) {
      assert.equal(documents.filter((document) => document.name === name).length, 2, name);
    }
    for (const { name, start_time: begin, end_time: end } of documents) {
      assert.ok(isReal(begin * 1000) && isReal(end! * 1000) && begin <= end!, `${name}: ${begin} to ${end}`);
    }
    for (const ids of [spans.map(({ spanId }) => spanId), documents.map(({ id }) => id)]) {
      assert.equal(new Set(ids).size, ids.length);
      assert.ok(!ids.some((id) => id.includes('80000000')), 'nothing of a mocked generator');
    }
  });

  test(`${world}: what is in progress goes out before the deadline`, async (t) => {
    const { port } = await startHttpServer(t, () => {});
    await using fn = await start(world, { timeoutMs: 3000 });
    const running = fn.emulator.invoke({ url: `http://127.0.0.1:${port}/` });
    const marker = await fn.otlp.waitFor(
      ({ spans }) => spans.find(({ name }) => name === 'Timeout imminent'),
      'a marker',
    );
    assert.equal(fn.emulator.state?.runtime, 'Running', 'before the deadline');
    assert.deepEqual(marker.flat['spanstrap.open_spans'], ['own', 'GET']);
    await fn.xray.waitFor(
      ({ documents }) => allOf(documents).some(({ name, in_progress: isOpen }) => name === 'own' && isOpen),
      'documents in progress',
    );
    const result = await running;
    assert.equal(result.status, 'timeout');
    await result.idle;
    assert.ok(fn.otlp.spans.some(({ name, kind }) => name === 'test-function' && kind === 2));
  });

  for (const protocol of ['http/protobuf', 'http/json', 'grpc']) {
    test(`${world}: an export over ${protocol} that gets no answer ends with its time limit`, async (t) => {
      const { port } = await startHttpServer(t, (_request, response) => response.end('x'));
      const silent = await startTcpServer(t, () => {});
      await using fn = await start(world, {
        otlp: false,
        environment: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${silent}`,
          OTEL_EXPORTER_OTLP_TIMEOUT: '200',
          OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        },
      });
      for (const _ of [1, 2]) {
        const result = await fn.invoke({ url: `http://127.0.0.1:${port}/` });
        assert.equal(result.status, 'success');
        assert.equal((await result.idle).how, 'idle');
      }
      assert.equal(allOf(fn.xray.documents).filter(({ name }) => name === 'own').length, 2);
    });
  }

  test(`${world}: a refused export is tried again after a pause`, async (t) => {
    const { port } = await startHttpServer(t, (_request, response) => response.end('x'));
    let tries = 0;
    const busy = await startHttpServer(t, (_request, response) => response.writeHead(++tries < 3 ? 503 : 200).end());
    await using fn = await start(world, {
      otlp: false,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${busy.port}` },
    });
    const result = await fn.invoke({ url: `http://127.0.0.1:${port}/` });
    assert.equal(result.status, 'success');
    assert.equal((await result.idle).how, 'idle');
    assert.equal(tries, 3);
  });
}

for (const what of ['1', '() => 5']) {
  test(`something that user code has put on Object.prototype, ${what}: answers, errors, streams and spans as without it`, async () => {
    const polluted = `Object.prototype.polluted = ${what};`;
    await using fn = await startFunction({
      files: {
        'index.js': `${polluted} exports.handler = async ({ fails }) => { if (fails) throw new RangeError('mine'); return 'x'; };`,
      },
    });
    assert.equal((await fn.invoke({})).text, '"x"');
    const failed = await fn.invoke({ fails: true });
    assert.deepEqual([failed.status, failed.errorType], ['error', 'RangeError']);
    assert.equal(fn.xray.documents.filter(({ name }) => name === 'Invocation').length, 2);
    assert.equal(fn.otlp.spans.filter(({ flat }) => 'faas.invocation_id' in flat).length, 2);
    assert.ok(!fn.emulator.logs.some((line) => line.includes('spanstrap:')));

    await using streaming = await startFunction({
      files: {
        'index.js': `${polluted} exports.handler = awslambda.streamifyResponse(async (event, stream) => stream.end('x'));`,
      },
    });
    assert.equal((await streaming.invoke({})).text, 'x');
  });
}
