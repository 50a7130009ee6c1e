// Entry of the bundle `outlet`: the way out for spans, with the destinations that the settings name. Loaded when the first spans
// leave; each exporter comes from a bundle of its own when it is needed.

import { Destination } from '../instrumentation/export/destination.ts';
import type { Exporter } from '../instrumentation/export/exporter.ts';
import { Outlet } from '../instrumentation/export/outlet.ts';
import { GarbageCollections } from '../instrumentation/garbage-collections.ts';
import type { ExportContext } from './export-context.ts';
import type { BundleName, Host } from './host.ts';
import { readOtlpEndpoint } from './otlp-endpoint.ts';
import { outletSettings } from './outlet-settings.ts';
import { readReportedSettings } from './settings-problems.ts';

/** Begun with the first flush: it costs what the start must not. */
export const observeCollections = (): GarbageCollections => new GarbageCollections();

/** Time for what a flush does beside the exports' own time limit. */
const FLUSH_SLACK_MS = 200;

type DestinationName = 'xray' | 'console' | 'otlp-stdout' | 'otlp';

export function openOutlet(context: ExportContext, host: Host): Outlet {
  const { settings, xrayMode, report } = context;
  const own = readReportedSettings(outletSettings, context);
  const endpoint = readOtlpEndpoint(settings, own.otlpProtocol, report);
  const wanted = new Set<string>(settings.exporters ?? (endpoint === undefined ? ['xray'] : ['xray', 'otlp']));
  if (xrayMode === undefined) wanted.delete('xray');
  if (endpoint === undefined) wanted.delete('otlp');
  if (wanted.has('xray') && wanted.has('otlp') && endpoint!.isXray) {
    report('OTEL_TRACES_EXPORTER names xray, and otlp with X-Ray’s own endpoint: every span will be there twice');
  }
  const open: Record<DestinationName, () => Exporter> = {
    xray: () => bundle<XrayBundle>('xray').openXray(context, xrayMode!),
    console: () => bundle<ConsoleBundle>('console').createConsoleExporter(context),
    'otlp-stdout': () => bundle<StdoutBundle>('otlp-stdout').openStdout(context, !wanted.has('otlp')),
    otlp: () => bundle<OtlpBundle>(OTLP_BUNDLES[own.otlpProtocol]).openOtlp(context, endpoint!.url, own.otlpTimeoutMs),
  };
  const bundle = <T>(name: BundleName): T => host.loadBundle(name) as T;
  const destination = (name: DestinationName, shownName: string, isNetwork: boolean): Destination =>
    new Destination({
      name: shownName,
      isNetwork,
      accepts: name === 'xray' ? (batch) => batch.xray !== undefined : (batch) => batch.isSampledForOtlp,
      open: open[name],
      maxQueuedSpans: own.maxQueuedSpans,
      report,
    });
  // In the order in which they are flushed: first those that cost no round trip.
  const destinations = [
    ...(wanted.has('xray') ? [destination('xray', 'X-Ray', true)] : []),
    ...(wanted.has('console') ? [destination('console', 'console', false)] : []),
    ...(wanted.has('otlp-stdout') ? [destination('otlp-stdout', 'stdout', false)] : []),
    ...(wanted.has('otlp') ? [destination('otlp', 'OTLP', true)] : []),
  ];
  const hasFallback = wanted.has('otlp') && !wanted.has('otlp-stdout') && own.otlpFallback === 'stdout';
  const maxFlushMs = own.flushTimeoutMs ?? (wanted.has('otlp') ? own.otlpTimeoutMs : 0) + FLUSH_SLACK_MS;
  return new Outlet(destinations, maxFlushMs, hasFallback ? destination('otlp-stdout', 'stdout', false) : undefined);
}

const OTLP_BUNDLES = { 'http/protobuf': 'otlp', 'http/json': 'otlp-json', grpc: 'otlp-grpc' } as const;

type XrayBundle = typeof import('./open-xray.ts');
type OtlpBundle = typeof import('./open-otlp.ts');
type StdoutBundle = typeof import('./open-stdout.ts');
type ConsoleBundle = typeof import('../instrumentation/export/console/exporter.ts');
