// Lambda OTel Lite's own exporter as the oracle of our records: the same spans, the same settings, the same line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { ExportContext } from '../../../bootstrap/export-context.ts';
import { openStdout } from '../../../bootstrap/open-stdout.ts';
import { readSettings } from '../../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../../bootstrap/settings/settings-table.ts';
import { decodeProtobufTraces } from '../../../local/sinks/otlp-messages.ts';
import { buildSpan, kinds } from '../../instrumentation/span-builder.ts';
import { runModule, sourceUrl } from '../../support/child-process.ts';
import { provideNpmFolder } from './npm-folder.ts';

const peer = await provideNpmFolder('otlp-stdout');
const skip = 'missing' in peer ? `skipped: ${peer.missing}` : false;
if (skip) console.log(`Lambda OTel Lite: ${skip}`);

const descriptions: Parameters<typeof buildSpan>[0][] = [
  {
    name: 'GET /orders/{id} ☂',
    id: '0000000000000001',
    kind: kinds.SERVER,
    attributes: { text: 'größer', whole: 7, half: 0.5, yes: true, list: ['a', 'b'] },
    resource: { 'service.name': 'orders' },
    status: { code: 2, message: 'too far' },
  },
  { name: 'Invocation', id: '0000000000000002', parent: '0000000000000001', resource: { 'service.name': 'orders' } },
];

/** Built alike in both processes: the functions of a span cannot be handed over. */
const spans = (): ReadableSpan[] => descriptions.map((description) => buildSpan(description));

/** The line that the real package writes. */
async function theirLine(env: Readonly<Record<string, string>>): Promise<string> {
  const { path } = peer as { path: string };
  const { code, stdout, stderr } = await runModule(
    `import { createRequire } from 'node:module';
     import { buildSpan } from ${JSON.stringify(sourceUrl('test/instrumentation/span-builder.ts'))};
     const { OTLPStdoutSpanExporter } = createRequire(${JSON.stringify(`${path}/x.js`)})('@dev7a/otlp-stdout-span-exporter');
     const descriptions = ${JSON.stringify(descriptions)};
     const spans = descriptions.map((description) => buildSpan(description));
     new OTLPStdoutSpanExporter().export(spans, ({ code }) => process.exit(code));`,
    { env },
  );
  assert.equal(code, 0, stderr);
  return stdout;
}

async function ourLine(env: Readonly<Record<string, string>>): Promise<string> {
  const lines: string[] = [];
  const context = {
    env,
    file: {},
    settings: readSettings(settingsTable, env).settings,
    report: (message: string) => assert.fail(message),
    writeLine: (line: string) => lines.push(`${line}\n`),
  } as unknown as ExportContext;
  await openStdout(context, true).export([{ spans: spans(), xray: undefined, isSampledForOtlp: true }], Infinity);
  return lines.join('');
}

const payloadOf = (line: string): Buffer => Buffer.from((JSON.parse(line) as { payload: string }).payload, 'base64');
const withoutPayload = (line: string): string => line.replace(/"payload":"[^"]*"/, '"payload":"…"');

for (const [what, env] of [
  ['nothing is set', {}],
  ['a function’s name', { AWS_LAMBDA_FUNCTION_NAME: 'orders-prod' }],
  ['a service name', { OTEL_SERVICE_NAME: 'orders', AWS_LAMBDA_FUNCTION_NAME: 'orders-prod' }],
  ['a level', { OTLP_STDOUT_SPAN_EXPORTER_LOG_LEVEL: 'Warning' }],
  ['a compression level', { OTLP_STDOUT_SPAN_EXPORTER_COMPRESSION_LEVEL: '0' }],
  ['headers', { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=7,x-key=a=b , content-type=x' }],
  [
    'headers of both kinds, and a level',
    {
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=7,x-key=general',
      OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=traces',
      OTLP_STDOUT_SPAN_EXPORTER_LOG_LEVEL: 'info',
    },
  ],
] as const) {
  test(`a record is theirs: ${what}`, { skip }, async () => {
    const [theirs, ours] = await Promise.all([theirLine(env), ourLine(env)]);
    assert.equal(withoutPayload(ours), withoutPayload(theirs));
    const [ourPayload, theirPayload] = [payloadOf(ours), payloadOf(theirs)];
    // Their serialiser is another version, which writes the same message with its fields in another order; gzip tells its level.
    assert.ok(ourPayload.subarray(0, 10).equals(theirPayload.subarray(0, 10)));
    const decode = (payload: Buffer): unknown => decodeProtobufTraces(gunzipSync(payload));
    assert.deepEqual(withoutDefaults(decode(ourPayload)), withoutDefaults(decode(theirPayload)));
  });
}

/** Flags beyond W3C's eight bits came with a later version of the serialiser. */
function withoutDefaults(message: unknown): unknown {
  return JSON.parse(JSON.stringify(message), (key, value: unknown) =>
    key === 'flags' || (Array.isArray(value) && value.length === 0) ? undefined : value,
  );
}
