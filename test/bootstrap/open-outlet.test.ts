// Which destinations there are for which settings, and which bundle each is opened from.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExportContext } from '../../bootstrap/export-context.ts';
import type { Host } from '../../bootstrap/host.ts';
import { openOutlet } from '../../bootstrap/open-outlet.ts';
import { readSettings } from '../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../bootstrap/settings/settings-table.ts';
import type { DeliverySurroundings } from '../../instrumentation/export/delivery.ts';
import type { Exporter, ExportOutcome, SpanBatch } from '../../instrumentation/export/exporter.ts';
import { newSpanCounts } from '../../instrumentation/span-counts.ts';
import { RecordingStand } from '../instrumentation/recording-stand.ts';

type Environment = Readonly<Record<string, string>>;

const sent: ExportOutcome = { sentSpans: 1, droppedSpans: 0 };

type Opened = { readonly bundle: string; readonly given: readonly unknown[]; readonly batches: SpanBatch[] };

function open(env: Environment, answer: (bundle: string) => ExportOutcome = () => sent) {
  const opened: Opened[] = [];
  const reports: string[] = [];
  const { settings } = readSettings(settingsTable, env);
  const context: ExportContext = {
    env,
    file: {},
    settings,
    xrayMode: settings.xrayDaemonAddress === undefined ? undefined : 'phases',
    liveErrorOf: () => undefined,
    fetchHeaders: undefined,
    report: (message) => reports.push(message),
    writeLine: () => {},
  };
  const host = {
    loadBundle(bundle: string) {
      const openExporter = (given: ExportContext, ...more: unknown[]): Exporter => {
        assert.equal(given, context);
        const batches: SpanBatch[] = [];
        opened.push({ bundle, given: more, batches });
        return {
          name: bundle,
          async export(some) {
            batches.push(...some);
            return answer(bundle);
          },
        };
      };
      return {
        openXray: openExporter,
        openOtlp: openExporter,
        openStdout: openExporter,
        createConsoleExporter: openExporter,
      };
    },
  } as unknown as Host;
  const stand = new RecordingStand();
  const surroundings: DeliverySurroundings = {
    ...stand.scope,
    counts: newSpanCounts(),
    invocations: stand.invocations,
    flight: undefined,
    initOwnMs: () => 0,
    untraced: (work) => work(),
    others: () => undefined,
    fault: (error) => assert.fail(`${error}`),
  };
  const delivery = openOutlet(context, host, surroundings);
  const outlet = {
    /** An invocation that X-Ray and OTLP want, with all that it has. */
    add: () => stand.invoke().decide(),
    flush: async (deadlineEpochMs: number): Promise<void> => delivery.flush('invocation', deadlineEpochMs),
  };
  return { outlet, opened, reports };
}

const DAEMON = { AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000' };
const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const XRAY_ENDPOINT = 'https://xray.eu-west-1.amazonaws.com/v1/traces';
const soon = (): number => Date.now() + 5000;

for (const [what, env, expected] of [
  ['a daemon', DAEMON, ['xray']],
  ['a daemon and an endpoint', { ...DAEMON, ...COLLECTOR }, ['xray', 'otlp']],
  ['JSON', { ...COLLECTOR, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }, ['otlp-json']],
  ['gRPC', { ...COLLECTOR, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc' }, ['otlp-grpc']],
  [
    'everything, in the order of flushing',
    { ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'otlp,otlp-stdout,console,xray' },
    ['xray', 'console', 'otlp-stdout', 'otlp'],
  ],
  ['otlp without an endpoint', { OTEL_TRACES_EXPORTER: 'otlp' }, ['otlp']],
  ['xray without a daemon', { ...COLLECTOR, OTEL_TRACES_EXPORTER: 'xray,otlp' }, ['otlp']],
] as const) {
  test(`destinations: ${what}`, async () => {
    const { outlet, opened, reports } = open(env);
    outlet.add();
    assert.deepEqual(opened, [], 'nothing is loaded before the flush');
    await outlet.flush(soon());
    assert.deepEqual(
      opened.map(({ bundle }) => bundle),
      expected,
    );
    assert.deepEqual(reports, []);
  });
}

for (const [what, env, url] of [
  ['the signal’s path is added', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x:4318' }, 'http://x:4318/v1/traces'],
  ['after slashes too', { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://x/base//' }, 'https://x/base/v1/traces'],
  ['not to the one for traces', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://x:4318' }, 'http://x:4318/'],
  ['which is used as it is', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://x/c?t=1' }, 'https://x/c?t=1'],
  [
    'and wins',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://y/t' },
    'http://y/t',
  ],
  ['the default', { OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces'],
  [
    'the default of gRPC',
    { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'http://localhost:4317/',
  ],
  [
    'gRPC has no path',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://x:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'https://x:4317/',
  ],
  [
    'gRPC may have no scheme',
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    'collector:4317',
  ],
  ['of Traceable’s extension', { TA_ENDPOINT: 'http://tpa:5442' }, 'http://tpa:5442/v1/traces'],
] as const) {
  test(`endpoint: ${what}`, async () => {
    const { outlet, opened } = open({ ...env, OTEL_EXPORTER_OTLP_TIMEOUT: '700' });
    outlet.add();
    await outlet.flush(soon());
    assert.deepEqual(opened[0]?.given, [url, 700]);
  });
}

test('an endpoint that is no http URL is told of, without its credentials; X-Ray goes on', async () => {
  for (const [endpoint, shown] of [
    ['collector:4318', 'collector:4318'],
    ['grpc://user:hunter2@collector:4317', 'grpc://***@collector:4317'],
    ['http//user:hunter2@collector', 'http//***@collector'],
  ] as const) {
    const { outlet, opened, reports } = open({ ...DAEMON, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint });
    outlet.add();
    await outlet.flush(soon());
    assert.deepEqual(
      opened.map(({ bundle }) => bundle),
      ['xray'],
    );
    assert.deepEqual(reports, [`the OTLP endpoint "${shown}" is not an http or https URL: nothing is sent there`]);
  }
});

test('X-Ray twice is told of', () => {
  const { reports } = open({
    ...DAEMON,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: XRAY_ENDPOINT,
    OTEL_TRACES_EXPORTER: 'xray,otlp',
  });
  assert.equal(reports.length, 1);
  assert.match(reports[0]!, /every span will be there twice$/);
});

test('a setting that cannot be used is told of when it is read', () => {
  const { reports } = open({ ...COLLECTOR, OTEL_EXPORTER_OTLP_TIMEOUT: 'soon' });
  assert.deepEqual(reports, [
    'OTEL_EXPORTER_OTLP_TIMEOUT is "soon", which is not milliseconds from 1 to 900000; the default 2000 is used',
  ]);
});

const refused: ExportOutcome = { sentSpans: 0, droppedSpans: 1, error: 'answered 401' };

for (const [what, env, xray, records] of [
  ['without X-Ray: a record', COLLECTOR, sent, 1],
  ['X-Ray has the spans: none', { ...DAEMON, ...COLLECTOR }, sent, 0],
  ['X-Ray lost them as well: a record', { ...DAEMON, ...COLLECTOR }, refused, 1],
  ['switched off: none', { ...COLLECTOR, SPANSTRAP_OTLP_FALLBACK: 'none' }, sent, 0],
] as const) {
  test(`an OTLP backend that refuses spans, ${what}`, async () => {
    const { outlet, opened } = open(env, (bundle) => (bundle === 'otlp' ? refused : bundle === 'xray' ? xray : sent));
    outlet.add();
    await outlet.flush(soon());
    const fallback = opened.find(({ bundle }) => bundle === 'otlp-stdout');
    assert.equal(fallback?.batches.length ?? 0, records);
    if (records > 0) assert.deepEqual(fallback?.given, [false], 'without the headers');
  });
}

test('records that are written anyway are not written twice, and show the headers only without a network export', async () => {
  const both = open({ ...COLLECTOR, OTEL_TRACES_EXPORTER: 'otlp,otlp-stdout' }, (bundle) =>
    bundle === 'otlp' ? refused : sent,
  );
  both.outlet.add();
  await both.outlet.flush(soon());
  const records = both.opened.filter(({ bundle }) => bundle === 'otlp-stdout');
  assert.deepEqual(
    records.map(({ given, batches }) => [given, batches.length]),
    [[[false], 1]],
  );
  const alone = open({ OTEL_TRACES_EXPORTER: 'otlp-stdout' });
  alone.outlet.add();
  await alone.outlet.flush(soon());
  assert.deepEqual(alone.opened[0]?.given, [true]);
});
