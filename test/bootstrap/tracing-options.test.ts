import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { ExportContext } from '../../bootstrap/export-context.ts';
import type { Host } from '../../bootstrap/host.ts';
import { readSettings } from '../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../bootstrap/settings/settings-table.ts';
import { chooseTracing } from '../../bootstrap/tracing-options.ts';
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
      const made =
        (part: string) =>
        (...given: unknown[]): unknown => [name, part, ...given];
      return { openOutlet: made('outlet'), openSdk: made('sdk'), openHeaderSecret: made('secret') };
    },
    importModule: () => assert.fail('nothing is imported here'),
    require: createRequire(import.meta.url),
    packagesFolder: '/opt/nodejs/node_modules',
  } satisfies Record<keyof Host, unknown>;
  const { settings } = readSettings(settingsTable, env);
  const surroundings = {
    settings,
    env,
    file: {},
    report: (message: string) => reports.push(message),
    writeLine: () => assert.fail('nothing is written here'),
  };
  return { options: chooseTracing(surroundings, host as Host), reports, bundles };
}

test('nowhere to send spans: no tracing', () => {
  assert.equal(choose({}).options, undefined);
  assert.equal(choose({ ...DAEMON, ...COLLECTOR, SPANSTRAP_DISABLED: '1' }).options, undefined);
  assert.equal(choose({ ...DAEMON, ...COLLECTOR, OTEL_SDK_DISABLED: 'true' }).options, undefined);
  assert.equal(choose({ ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' }).options, undefined);
  assert.equal(choose({ ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'xray,none' }).options, undefined);
  assert.equal(choose({ OTEL_TRACES_EXPORTER: 'xray' }).options, undefined);
  assert.equal(choose({ ...DAEMON, SPANSTRAP_XRAY_MODE: 'off' }).options, undefined);
  assert.deepEqual(choose({}).reports, []);
});

const XRAY_ENDPOINT = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://xray.eu-west-1.amazonaws.com/v1/traces' };

for (const [what, env, hasXray, hasOpenTelemetry] of [
  ['a daemon', DAEMON, true, false],
  ['an endpoint', COLLECTOR, false, true],
  ['both', { ...DAEMON, ...COLLECTOR }, true, true],
  ['both, xray wanted', { ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'xray' }, true, false],
  ['both, otlp wanted', { ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'otlp' }, false, true],
  ['both, both wanted', { ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'otlp,xray' }, true, true],
  ['both, X-Ray off', { ...DAEMON, ...COLLECTOR, SPANSTRAP_XRAY_MODE: 'off' }, false, true],
  ['a daemon, records wanted', { ...DAEMON, OTEL_TRACES_EXPORTER: 'otlp-stdout' }, false, true],
  ['nothing, console wanted', { OTEL_TRACES_EXPORTER: 'console' }, false, true],
  ['nothing, otlp wanted: there is a default endpoint', { OTEL_TRACES_EXPORTER: 'otlp' }, false, true],
  ['X-Ray’s endpoint takes the place of the daemon', { ...DAEMON, ...XRAY_ENDPOINT }, false, true],
  ['unless both are named', { ...DAEMON, ...XRAY_ENDPOINT, OTEL_TRACES_EXPORTER: 'xray,otlp' }, true, true],
] as const) {
  test(`where spans go: ${what}`, () => {
    const { options, reports, bundles } = choose(env);
    assert.equal(options?.xrayMode !== undefined, hasXray);
    assert.equal(options?.hasOpenTelemetry, hasOpenTelemetry);
    assert.deepEqual(reports, []);
    assert.deepEqual(bundles, []);
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
  ['eu-west-1', 'segment', 'segment'],
] as const) {
  test(`X-Ray mode in ${region} with ${setting}: ${mode}`, () => {
    const env = {
      ...DAEMON,
      ...(region === undefined ? {} : { AWS_REGION: region }),
      ...(setting === undefined ? {} : { SPANSTRAP_XRAY_MODE: setting }),
    };
    assert.equal(choose(env).options?.xrayMode, mode);
  });
}

test('the sampler follows the settings, and takes everything by default', () => {
  const { options } = choose({ ...COLLECTOR, OTEL_TRACES_SAMPLER: 'always_off' });
  assert.equal(options?.sampler.isSampled(TRACE_ID, undefined, undefined), false);
  assert.equal(choose(COLLECTOR).options?.sampler.isSampled(TRACE_ID, undefined, undefined), true);
});

for (const [url, setting, rule] of [
  ['https://xray.eu-west-1.amazonaws.com/v1/traces', 'auto', 'keep'],
  ['https://xray.cn-north-1.amazonaws.com.cn/v1/traces', 'auto', 'keep'],
  ['https://xray.eu-west-1.amazonaws.com/v1/traces', 'root', 'root'],
  ['https://collector.example.com/v1/traces', 'auto', 'root'],
  ['https://xray.eu-west-1.amazonaws.com.example.com/v1/traces', 'auto', 'root'],
  ['https://collector.example.com/v1/traces', 'keep', 'keep'],
  ['collector:4317', 'auto', 'root'],
] as const) {
  test(`the X-Ray parent in OTLP for ${url} with ${setting}: ${rule}`, () => {
    const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: url, SPANSTRAP_OTLP_XRAY_PARENT: setting };
    assert.equal(choose(env).options?.xrayParent, rule);
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

test('the parts come from bundles of their own, loaded when they are asked for', () => {
  const { options, bundles } = choose({ ...DAEMON, ...COLLECTOR });
  assert.deepEqual(bundles, []);
  const [bundle, part, context] = options!.openDelivery({} as never) as unknown as [string, string, ExportContext];
  assert.deepEqual([bundle, part], ['outlet', 'outlet']);
  assert.equal(context.xrayMode, 'phases');
  assert.equal(context.fetchHeaders, undefined);
  const given = {} as never;
  assert.deepEqual(options!.createSdk(given), ['opentelemetry', 'sdk', context, given]);
  assert.deepEqual(bundles, ['outlet', 'opentelemetry']);
});

test('invocations that keep the function warm are recorded unless they are not wanted', () => {
  assert.equal(choose(DAEMON).options?.dropsWarmUps, false);
  assert.equal(choose({ ...DAEMON, SPANSTRAP_DROP_WARM_UPS: 'yes' }).options?.dropsWarmUps, true);
});

test('a secret is asked for at once', () => {
  const { options, bundles } = choose({ ...COLLECTOR, SPANSTRAP_OTLP_HEADERS_SECRET: 'arn:aws:ssm:x' });
  assert.deepEqual(bundles, ['secret']);
  const [, , context] = options!.openDelivery({} as never) as unknown as [string, string, ExportContext];
  const [bundle, part, , reference] = context.fetchHeaders as unknown as unknown[];
  assert.deepEqual([bundle, part, reference], ['secret', 'secret', 'arn:aws:ssm:x']);
});

test('nobody asks for a secret that no destination needs', () => {
  assert.deepEqual(choose({ ...DAEMON, SPANSTRAP_OTLP_HEADERS_SECRET: 'arn:aws:ssm:x' }).bundles, []);
});
