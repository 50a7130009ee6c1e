// What is instrumented, what of it was there and was called, and what could not be seen.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { BundledClient } from './bundled-clients.ts';
import type { LoadedPackage } from './loaded-packages.ts';
import type { Line } from './report-text.ts';

export type InstrumentationFacts = {
  isEnabled(instrumentation: string): boolean;
  /** CommonJS packages of interest in the process. */
  readonly packages: readonly LoadedPackage[];
  readonly bundled: readonly BundledClient[];
  readonly spans: readonly ReadableSpan[];
};

const CALLS = ['http', 'undici', 'http2', 'aws-sdk', 'pg', 'mysql2', 'mongodb', 'ioredis', 'redis'];
const ROUTERS = ['express', 'fastify', 'hono'];
const INSTRUMENTATIONS = [...CALLS, ...ROUTERS];
const CLIENT = 2;
const PRODUCER = 3;
const AWS_CLIENT = /^@(?:aws-sdk\/client-|smithy\/)/;

export function instrumentationLines({ isEnabled, packages, bundled, spans }: InstrumentationFacts): Line[] {
  const list = (names: readonly string[]): string => (names.length === 0 ? 'nothing' : names.join(', '));
  const off = INSTRUMENTATIONS.filter((name) => !isEnabled(name));
  const calls = spans.filter(({ kind }) => kind === CLIENT || kind === PRODUCER);
  const own = spans.filter(
    ({ instrumentationScope, kind }) => instrumentationScope.name !== 'spanstrap' && kind < CLIENT,
  );
  const lines: Line[] = [['on', list(INSTRUMENTATIONS.filter(isEnabled))]];
  if (off.length > 0)
    lines.push(['off', `${list(off)} (OTEL_NODE_ENABLED_INSTRUMENTATIONS, OTEL_NODE_DISABLED_INSTRUMENTATIONS)`]);
  lines.push(['modules', list(packages.map(({ name, version }) => `${name} ${version}`))]);
  lines.push(['calls', list(tally(calls.map(callOf)))]);
  if (own.length > 0)
    lines.push(['own spans', list(tally(own.map(({ instrumentationScope }) => instrumentationScope.name)))]);
  for (const { client, file } of bundled) {
    if (isEnabled(client))
      lines.push([
        'not seen',
        `${client} is bundled into ${file}: ${ROUTERS.includes(client) ? 'the routes of requests are not found' : 'its calls are not traced'} (keep it a package of its own; esbuild: external)`,
      ]);
  }
  if (calls.some(isAws) && !packages.some(({ name }) => AWS_CLIENT.test(name)))
    lines.push([
      'in part',
      'the AWS SDK is bundled, an ES module, or of version 2: calls are traced, messages carry no W3C context',
    ]);
  return lines;
}

const isAws = ({ attributes }: ReadableSpan): boolean =>
  [attributes['rpc.system'], attributes['rpc.system.name']].includes('aws-api');

function callOf(span: ReadableSpan): string {
  const { attributes } = span;
  if (isAws(span)) return `aws-sdk ${attributes['rpc.service'] ?? ''}`.trim();
  const system = attributes['db.system.name'] ?? attributes['db.system'] ?? attributes['rpc.system'];
  if (system !== undefined) return String(system);
  return 'http.request.method' in attributes ? 'http' : span.instrumentationScope.name;
}

/** `http 2`, in the order of appearance. */
function tally(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${name} ${count}`);
}
