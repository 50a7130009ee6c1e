// Which destinations the report calls on, why the others are off, and what it says of the first export.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DestinationFacts, destinationLines } from '../../../bootstrap/doctor/destination-lines.ts';
import { readSettings } from '../../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../../bootstrap/settings/settings-table.ts';

const DAEMON = { AWS_XRAY_DAEMON_ADDRESS: '127.0.0.1:2000' };
const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:word@collector:4318/v1?key=abc' };

function lines(env: Record<string, string>, destinations: DestinationFacts['destinations'] = []): Map<string, string> {
  const { settings } = readSettings(settingsTable, env);
  const hasXray = settings.xrayDaemonAddress !== undefined && settings.xrayMode !== 'off';
  const wantsXray = settings.exporters?.includes('xray') ?? !env.OTEL_EXPORTER_OTLP_ENDPOINT?.includes('amazonaws');
  const choice = settings.isDisabled ? undefined : { xrayMode: hasXray && wantsXray ? ('phases' as const) : undefined };
  return new Map(destinationLines({ env, file: {}, settings, choice, destinations }));
}

const latest = { spans: 9, sentSpans: 9, tookMs: 1.25, error: undefined };

test('both on: where they are, and what became of the first export', () => {
  const found = lines({ ...DAEMON, ...COLLECTOR }, [
    { name: 'X-Ray', latest, queuedSpans: 0 },
    { name: 'OTLP', latest: { ...latest, sentSpans: 0, tookMs: 417, error: 'connect ECONNREFUSED' }, queuedSpans: 9 },
  ]);
  assert.equal(
    found.get('X-Ray'),
    'on: daemon at 127.0.0.1:2000, drawn as phases; 9 spans delivered in 1.3 ms (UDP: the daemon answers nothing)',
  );
  assert.match(found.get('OTLP')!, /^on: http\/protobuf to http:\/\/\*\*\*@collector:4318\//);
  assert.match(found.get('OTLP')!, /; the export failed after 417 ms: connect ECONNREFUSED, 9 spans waiting$/);
  assert.match(found.get('stdout')!, /SPANSTRAP_OTLP_FALLBACK/);
});

test('a part that was refused, and a destination that nothing was sent to', () => {
  const found = lines({ ...DAEMON, ...COLLECTOR }, [
    { name: 'OTLP', latest: { ...latest, sentSpans: 4 }, queuedSpans: 0 },
  ]);
  assert.match(found.get('OTLP')!, /; 4 of 9 spans delivered in 1\.3 ms$/);
  assert.match(found.get('X-Ray')!, /nothing was sent yet$/);
});

const offs: readonly (readonly [env: Record<string, string>, name: string, why: RegExp])[] = [
  [DAEMON, 'OTLP', /^off: OTEL_EXPORTER_OTLP_ENDPOINT is not set$/],
  [{}, 'X-Ray', /^off: AWS_XRAY_DAEMON_ADDRESS is not set/],
  [{ ...DAEMON, SPANSTRAP_XRAY_MODE: 'off' }, 'X-Ray', /^off: SPANSTRAP_XRAY_MODE is off$/],
  [{ ...DAEMON, OTEL_TRACES_EXPORTER: 'console' }, 'X-Ray', /^off: OTEL_TRACES_EXPORTER does not name xray$/],
  [{ ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'xray' }, 'OTLP', /^off: OTEL_TRACES_EXPORTER does not name otlp$/],
  [
    { ...DAEMON, OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://user:word@collector' },
    'OTLP',
    /^off: the OTLP endpoint "ftp:\/\/\*\*\*@collector\/v1\/traces" is not an http or https URL/,
  ],
  [
    {
      ...DAEMON,
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://xray.eu-west-1.amazonaws.com/v1/traces',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://xray.eu-west-1.amazonaws.com',
    },
    'X-Ray',
    /^off: spans go to X-Ray’s own OTLP endpoint instead$/,
  ],
  [{ ...DAEMON, SPANSTRAP_DISABLED: '1' }, 'X-Ray', /^off: tracing is switched off/],
  [{ ...DAEMON, ...COLLECTOR, OTEL_TRACES_EXPORTER: 'none' }, 'OTLP', /^off: OTEL_TRACES_EXPORTER is none$/],
];
for (const [env, name, why] of offs) {
  test(`${name} is off: ${why.source}`, () => assert.match(lines(env).get(name)!, why));
}
