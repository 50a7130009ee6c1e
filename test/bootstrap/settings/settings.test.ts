import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allSettings,
  otherVariables as readElsewhere,
  type SettingName,
} from '../../../bootstrap/settings/all-settings.ts';
import type { Setting, Values } from '../../../bootstrap/settings/setting-kinds.ts';
import {
  findSettingsFile,
  otherVariables,
  readIdentity,
  requireVariable,
  takeVariable,
} from '../../../bootstrap/settings/settings.ts';
import { describeProblems } from '../../../bootstrap/settings/settings-check.ts';
import { type Environment, readSettings as readTable } from '../../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../../bootstrap/settings/settings-table.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

const entries = Object.entries(allSettings) as [SettingName, Setting<unknown>][];

/** All tables at once, and what is said of them. */
function readSettings(
  env: Environment,
  file?: Environment,
): { settings: Values<typeof allSettings>; problems: string[] } {
  const { settings, unusable } = readTable(allSettings, env, file);
  return { settings, problems: describeProblems(unusable, otherVariables(env, settingsTable)) };
}

const only = (variable: string, value: string) => readSettings({ [variable]: value });

test('the tables: every setting can be set, has words for it, and a default of its kind', () => {
  const seen = new Set<string>();
  for (const [name, { env, expected, default: standard, parse }] of entries) {
    assert.ok(env.length > 0, name);
    for (const variable of env) {
      assert.match(variable, /^(?:SPANSTRAP|OTEL|AWS|LAMBDA|OTLP|TA|DD|LUMIGO)_[A-Z0-9_]+$/, name);
      assert.equal(seen.has(variable), false, `${variable} sets two things`);
      seen.add(variable);
    }
    const own = env.findIndex((variable) => variable.startsWith('SPANSTRAP_'));
    assert.ok(own <= 0, `${name}: our own variable comes first`);
    assert.ok(expected !== '', name);
    if (typeof standard === 'string' || typeof standard === 'number' || typeof standard === 'boolean') {
      assert.deepEqual(parse(`${standard}`), standard, `${name}: the default is a value of its kind`);
    }
  }
});

test('nothing set: the defaults, and nothing to complain of', () => {
  const { settings, problems } = readSettings({ PATH: '/bin', HOME: undefined });
  assert.deepEqual(problems, []);
  for (const [name, { default: standard }] of entries) assert.deepEqual(settings[name], standard, name);
});

test('what is read cannot be changed', () => {
  const { settings } = readSettings({});
  assert.ok(Object.isFrozen(settings));
  assert.throws(() => Object.assign(settings, { isDisabled: true }), TypeError);
});

const good: readonly (readonly [variable: string, text: string, name: SettingName, value: unknown])[] = [
  ...['1', 'true', 'TRUE', 'yes', 'On', ' true '].map(
    (text) => ['SPANSTRAP_DISABLED', text, 'isDisabled', true] as const,
  ),
  ...['0', 'false', 'No', 'off'].map((text) => ['OTEL_SDK_DISABLED', text, 'isDisabled', false] as const),
  ['OTEL_TRACES_EXPORTER', 'xray', 'exporters', ['xray']],
  ['OTEL_TRACES_EXPORTER', ' OTLP , xray', 'exporters', ['otlp', 'xray']],
  ['OTEL_TRACES_EXPORTER', 'none', 'exporters', ['none']],
  ['AWS_XRAY_DAEMON_ADDRESS', '169.254.79.129:2000', 'xrayDaemonAddress', '169.254.79.129:2000'],
  ['SPANSTRAP_XRAY_MODE', 'Attach', 'xrayMode', 'attach'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://x:4318', 'otlpEndpoint', 'http://x:4318'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'http://x/t', 'otlpTracesEndpoint', 'http://x/t'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a=1,b=2', 'headers', { a: '1', b: '2' }],
  ['OTEL_EXPORTER_OTLP_HEADERS', ' a = 1 , ,b=x%20y=z%2C,', 'headers', { a: '1', b: 'x y=z,' }],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'empty=', 'headers', { empty: '' }],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '1', 'otlpTimeoutMs', 1],
  ['OTEL_EXPORTER_OTLP_TIMEOUT', '2s', 'otlpTimeoutMs', 2000],
  ['LAMBDA_OTEL_EXPORTER_TIMEOUT', '500ms', 'otlpTimeoutMs', 500],
  ['OTEL_LAMBDA_FLUSH_TIMEOUT', '1.5 S', 'flushTimeoutMs', 1500],
  ['OTEL_TRACES_EXPORTER', 'console,otlp-stdout', 'exporters', ['console', 'otlp-stdout']],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'GRPC', 'otlpProtocol', 'grpc'],
  ['LAMBDA_OTEL_EXPORTER_PROTOCOL', 'http', 'otlpProtocol', 'http/protobuf'],
  ['LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE', 'finalize', 'flushMode', 'finalize'],
  ['LAMBDA_OTEL_FLUSH_STRATEGY', 'default', 'flushStrategy', { name: 'adaptive' }],
  ['OTLP_STDOUT_SPAN_EXPORTER_COMPRESSION_LEVEL', '9', 'compressionLevel', 9],
  ['OTLP_STDOUT_SPAN_EXPORTER_LOG_LEVEL', 'Warning', 'recordLevel', 'warn'],
  ['SPANSTRAP_XRAY_INDEXED_ATTRIBUTES', 'tenant, order.id,', 'indexedAttributes', ['tenant', 'order.id']],
  ['SPANSTRAP_XRAY_INDEXED_ATTRIBUTES', 'ALL', 'indexedAttributes', 'all'],
  ['SPANSTRAP_OTLP_SIGV4', 'on', 'sigv4', 'true'],
  ['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', '0', 'attributeValueLengthLimit', 0],
  ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', '7', 'attributeCountLimit', 7],
  ['OTEL_LOG_LEVEL', 'verbose', 'logLevel', 'debug'],
  ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', ' 900000 ', 'otlpTimeoutMs', 900_000],
  ['OTEL_EXPORTER_OTLP_COMPRESSION', 'GZIP', 'compression', 'gzip'],
  ['SPANSTRAP_OTLP_XRAY_PARENT', 'keep', 'otlpXrayParent', 'keep'],
  ['OTEL_TRACES_SAMPLER', 'parentbased_traceidratio', 'sampler', 'parentbased_traceidratio'],
  ['OTEL_TRACES_SAMPLER_ARG', '0', 'samplerRatio', 0],
  ['OTEL_TRACES_SAMPLER_ARG', '0.25', 'samplerRatio', 0.25],
  ['SPANSTRAP_OTLP_KEEP', 'errors', 'keepRules', { errors: true, cold: false, slowMs: undefined }],
  ['SPANSTRAP_OTLP_KEEP', ' Slow , ERRORS,cold', 'keepRules', { errors: true, cold: true, slowMs: 1000 }],
  ['SPANSTRAP_OTLP_KEEP', 'slow=1500ms', 'keepRules', { errors: false, cold: false, slowMs: 1500 }],
  ['SPANSTRAP_OTLP_KEEP', 'cold,slow = 1.5 s', 'keepRules', { errors: false, cold: true, slowMs: 1500 }],
  ['LAMBDA_OTEL_EXPORTER_KEEP', 'slow=900s', 'keepRules', { errors: false, cold: false, slowMs: 900_000 }],
  ['OTEL_SERVICE_NAME', 'größe', 'serviceName', 'größe'],
  ['OTEL_RESOURCE_ATTRIBUTES', 'team=shop,env=prod', 'resourceAttributes', { team: 'shop', env: 'prod' }],
  ['SPANSTRAP_MAX_QUEUED_SPANS', '1', 'maxQueuedSpans', 1],
  ['LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE', '7', 'maxQueuedSpans', 7],
  ['SPANSTRAP_FLUSH_STRATEGY', 'End', 'flushStrategy', { name: 'end' }],
  ['LAMBDA_OTEL_FLUSH_STRATEGY', 'continuous', 'flushStrategy', { name: 'continuous' }],
  ['DD_SERVERLESS_FLUSH_STRATEGY', 'end,5000', 'flushStrategy', { name: 'interval', intervalMs: 5000 }],
  ['DD_SERVERLESS_FLUSH_STRATEGY', 'periodically,60000', 'flushStrategy', { name: 'periodic', intervalMs: 60_000 }],
  ['DD_SERVERLESS_FLUSH_STRATEGY', 'continuously, 20', 'flushStrategy', { name: 'continuous', intervalMs: 20 }],
  ['LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE', 'finalize', 'flushMode', 'finalize'],
  ['SPANSTRAP_WATCHDOG', 'off', 'watchdog', 'off'],
  ['SPANSTRAP_MEMORY_PERCENT', '2.5', 'memoryPercent', 2.5],
  ['LUMIGO_TIMEOUT_BUFFER_MS', '700', 'deadlineMarginMs', 700],
  ['LUMIGO_SWITCH_OFF', 'TRUE', 'isDisabled', true],
  ['SPANSTRAP_HANDLER_COMPAT', 'Node22', 'handlerCompat', 'node22'],
  ['OTEL_LOG_LEVEL', 'DEBUG', 'logLevel', 'debug'],
];
for (const [variable, text, name, value] of good) {
  test(`${variable}=${JSON.stringify(text)}`, () => {
    const { settings, problems } = only(variable, text);
    assert.deepEqual(settings[name], value);
    assert.deepEqual(problems, []);
  });
}

const bad: readonly (readonly [variable: string, text: string, problem: string])[] = [
  [
    'SPANSTRAP_DISABLED',
    'maybe',
    'SPANSTRAP_DISABLED is "maybe", which is not true or false; the default false is used',
  ],
  ['OTEL_SDK_DISABLED', '2', 'OTEL_SDK_DISABLED is "2", which is not true or false; the default false is used'],
  [
    'OTEL_TRACES_EXPORTER',
    'xray,zipkin',
    'OTEL_TRACES_EXPORTER is "xray,zipkin", which is not a comma separated list of xray, otlp, otlp-stdout, console, none; the default is used',
  ],
  [
    'SPANSTRAP_XRAY_MODE',
    'segment-ish',
    'SPANSTRAP_XRAY_MODE is "segment-ish", which is not auto, phases, attach, prefixed, segment, off; the default "auto" is used',
  ],
  ...['0', '-1', '900001', 'soon', 'NaN', 'Infinity', '1.2.3', '2m', '901s'].map(
    (text) =>
      [
        'OTEL_EXPORTER_OTLP_TIMEOUT',
        text,
        `OTEL_EXPORTER_OTLP_TIMEOUT is "${text}", which is not milliseconds from 1 to 900000; the default 2000 is used`,
      ] as const,
  ),
  [
    'OTEL_TRACES_SAMPLER_ARG',
    '1.5',
    'OTEL_TRACES_SAMPLER_ARG is "1.5", which is not a number from 0 to 1; the default 1 is used',
  ],
  ...[
    'warm',
    'errors,',
    'errors cold',
    'errors=1s',
    'slow=1500',
    'slow=0ms',
    'slow=901s',
    'slow=1.2.3s',
    'slow=1m',
    'none',
  ].map(
    (text) =>
      [
        'SPANSTRAP_OTLP_KEEP',
        text,
        `SPANSTRAP_OTLP_KEEP is "${text}", which is not a comma separated list of errors, cold and slow, where slow may have a time with a unit: slow=1500ms, slow=2s; the default is used`,
      ] as const,
  ),
  [
    'OTEL_RESOURCE_ATTRIBUTES',
    'a',
    'OTEL_RESOURCE_ATTRIBUTES is "a", which is not key=value,key=value; the default is used',
  ],
  [
    'OTEL_RESOURCE_ATTRIBUTES',
    'a=1,=2',
    'OTEL_RESOURCE_ATTRIBUTES is "a=1,=2", which is not key=value,key=value; the default is used',
  ],
  [
    'OTEL_RESOURCE_ATTRIBUTES',
    'a=%zz',
    'OTEL_RESOURCE_ATTRIBUTES is "a=%zz", which is not key=value,key=value; the default is used',
  ],
  [
    'SPANSTRAP_AWS_INJECTION',
    'sqs,s3',
    'SPANSTRAP_AWS_INJECTION is "sqs,s3", which is not a comma separated list of sqs, sns, lambda, eventbridge, kinesis, none; the default "sqs,sns,lambda" is used',
  ],
  [
    'SPANSTRAP_FLUSH_STRATEGY',
    'often',
    'SPANSTRAP_FLUSH_STRATEGY is "often", which is not end, periodic, continuous or adaptive; the first three with milliseconds after a comma if need be; the default "end" is used',
  ],
  [
    'SPANSTRAP_HANDLER_COMPAT',
    'node20',
    'SPANSTRAP_HANDLER_COMPAT is "node20", which is not node22, node24; the default is used',
  ],
];
for (const [variable, text, problem] of bad) {
  test(`${variable}=${JSON.stringify(text)} cannot be used`, () => {
    const { settings, problems } = only(variable, text);
    assert.deepEqual(problems, [problem]);
    assert.deepEqual(settings, readSettings({}).settings);
  });
}

test('a long value is quoted in part', () => {
  const [problem] = only('SPANSTRAP_XRAY_MODE', 'x'.repeat(5000)).problems;
  assert.ok(problem?.includes(`"${'x'.repeat(80)}"`) && problem.length < 250);
});

test('an empty variable is an unset one', () => {
  for (const [name, { env, default: standard }] of entries) {
    for (const text of ['', ' ', '\t']) {
      const { settings, problems } = readSettings(Object.fromEntries(env.map((variable) => [variable, text])));
      assert.deepEqual(settings[name], standard);
      assert.deepEqual(problems, []);
    }
  }
});

test('of several variables for one setting the first in the table wins, and an empty one is passed over', () => {
  const env = { SPANSTRAP_MAX_QUEUED_SPANS: '1', LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE: '2', OTEL_BSP_MAX_QUEUE_SIZE: '3' };
  assert.equal(readSettings(env).settings.maxQueuedSpans, 1);
  assert.equal(readSettings({ ...env, SPANSTRAP_MAX_QUEUED_SPANS: '' }).settings.maxQueuedSpans, 2);
  assert.equal(readSettings({ OTEL_BSP_MAX_QUEUE_SIZE: '3' }).settings.maxQueuedSpans, 3);
});

test('headers go together; of one header the value for traces counts', () => {
  const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,c=3', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=2,c=4' };
  const file = { LAMBDA_OTEL_EXPORTER_HEADERS: 'a=5,d=6' };
  assert.deepEqual(readSettings(headers, file).settings.headers, { a: '1', b: '2', c: '4', d: '6' });
});

test('precedence: the default, then the file, then the standard name, then our own', () => {
  const file = { LAMBDA_OTEL_FLUSH_MAX_QUEUE_ENTRIES: '1', LAMBDA_OTEL_EXPORTER_PROTOCOL: 'carrier pigeon' };
  const standard = { OTEL_BSP_MAX_QUEUE_SIZE: '2' };
  const own = { SPANSTRAP_MAX_QUEUED_SPANS: '3' };
  assert.equal(readSettings({}).settings.maxQueuedSpans, 2048);
  assert.equal(readSettings({}, file).settings.maxQueuedSpans, 1);
  assert.equal(readSettings(standard, file).settings.maxQueuedSpans, 2);
  assert.equal(readSettings({ ...standard, ...own }, file).settings.maxQueuedSpans, 3);
  assert.deepEqual(readSettings({}, file).problems, [
    'LAMBDA_OTEL_EXPORTER_PROTOCOL of the settings file is "carrier pigeon", which is not http/protobuf, http/json, grpc; the default "http/protobuf" is used',
  ]);
});

test('the settings file: the one that is named, else the one of the Rust extension, else none', (t) => {
  const folder = makeFolder(t, { 'otel-config.toml': '' });
  const env = { LAMBDA_TASK_ROOT: folder };
  assert.equal(findSettingsFile(env), `${folder}/otel-config.toml`);
  assert.equal(findSettingsFile({ ...env, SPANSTRAP_SETTINGS_FILE: '/x.toml' }), '/x.toml');
  assert.equal(findSettingsFile({ LAMBDA_TASK_ROOT: '/nowhere' }), undefined);
  const both = makeFolder(t, { 'otel-config.toml': '', 'otel-extension.toml': '' });
  assert.equal(findSettingsFile({ LAMBDA_TASK_ROOT: both }), `${both}/otel-extension.toml`);
});

test('a value that cannot be used gives way to the next variable, and it is said which', () => {
  const { settings, problems } = readSettings({ SPANSTRAP_LOG_LEVEL: 'loud', OTEL_LOG_LEVEL: 'error' });
  assert.equal(settings.logLevel, 'error');
  assert.deepEqual(problems, [
    'SPANSTRAP_LOG_LEVEL is "loud", which is not debug, info, warn, error, none; the value of OTEL_LOG_LEVEL is used',
  ]);
});

test('a secret is never quoted', () => {
  const secrets = entries.filter(([, { isSecret }]) => isSecret === true);
  assert.deepEqual(
    secrets.map(([name]) => name),
    ['otlpHeadersSecret', 'headers'],
  );
  for (const [name, { env }] of secrets) {
    // Any text may be the name of a secret: what is wrong with it shows when it is asked for.
    if (name === 'otlpHeadersSecret') continue;
    for (const variable of env) {
      const { problems } = only(variable, 'authorization%zz=hunter2');
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, /a value that is not shown/);
      assert.doesNotMatch(problems[0]!, /hunter2/);
    }
  }
});

for (const [variable, suffix] of [
  ['SPANSTRAP_XRAY_MODES', '; did you mean SPANSTRAP_XRAY_MODE?'],
  ['SPANSTRAP_XRAYMODE', '; did you mean SPANSTRAP_XRAY_MODE?'],
  ['SPANSTRAP_DISABLE', '; did you mean SPANSTRAP_DISABLED?'],
  ['SPANSTRAP_LOGLEVEL', '; did you mean SPANSTRAP_LOG_LEVEL?'],
  ['SPANSTRAP_SOMETHING_ELSE', ''],
  ['SPANSTRAP_', ''],
] as const) {
  test(`${variable} is no setting`, () => {
    assert.deepEqual(only(variable, 'x').problems, [`${variable} is no setting of spanstrap${suffix}`]);
  });
}

test('an empty variable is unset also when it is no setting', () => {
  assert.deepEqual(only('SPANSTRAP_DISABLE', '').problems, []);
});

test('variables of others, and those of the bootstrap script, are nobody’s problem', () => {
  const others = Object.fromEntries(readElsewhere.map((variable) => [variable, 'x']));
  assert.deepEqual(readSettings({ ...others, OTEL_UNKNOWN: 'x', spanstrap_x: '1' }).problems, []);
});

test('settings that the start does not need are known all the same', () => {
  assert.deepEqual(otherVariables({ SPANSTRAP_OTLP_SIGV4: 'true', SPANSTRAP_DISABLED: '0' }, settingsTable), [
    'SPANSTRAP_OTLP_SIGV4',
  ]);
  assert.deepEqual(readSettings({ SPANSTRAP_OTLP_SIGV4: 'true' }).problems, []);
});

test('a variable that the platform always sets', () => {
  assert.equal(requireVariable({ _HANDLER: 'index.handler' }, '_HANDLER'), 'index.handler');
  for (const env of [{}, { _HANDLER: '' }]) {
    assert.throws(() => requireVariable(env, '_HANDLER'), {
      name: 'Runtime.PlatformError',
      message: '_HANDLER environment variable is not set',
    });
  }
});

test('a variable that user code must not see', () => {
  const env: Record<string, string | undefined> = { _LAMBDA_TELEMETRY_LOG_FD: '7' };
  assert.equal(takeVariable(env, '_LAMBDA_TELEMETRY_LOG_FD'), '7');
  assert.equal('_LAMBDA_TELEMETRY_LOG_FD' in env, false);
  assert.equal(takeVariable(env, '_LAMBDA_TELEMETRY_LOG_FD'), undefined);
});

test('P60: the identity of the function is read from the environment as it is now', () => {
  const env: Record<string, string | undefined> = {
    AWS_LAMBDA_FUNCTION_NAME: 'orders',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/orders',
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
  };
  assert.deepEqual(readIdentity(env), {
    functionName: 'orders',
    functionVersion: '$LATEST',
    memoryLimitInMB: '128',
    logGroupName: '/aws/lambda/orders',
    logStreamName: 'stream',
  });
  env.AWS_LAMBDA_FUNCTION_NAME = 'changed';
  assert.equal(readIdentity(env).functionName, 'changed');
  assert.equal(readIdentity({}).functionName, undefined);
});
