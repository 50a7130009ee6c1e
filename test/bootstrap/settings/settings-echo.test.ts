import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { echoSettings } from '../../../bootstrap/settings/settings-echo.ts';

const MODE = 'lambda_otel_lite.extension.span_processor_mode';
const QUEUE = 'lambda_otel_lite.lambda_span_processor.queue_size';
const LEVEL = 'lambda_otel_lite.otlp_stdout_span_exporter.compression_level';

function echo(env: Record<string, string>, file: Record<string, string> = {}, attributes: Attributes = {}): Attributes {
  echoSettings(attributes, env, file);
  return attributes;
}

test('F170: nothing is set: nothing is said', () => {
  assert.deepEqual(echo({}), {});
  assert.deepEqual(echo({ LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE: '' }), {});
});

test('F170: what is set is said as it is in effect, numbers as numbers', () => {
  const env = {
    LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE: 'Finalize',
    LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE: '1024',
    OTLP_STDOUT_SPAN_EXPORTER_COMPRESSION_LEVEL: '0',
  };
  assert.deepEqual(echo(env), { [MODE]: 'finalize', [QUEUE]: 1024, [LEVEL]: 0 });
});

test('F170: by whatever name it is set, the value is the one that wins; the default counts when it was asked for', () => {
  const env = { SPANSTRAP_FLUSH_MODE: 'async', LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE: 'sync' };
  assert.deepEqual(echo(env), { [MODE]: 'async' });
  assert.deepEqual(echo({}, { LAMBDA_OTEL_FLUSH_MAX_QUEUE_ENTRIES: '7' }), { [QUEUE]: 7 });
});

test('F170: what is no value has no effect, and is not said', () => {
  const env = {
    LAMBDA_EXTENSION_SPAN_PROCESSOR_MODE: 'sometimes',
    LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE: '-1',
    OTLP_STDOUT_SPAN_EXPORTER_COMPRESSION_LEVEL: '10',
  };
  assert.deepEqual(echo(env), {});
});

test('F170: what OTEL_RESOURCE_ATTRIBUTES says stays', () => {
  const env = { LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE: '5' };
  assert.deepEqual(echo(env, {}, { [QUEUE]: 'mine', a: 1 }), { [QUEUE]: 'mine', a: 1 });
});
