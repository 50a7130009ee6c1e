// What can be set and is needed before the first response. Everything else stands in tables of its own, which are read when
// the first spans leave; settings-docs.ts says what each setting is for.

import { flushModeSetting } from './flush-mode-setting.ts';
import { invocationSettings } from './invocation-settings.ts';
import { keepSetting } from './keep-setting.ts';
import { choice, choices, flag, number, pairs, secret, text, withDefault } from './setting-kinds.ts';

const URL_TEXT = 'an http or https URL';
const NAMES = 'a comma separated list of names';

export const settingsTable = {
  isDoctorOn: withDefault(false, flag(['SPANSTRAP_DOCTOR'])),
  isDisabled: withDefault(false, flag(['SPANSTRAP_DISABLED', 'OTEL_SDK_DISABLED', 'LUMIGO_SWITCH_OFF'])),
  exporters: choices(['OTEL_TRACES_EXPORTER'], ['xray', 'otlp', 'otlp-stdout', 'console', 'none']),
  xrayDaemonAddress: text(['AWS_XRAY_DAEMON_ADDRESS'], 'host:port, or udp:host:port tcp:host:port'),
  xrayMode: withDefault(
    'auto',
    choice(['SPANSTRAP_XRAY_MODE'], ['auto', 'phases', 'attach', 'prefixed', 'segment', 'off']),
  ),
  otlpEndpoint: text(['LAMBDA_OTEL_EXPORTER_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'TA_ENDPOINT'], URL_TEXT),
  otlpTracesEndpoint: text(['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'], URL_TEXT),
  otlpHeadersSecret: secret(text(['SPANSTRAP_OTLP_HEADERS_SECRET'], 'an ARN, or kms: and base64')),
  otlpXrayParent: withDefault('auto', choice(['SPANSTRAP_OTLP_XRAY_PARENT'], ['auto', 'keep', 'root', 'lead'])),
  sampler: withDefault(
    'always_on',
    choice(
      ['OTEL_TRACES_SAMPLER'],
      [
        'always_on',
        'always_off',
        'traceidratio',
        'parentbased_always_on',
        'parentbased_always_off',
        'parentbased_traceidratio',
        'xray',
      ],
    ),
  ),
  samplerRatio: withDefault(1, number(['OTEL_TRACES_SAMPLER_ARG'], 0, 1)),
  keepRules: keepSetting,
  flushMode: flushModeSetting,
  spoolFolder: text(['SPANSTRAP_SPOOL_FOLDER'], 'a folder, or off'),
  serviceName: text(['OTEL_SERVICE_NAME']),
  resourceAttributes: withDefault({}, pairs(['OTEL_RESOURCE_ATTRIBUTES'])),
  enabledInstrumentations: text(['OTEL_NODE_ENABLED_INSTRUMENTATIONS'], NAMES),
  disabledInstrumentations: text(['OTEL_NODE_DISABLED_INSTRUMENTATIONS'], NAMES),
  injectionTargets: withDefault(
    ['sqs', 'sns', 'lambda'],
    choices(['SPANSTRAP_AWS_INJECTION'], ['sqs', 'sns', 'lambda', 'eventbridge', 'kinesis', 'none']),
  ),
  ...invocationSettings,
  handlerCompat: choice(['SPANSTRAP_HANDLER_COMPAT'], ['node22', 'node24']),
  logLevel: withDefault(
    'warn',
    choice(['SPANSTRAP_LOG_LEVEL', 'OTEL_LOG_LEVEL'], ['debug', 'info', 'warn', 'error', 'none'], {
      all: 'debug',
      verbose: 'debug',
    }),
  ),
};
