import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { Host } from '../../bootstrap/host.ts';
import { readSettings } from '../../bootstrap/settings.ts';
import { chooseTracing } from '../../bootstrap/tracing-options.ts';
import { SDK_VERSION } from '../../instrumentation/opentelemetry/global-api.ts';
import type { TracingOptions } from '../../instrumentation/tracing.ts';

type Environment = Readonly<Record<string, string>>;
const DAEMON = { AWS_XRAY_DAEMON_ADDRESS: '169.254.79.129:2000' };
const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
const TRACE_ID = '5bef4de7ad49b0e87f6ef6c87fc2e700';

function choose(env: Environment): { options: TracingOptions | undefined; reports: string[]; bundles: string[] } {
  const reports: string[] = [];
  const bundles: string[] = [];
  const host = {
    loadBundle(name: string): unknown {
      bundles.push(name);
      const made = (options: unknown): unknown => [name, options];
      return { createXrayExporter: made, createOtlpExporter: made, createSdk: made };
    },
    importModule: () => assert.fail('nothing is imported here'),
    require: createRequire(import.meta.url),
    packagesFolder: '/opt/nodejs/node_modules',
  } satisfies Record<keyof Host, unknown>;
  const { settings } = readSettings(env);
  const options = chooseTracing(settings, env, host as Host, (message) => reports.push(message));
  return { options, reports, bundles };
}

test('nowhere to send spans: no tracing', () => {
  assert.equal(choose({}).options, undefined);
  assert.equal(choose({ ...DAEMON, ...COLLECTOR, SPANSTRAP_DISABLED: '1' }).options, undefined);
  assert.equal(choose({ ...DAEMON, ...COLLECTOR, OTEL_SDK_DISABLED: 'true' }).options, undefined);
  assert.equal(choose({ ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' }).options, undefined);
  assert.equal(choose({ ...DAEMON, SPANSTRAP_XRAY_MODE: 'off' }).options, undefined);
  assert.deepEqual(choose({}).reports, []);
});

for (const [what, env, hasXray, hasOtlp] of [
  ['a daemon', DAEMON, true, false],
  ['an endpoint', COLLECTOR, false, true],
  ['both', { ...DAEMON, ...COLLECTOR }, true, true],
  ['both, xray wanted', { ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'xray' }, true, false],
  ['both, otlp wanted', { ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'otlp' }, false, true],
  ['both, both wanted', { ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'otlp,xray' }, true, true],
  ['both, X-Ray off', { ...DAEMON, ...COLLECTOR, SPANSTRAP_XRAY_MODE: 'off' }, false, true],
] as const) {
  test(`where spans go: ${what}`, () => {
    const { options, reports } = choose(env);
    assert.equal(options?.xray !== undefined, hasXray);
    assert.equal(options?.otlp !== undefined, hasOtlp);
    assert.deepEqual(reports, []);
  });
}

for (const [region, setting, mode] of [
  [undefined, undefined, 'phases'],
  ['eu-west-1', undefined, 'phases'],
  ['us-east-1', 'auto', 'phases'],
  ['cn-north-1', undefined, 'attach'],
  ['cn-northwest-1', 'auto', 'attach'],
  ['us-gov-west-1', undefined, 'attach'],
  ['cn-north-1', 'phases', 'phases'],
  ['us-gov-west-1', 'prefixed', 'prefixed'],
  ['eu-west-1', 'attach', 'attach'],
] as const) {
  test(`X-Ray mode in ${region} with ${setting}: ${mode}`, () => {
    const env = {
      ...DAEMON,
      ...(region === undefined ? {} : { AWS_REGION: region }),
      ...(setting === undefined ? {} : { SPANSTRAP_XRAY_MODE: setting }),
    };
    assert.deepEqual(choose(env).options?.xray, { daemonAddress: '169.254.79.129:2000', mode });
  });
}

for (const [endpoint, traces, url] of [
  ['http://collector:4318', undefined, 'http://collector:4318/v1/traces'],
  ['http://collector:4318/', undefined, 'http://collector:4318/v1/traces'],
  ['https://x/base//', undefined, 'https://x/base/v1/traces'],
  [undefined, 'http://collector:4318', 'http://collector:4318/'],
  [undefined, 'https://x/custom?tenant=1', 'https://x/custom?tenant=1'],
  ['http://common', 'http://traces/t', 'http://traces/t'],
] as const) {
  test(`OTLP URL of ${endpoint} and ${traces}`, () => {
    const env = {
      ...(endpoint === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }),
      ...(traces === undefined ? {} : { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces }),
    };
    assert.equal(choose(env).options?.otlp?.url, url);
  });
}

test('an endpoint that is no http URL is told of, without its credentials; X-Ray goes on', () => {
  for (const [endpoint, shown] of [
    ['collector:4318', 'collector:4318'],
    ['grpc://user:hunter2@collector:4317', 'grpc://***@collector:4317'],
    ['http//user:hunter2@collector', 'http//***@collector'],
  ] as const) {
    const { options, reports } = choose({ ...DAEMON, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint });
    assert.ok(options?.xray !== undefined && options.otlp === undefined);
    assert.deepEqual(reports, [`the OTLP endpoint "${shown}" is not an http or https URL: nothing is sent there`]);
  }
});

test('otlp asked for without an endpoint is told of', () => {
  const { options, reports } = choose({ ...DAEMON, OTEL_TRACES_EXPORTER: 'xray,otlp' });
  assert.equal(options?.otlp, undefined);
  assert.deepEqual(reports, [
    'OTEL_TRACES_EXPORTER names otlp, but OTEL_EXPORTER_OTLP_ENDPOINT is not set: nothing is sent there',
  ]);
});

test('what the exporter is to do follows the settings', () => {
  const { options } = choose({
    ...COLLECTOR,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=1',
    OTEL_EXPORTER_OTLP_TIMEOUT: '700',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_TRACES_SAMPLER: 'always_off',
    SPANSTRAP_MAX_QUEUED_SPANS: '9',
  });
  const { sampler, ...otlp } = options!.otlp!;
  assert.deepEqual(otlp, {
    url: 'http://collector:4318/v1/traces',
    headers: { 'x-key': '1' },
    timeoutMs: 700,
    compression: 'gzip',
    xrayParent: 'root',
  });
  assert.equal(sampler.isSampled(TRACE_ID, undefined), false);
  assert.equal(options?.maxQueuedSpans, 9);
  assert.equal(choose(COLLECTOR).options?.otlp?.sampler.isSampled(TRACE_ID, undefined), true, 'everything by default');
});

for (const [url, setting, rule] of [
  ['https://xray.eu-west-1.amazonaws.com/v1/traces', 'auto', 'keep'],
  ['https://xray.cn-north-1.amazonaws.com.cn/v1/traces', 'auto', 'keep'],
  ['https://xray.eu-west-1.amazonaws.com/v1/traces', 'root', 'root'],
  ['https://collector.example.com/v1/traces', 'auto', 'root'],
  ['https://collector.example.com/v1/traces', 'keep', 'keep'],
] as const) {
  test(`the X-Ray parent in OTLP for ${url} with ${setting}: ${rule}`, () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url, SPANSTRAP_OTLP_XRAY_PARENT: setting };
    assert.equal(choose(env).options?.otlp?.xrayParent, rule);
  });
}

for (const [type, isColdStart] of [
  [undefined, true],
  ['on-demand', true],
  ['provisioned-concurrency', false],
  ['snap-start', false],
  ['lambda-managed-instances', false],
] as const) {
  test(`initialization type ${type}: nobody ${isColdStart ? 'may be kept waiting by init' : 'waits for init'}`, () => {
    const env = { ...DAEMON, ...(type === undefined ? {} : { AWS_LAMBDA_INITIALIZATION_TYPE: type }) };
    const { options } = choose(env);
    assert.equal(options?.isColdStart, isColdStart);
    assert.equal(options?.loadsEagerly, !isColdStart);
  });
}

test('the facts of the resource come from Lambda’s environment', () => {
  const { options } = choose({
    ...DAEMON,
    AWS_LAMBDA_FUNCTION_NAME: 'orders',
    AWS_LAMBDA_FUNCTION_VERSION: '7',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: 'group',
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
    AWS_REGION: 'eu-west-1',
    OTEL_SERVICE_NAME: 'mine',
    OTEL_RESOURCE_ATTRIBUTES: 'team=shop',
  });
  assert.deepEqual(options?.resource, {
    functionName: 'orders',
    functionVersion: '7',
    memoryMb: 128,
    region: 'eu-west-1',
    logGroupName: 'group',
    logStreamName: 'stream',
    nodeVersion: process.versions.node,
    distroVersion: '0.0.0-source',
    sdkVersion: SDK_VERSION,
    serviceName: 'mine',
    userAttributes: { team: 'shop' },
  });
  assert.equal(choose({ ...DAEMON, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: 'x' }).options?.resource.memoryMb, undefined);
});

test('the parts come from bundles of their own, loaded when they are asked for', () => {
  const { options, bundles } = choose({ ...DAEMON, ...COLLECTOR });
  assert.deepEqual(bundles, []);
  const { parts } = options!;
  const given = {} as never;
  assert.deepEqual(parts.createXrayExporter(given), ['xray', given]);
  assert.deepEqual(parts.createOtlpExporter(given), ['otlp', given]);
  assert.deepEqual(parts.createSdk(given), ['opentelemetry', given]);
  assert.deepEqual(bundles, ['xray', 'otlp', 'opentelemetry']);
});
