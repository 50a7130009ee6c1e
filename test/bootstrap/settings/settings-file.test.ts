import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allSettings } from '../../../bootstrap/settings/all-settings.ts';
import { readSettingsFile } from '../../../bootstrap/settings/settings-file.ts';
import { readSettings } from '../../../bootstrap/settings/settings-reader.ts';
import { makeFolder } from '../../support/temporary-folder.ts';

const FILE = `
# As the extension in Rust has it.
[exporter]
endpoint = "https://collector.example.com"
protocol = "http"
compression = "gzip"
timeout = 500

[exporter.headers]
authorization = "Bearer a=b,c"
"x-team" = "größe"

[receiver]
http_port = 4318
http_enabled = true

[flush]
strategy = "end"
interval = 20000
max_batch_bytes = 4194304
max_batch_entries = 17
max_queue_entries = 99
`;

test('the file of the Rust extension', (t) => {
  const folder = makeFolder(t, { 'otel-extension.toml': FILE });
  const { values, problems } = readSettingsFile(`${folder}/otel-extension.toml`);
  assert.deepEqual(problems, []);
  const { settings, unusable } = readSettings(allSettings, {}, values);
  assert.deepEqual(unusable, []);
  assert.equal(settings.otlpEndpoint, 'https://collector.example.com');
  assert.equal(settings.otlpProtocol, 'http/protobuf');
  assert.equal(settings.compression, 'gzip');
  assert.equal(settings.otlpTimeoutMs, 500);
  assert.deepEqual(settings.headers, { authorization: 'Bearer a=b,c', 'x-team': 'größe' });
  assert.deepEqual(settings.flushStrategy, { name: 'end' });
  assert.equal(settings.flushIntervalMs, 20_000);
  assert.equal(settings.maxRequestBytes, 4_194_304);
  assert.equal(settings.maxRequestSpans, 17);
  assert.equal(settings.maxQueuedSpans, 99);
});

test('times with a unit, as the README of the extension once had them', (t) => {
  const folder = makeFolder(t, { 'x.toml': '[exporter]\ntimeout = "30s"\n' });
  const { values } = readSettingsFile(`${folder}/x.toml`);
  assert.equal(readSettings(allSettings, {}, values).settings.otlpTimeoutMs, 30_000);
});

for (const [what, text, reason] of [
  ['is not TOML', '[exporter\nendpoint', /x\.toml cannot be read: .+/],
  ['is not there', undefined, /x\.toml cannot be read: ENOENT/],
] as const) {
  test(`a file that ${what}: no values, and the reason in one line`, (t) => {
    const folder = makeFolder(t, text === undefined ? {} : { 'x.toml': text });
    const { values, problems } = readSettingsFile(`${folder}/x.toml`);
    assert.deepEqual(values, {});
    assert.equal(problems.length, 1);
    assert.match(problems[0]!, reason);
    assert.doesNotMatch(problems[0]!, /\n/);
  });
}

test('a field that its section does not have is told of, with those that it has', (t) => {
  const text = '[exporter]\nendpiont = "http://collector:4318"\nTimeout = 500\n[flush.interval_ms]\n';
  const folder = makeFolder(t, { 'x.toml': text });
  const { values, problems } = readSettingsFile(`${folder}/x.toml`);
  assert.equal(readSettings(allSettings, {}, values).settings.otlpTimeoutMs, 500);
  assert.deepEqual(problems, [
    `the settings file ${folder}/x.toml: [exporter] has no "endpiont", it has compression, endpoint, headers, protocol, timeout`,
    `the settings file ${folder}/x.toml: [flush] has no "interval_ms", it has interval, invoke_budget, max_batch_bytes, max_batch_entries, max_queue_entries, strategy`,
  ]);
});

test('the fields that are known are those of the tables', (t) => {
  const folder = makeFolder(t, { 'x.toml': '[exporter]\nx = 1\n[flush]\nx = 1\n' });
  const { problems } = readSettingsFile(`${folder}/x.toml`);
  const known = problems.flatMap((problem) => {
    const [, section, fields] = /: \[(\w+)\] has no "x", it has (.*)$/.exec(problem)!;
    return fields!.split(', ').map((field) => `LAMBDA_OTEL_${section}_${field}`.toUpperCase());
  });
  const variables = Object.values(allSettings).flatMap(({ env }) => env);
  assert.deepEqual(known, variables.filter((variable) => variable.startsWith('LAMBDA_OTEL_')).sort());
});

test('other sections, and what stands before them, are left alone', (t) => {
  const text = 'title = "x"\nlist = [1]\nat = 1979-05-27\n[exporter.headers]\n[receiver]\nport = 1\n[[more]]\na = 1\n';
  const folder = makeFolder(t, { 'x.toml': text });
  const { values, problems } = readSettingsFile(`${folder}/x.toml`);
  assert.deepEqual(problems, []);
  const { settings, unusable } = readSettings(allSettings, {}, values);
  assert.deepEqual(unusable, []);
  assert.deepEqual(settings, readSettings(allSettings, {}).settings);
});
