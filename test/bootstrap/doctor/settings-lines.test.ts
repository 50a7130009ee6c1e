// Which settings the report shows, and that it never shows what is secret.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsLines } from '../../../bootstrap/doctor/settings-lines.ts';
import { withoutSecrets } from '../../../bootstrap/doctor/shown-value.ts';
import { allSettings } from '../../../bootstrap/settings/all-settings.ts';
import type { Setting } from '../../../bootstrap/settings/setting-kinds.ts';

test('nothing is set: nothing is shown, and what equals its default neither', () => {
  assert.deepEqual(settingsLines({ SPANSTRAP_DOCTOR: '1', AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000' }, {}), []);
  assert.deepEqual(settingsLines({ OTEL_TRACES_SAMPLER: 'always_on', SPANSTRAP_BATCH_SIZE: '20' }, {}), []);
});

test('the variable that has made the value, and the file where it was the file', () => {
  const env = { SPANSTRAP_FLUSH_MODE: 'sync', SPANSTRAP_MAX_QUEUED_SPANS: '9', OTEL_BSP_MAX_QUEUE_SIZE: '8' };
  assert.deepEqual(settingsLines(env, { LAMBDA_OTEL_EXPORTER_TIMEOUT: '500' }).toSorted(), [
    ['LAMBDA_OTEL_EXPORTER_TIMEOUT (settings file)', '500'],
    ['SPANSTRAP_FLUSH_MODE', 'sync'],
    ['SPANSTRAP_MAX_QUEUED_SPANS', '9'],
  ]);
});

test('headers are named, their values hidden; so are proxies', () => {
  const env = {
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=s3cret,x-team=shop',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization=s3cret',
    HTTPS_PROXY: 'http://user:s3cret@proxy:3128',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:s3cret@collector/path?token=s3cret',
  };
  const lines = settingsLines(env, {});
  assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
  assert.deepEqual(Object.fromEntries(lines), {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://***@collector/path?token=***',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'authorization (values hidden)',
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key, x-team (values hidden)',
    HTTPS_PROXY: 'set, value hidden',
  });
});

test('no secret setting is ever shown, usable or not', () => {
  const secrets = Object.values(allSettings as Record<string, Setting<unknown>>).filter(({ isSecret }) => isSecret);
  assert.ok(secrets.length >= 2);
  for (const { env } of secrets) {
    for (const variable of env) {
      for (const text of ['s3cret', 'a=s3cret', 'a=%zz-s3cret']) {
        const lines = settingsLines({ [variable]: text }, {});
        assert.doesNotMatch(JSON.stringify(lines), /s3cret/, variable);
      }
    }
  }
});

test('what has no effect is told of', () => {
  const lines = settingsLines({ OTEL_TRACES_SAMPLER: 'sometimes', SPANSTRAP_WATCHDGO: 'on' }, {});
  assert.deepEqual(
    lines.map(([label]) => label),
    ['without effect', 'without effect'],
  );
  assert.match(lines[0]![1], /^OTEL_TRACES_SAMPLER is "sometimes", which is not always_on/);
  assert.match(lines[1]![1], /did you mean SPANSTRAP_WATCHDOG\?$/);
});

test('what may be shown of a text', () => {
  assert.equal(withoutSecrets('500ms'), '500ms');
  assert.equal(withoutSecrets('https://a:b@host/p?x=1&y=2#z'), 'https://***@host/p?x=***&y=***#z');
  assert.equal(withoutSecrets('service.version=1,team=a@b'), 'service.version=1,team=a@b');
});
