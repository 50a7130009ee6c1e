// What was set of how spans leave, as attributes of the resource by the names of Lambda OTel Lite. Like there, what is as it is by
// default stands in none.

import type { Attributes } from '@opentelemetry/api';
import { flushModeSetting } from './flush-mode-setting.ts';
import { outletSettings } from './outlet-settings.ts';
import type { Setting } from './setting-kinds.ts';
import { type Environment, readSettings } from './settings-reader.ts';
import { stdoutSettings } from './stdout-settings.ts';

const withoutDefault = <T>(setting: Setting<T>): Setting<T | undefined> => ({
  ...(setting as Setting<T | undefined>),
  default: undefined,
});

const ECHOED = {
  'lambda_otel_lite.extension.span_processor_mode': withoutDefault(flushModeSetting),
  'lambda_otel_lite.lambda_span_processor.queue_size': withoutDefault(outletSettings.maxQueuedSpans),
  'lambda_otel_lite.otlp_stdout_span_exporter.compression_level': withoutDefault(stdoutSettings.compressionLevel),
};

/** Adds them to the resource's; an attribute that is there stays. */
export function echoSettings(attributes: Attributes, env: Environment, file: Environment): void {
  for (const [name, value] of Object.entries(readSettings(ECHOED, env, file).settings)) {
    if (value !== undefined) attributes[name] ??= value;
  }
}
