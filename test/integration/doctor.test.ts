// The doctor's report of the built layer: a healthy function, a backend that is down, spans that are lost, tracing that is off.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ownTexts } from '../../local/doctor-command.ts';
import { type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { startHttpServer } from '../support/http-server.ts';

const ECHO = { 'index.mjs': 'export const handler = async (event) => ({ echo: event });' };
const DOCTOR = { SPANSTRAP_DOCTOR: '1' };
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';

const texts = ({ emulator }: FunctionUnderTest): string[] => ownTexts(emulator.logs);
const isReport = (text: string): boolean => text.startsWith('doctor: a report');

/** The lines of a chapter, or one line by its label. */
function inReport(report: string, chapter: string, label?: string): string {
  const lines = report.split('\n');
  const from = lines.indexOf(chapter) + 1;
  assert.ok(from > 0, `no chapter ${chapter} in:\n${report}`);
  const to = lines.findIndex((line, at) => at >= from && !line.startsWith('  '));
  const found = lines.slice(from, to === -1 ? undefined : to).map((line) => line.slice(2));
  if (label === undefined) return found.join('\n');
  return (
    found
      .find((line) => line.startsWith(label))
      ?.slice(label.length)
      .trimStart() ?? `no ${label} in ${chapter}`
  );
}

test('healthy: one record with everything, and at shutdown the books', async (t) => {
  const server = await startHttpServer(t, (_, response) => void response.end('ok'));
  await using fn = await startFunction({
    files: {
      'index.js': `exports.handler = async () => { await fetch('http://127.0.0.1:${server.port}/'); return 'ok'; };`,
    },
    environment: { ...DOCTOR, OTEL_EXPORTER_OTLP_HEADERS: 'api-key=s3cret', SPANSTRAP_WATCHDGO: 'on' },
  });
  for (const n of [1, 2]) assert.equal((await fn.invoke({ n })).status, 'success');
  const [report = '', ...others] = texts(fn).filter((text) => text.startsWith('doctor'));
  assert.deepEqual(others, [], 'nothing is lost: nothing more is said');
  assert.match(inReport(report, 'destinations', 'X-Ray'), /^on: daemon at .* drawn as phases; \d+ spans delivered in /);
  assert.match(
    inReport(report, 'destinations', 'OTLP'),
    /^on: http\/protobuf to http.*\/v1\/traces; \d+ spans delivered/,
  );
  assert.match(inReport(report, 'trace', 'X-Ray'), /^recorded/);
  assert.match(inReport(report, 'trace', 'parent'), /^none, in the header's trace/);
  assert.match(inReport(report, 'settings', 'OTEL_EXPORTER_OTLP_HEADERS'), /^api-key \(values hidden\)$/);
  assert.match(inReport(report, 'settings', 'without effect'), /did you mean SPANSTRAP_WATCHDOG\?$/);
  assert.equal(inReport(report, 'instrumentation', 'calls'), 'http 1');
  assert.match(inReport(report, 'cost', 'init'), /node boot .* ms.*handler load/);
  assert.match(inReport(report, 'cost', 'tracer in init'), /^[\d.]+ ms$/);
  assert.match(inReport(report, 'cost', 'memory'), /MB resident, [\d.]+ MB of it anonymous/);
  assert.match(inReport(report, 'books', 'otlp'), /^(\d+) begun, \1 sent, none dropped, 0 resent, 0 waiting$/);
  assert.doesNotMatch(fn.emulator.logs.join('\n'), /s3cret/);
  await fn.emulator.shutdown('spindown');
  const last = texts(fn).filter((text) => text.startsWith('doctor') && !isReport(text));
  assert.equal(last.length, 2);
  assert.match(last[0]!, /^doctor: xray spans: (\d+) begun, \1 sent, none dropped/);
  assert.match(last[1]!, /^doctor: otlp spans: (\d+) begun, \1 sent, none dropped/);
});

test('a backend that is down: the error stands in the report, and what waits', async () => {
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    environment: { ...DOCTOR, OTEL_EXPORTER_OTLP_ENDPOINT: NOWHERE },
  });
  assert.equal((await fn.invoke({})).status, 'success');
  const report = texts(fn).find(isReport) ?? '';
  assert.match(
    inReport(report, 'destinations', 'OTLP'),
    /the export failed after .*: .*connect ECONNREFUSED 127\.0\.0\.1:9, \d+ spans waiting$/,
  );
  assert.match(inReport(report, 'books', 'otlp'), /^(\d+) begun, 0 sent, none dropped, 0 resent, \1 waiting$/);
  assert.match(inReport(report, 'destinations', 'X-Ray'), /delivered/);
});

test('losses: a line of the books each time that there are more', async (t) => {
  let status = 200;
  const server = await startHttpServer(t, (_, response) => {
    response.statusCode = status;
    response.end();
  });
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    environment: {
      ...DOCTOR,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${server.port}`,
      SPANSTRAP_OTLP_FALLBACK: 'none',
    },
  });
  const books = (): string[] => texts(fn).filter((text) => text.startsWith('doctor: otlp'));
  await fn.invoke({});
  assert.deepEqual(books(), []);
  status = 400;
  await fn.invoke({});
  assert.equal(books().length, 1);
  assert.match(books()[0]!, /, refused \d+ dropped, 0 resent, 0 waiting$/);
  status = 200;
  await fn.invoke({});
  assert.equal(books().length, 1);
});

test('tracing is off: the report says who switched it off', async () => {
  await using fn = await startFunction({ files: ECHO, environment: { ...DOCTOR, OTEL_SDK_DISABLED: 'true' } });
  assert.equal((await fn.invoke({})).status, 'success');
  const report = texts(fn).find(isReport) ?? '';
  assert.match(inReport(report, 'destinations', 'X-Ray'), /^off: tracing is switched off/);
  assert.match(inReport(report, 'destinations', 'OTLP'), /^off: tracing is switched off/);
  assert.equal(inReport(report, 'settings', 'OTEL_SDK_DISABLED'), 'true');
});

test('not sampled, and nothing else to send to: why, in a JSON log as one record', async () => {
  await using fn = await startFunction({
    files: ECHO,
    otlp: false,
    tracing: 'passthrough',
    logFormat: 'JSON',
    environment: DOCTOR,
  });
  await fn.invoke({});
  const records = fn.emulator.logs.filter((line) => line.includes('doctor: a report'));
  assert.equal(records.length, 1);
  const { source, level, message } = JSON.parse(records[0]!) as Record<string, string>;
  assert.deepEqual([source, level], ['spanstrap', 'WARN']);
  assert.match(inReport(message!, 'trace', 'X-Ray'), /^not recorded: /);
  assert.match(inReport(message!, 'destinations', 'OTLP'), /^off: OTEL_EXPORTER_OTLP_ENDPOINT is not set$/);
  assert.equal(inReport(message!, 'books', 'spans'), 'none were begun');
});

for (const [environment, sent] of [
  [{ SPANSTRAP_FLUSH_MODE: 'sync' }, /; \d+ spans delivered in /],
  [{ SPANSTRAP_FLUSH_MODE: 'finalize' }, /; nothing was sent yet, \d+ spans waiting$/],
  [{ OTEL_TRACES_EXPORTER: 'otlp,console' }, /; \d+ spans delivered in /],
] as const) {
  test(`one report with ${JSON.stringify(environment)}`, async () => {
    await using fn = await startFunction({ files: ECHO, environment: { ...DOCTOR, ...environment } });
    for (const n of [1, 2]) await fn.invoke({ n });
    const reports = texts(fn).filter(isReport);
    assert.equal(reports.length, 1);
    assert.match(inReport(reports[0]!, 'destinations', 'OTLP'), sent);
  });
}

test('several invocations at once: one report, which does not say which of them it is about', async () => {
  await using fn = await startFunction({ files: ECHO, maxConcurrency: 4, environment: DOCTOR });
  await Promise.all([1, 2, 3, 4].map((n) => fn.invoke({ n })));
  await fn.emulator.waitFor(() => texts(fn).some(isReport), { what: 'the report' });
  const reports = texts(fn).filter(isReport);
  assert.equal(reports.length, 1);
  assert.match(inReport(reports[0]!, 'trace', 'header'), /^not known: .* several may run at once$/);
});

test('init that fails: the report comes with the end of the process', async () => {
  await using fn = await startFunction({ files: { 'index.js': 'throw new Error("no");' }, environment: DOCTOR });
  assert.equal((await fn.invoke({})).status, 'init-error');
  const report = texts(fn).find(isReport) ?? '';
  assert.match(report, /^doctor: a report on the tracer at the end of a process that failed /);
  assert.match(inReport(report, 'trace', 'header'), /^not known: there was no invocation/);
  assert.match(inReport(report, 'destinations', 'OTLP'), /; \d+ spans? delivered in /);
});

test('a response does not wait for it: its bundle is loaded after the first flush', async () => {
  const probe = `
    const { readFileSync } = require('node:fs');
    const { Session } = require('node:inspector');
    exports.handler = async () => {
      const session = new Session();
      const scripts = [];
      session.connect();
      session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url));
      session.post('Debugger.enable');
      session.disconnect();
      return scripts.filter((url) => /doctor\\.cjs$/.test(url)).length;
    };`;
  for (const [environment, expected] of [
    [DOCTOR, ['0', '1']],
    [{}, ['0', '0']],
  ] as const) {
    await using fn = await startFunction({ files: { 'index.js': probe }, environment });
    const answers = [await fn.invoke({}), await fn.invoke({})];
    assert.deepEqual(
      answers.map(({ text }) => text),
      expected,
    );
  }
});

test('the page on troubleshooting shows the chapters that there are', async () => {
  const page = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8');
  await using fn = await startFunction({ files: ECHO, environment: { ...DOCTOR, OTEL_TRACES_SAMPLER: 'always_off' } });
  await fn.invoke({});
  const report = texts(fn).find(isReport) ?? '';
  const chapters = report
    .split('\n')
    .slice(1)
    .filter((line) => !line.startsWith('  '));
  assert.deepEqual(chapters, ['versions', 'destinations', 'trace', 'settings', 'instrumentation', 'cost', 'books']);
  for (const chapter of chapters) assert.ok(page.includes(`| \`${chapter}\` |`), chapter);
});
