// Entry of the bundle `outlet`: the way out for spans, with the destinations and the rules that the settings name. Loaded when the first spans
// leave; each exporter comes from a bundle of its own when it is needed.

import type { Delivery, DeliverySurroundings } from '../instrumentation/export/delivery.ts';
import { Destination } from '../instrumentation/export/destination.ts';
import type { Exporter } from '../instrumentation/export/exporter.ts';
import type { OtlpHeaders } from '../instrumentation/export/otlp/options.ts';
import type { OutletOptions } from '../instrumentation/export/outlet.ts';
import { SpanDelivery } from '../instrumentation/export/span-delivery.ts';
import { GarbageCollections } from '../instrumentation/garbage-collections.ts';
import { SpanAccount } from '../instrumentation/span-account.ts';
import type { AccountName } from '../instrumentation/span-counts.ts';
import { Watchdog } from '../instrumentation/watchdog/watchdog.ts';
import { chooseDestinations, type DestinationName } from './destination-choice.ts';
import type { ExportContext } from './export-context.ts';
import type { BundleName, Host } from './host.ts';
import { openWatchdogThread } from './open-watchdog.ts';
import { readOtlpEndpoint } from './otlp-endpoint.ts';
import { flushSettings } from './settings/flush-settings.ts';
import { outletSettings } from './settings/outlet-settings.ts';
import type { Values } from './settings/setting-kinds.ts';
import { echoSettings } from './settings/settings-echo.ts';
import { readReportedSettings } from './settings/settings-problems.ts';
import type { Environment } from './settings/settings-reader.ts';

/** Begun with the first flush: it costs what the start must not. */
export const observeCollections = (): GarbageCollections => new GarbageCollections();

/** Time for what a flush does beside the exports' own time limit. */
const FLUSH_SLACK_MS = 200;
const DEFAULT_MEMORY_MB = 128;
const WATCHDOG_FROM_MB = 256;
const MB = 1024 * 1024;
/** Where flushing beside the handler is worth a request. */
const LONG_INTERVAL_MS = 20_000;
const SHORT_INTERVAL_MS = 2000;

export function openOutlet(context: ExportContext, host: Host, surroundings: DeliverySurroundings): Delivery {
  const { settings, xrayMode, env, report } = context;
  const own = readReportedSettings(outletSettings, context);
  echoSettings(surroundings.resource.attributes, env, context.file);
  const flush = readReportedSettings(flushSettings, context);
  const endpoint = readOtlpEndpoint(settings, own.otlpProtocol, report);
  const wanted = chooseDestinations(settings, endpoint, xrayMode !== undefined);
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
  // Of several exporters for the same spans one keeps the books: the one that may lose something.
  const keeper = (['otlp', 'otlp-stdout', 'console'] as const).find((name) => wanted.has(name));
  const accounts: SpanAccount[] = [];
  const accountOf = (name: DestinationName): SpanAccount => {
    const kept: AccountName = name === 'xray' ? 'xray' : 'otlp';
    if (name !== 'xray' && name !== keeper) return new SpanAccount(kept);
    accounts.push(new SpanAccount(kept, surroundings.counts[kept]));
    return accounts.at(-1)!;
  };
  const memoryMb = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) || DEFAULT_MEMORY_MB;
  const hasUndecided = settings.keepRules !== undefined && keeper !== undefined;
  const shares = Math.max(1, wanted.size) + (hasUndecided ? 1 : 0);
  const maxQueuedBytes = (memoryMb * MB * flush.memoryPercent) / 100 / shares;
  const destination = (name: DestinationName, shownName: string, isNetwork: boolean): Destination =>
    new Destination({
      name: shownName,
      account: accountOf(name),
      isNetwork,
      accepts: name === 'xray' ? (batch) => batch.xray !== undefined : (batch) => batch.isSampledForOtlp,
      open: open[name],
      maxQueuedSpans: own.maxQueuedSpans,
      maxQueuedBytes,
      report,
    });
  // In the order in which they are flushed: first those that cost no round trip.
  const destinations = [
    ...(wanted.has('xray') ? [destination('xray', 'X-Ray', true)] : []),
    ...(wanted.has('console') ? [destination('console', 'console', false)] : []),
    ...(wanted.has('otlp-stdout') ? [destination('otlp-stdout', 'stdout', false)] : []),
    ...(wanted.has('otlp') ? [destination('otlp', 'OTLP', true)] : []),
  ];
  const createWatchdog = (): Watchdog | undefined => {
    const { flight, resource, instrumentationScope } = surroundings;
    if (flight === undefined) return undefined;
    const { file, fetchHeaders } = context;
    const timeoutMs = own.otlpTimeoutMs;
    const otlp = wanted.has('otlp')
      ? { bundle: OTLP_BUNDLES[own.otlpProtocol], url: endpoint!.url, timeoutMs }
      : undefined;
    const setting = {
      path: flight.path,
      instrumentationScope,
      context: { env: { ...env }, file, settings, xrayMode },
      hasXray: wanted.has('xray'),
    };
    const open = (board: SharedArrayBuffer, failed: () => void, headers?: OtlpHeaders): void =>
      openWatchdogThread(
        `${host.packagesFolder}/../../spanstrap/watchdog.cjs`,
        { ...setting, board, resourceAttributes: resource.attributes, otlp: otlp && { ...otlp, headers } },
        failed,
      );
    return new Watchdog({
      openThread(board, failed) {
        if (fetchHeaders === undefined) open(board, failed);
        else
          fetchHeaders()
            .then((headers) => open(board, failed, headers))
            .catch(failed);
      },
      isEager: flush.watchdog === 'on',
      report,
    });
  };
  const hasFallback = wanted.has('otlp') && !wanted.has('otlp-stdout') && own.otlpFallback === 'stdout';
  return new SpanDelivery({
    ...surroundings,
    accounts,
    outlet: {
      destinations,
      fallback: hasFallback ? destination('otlp-stdout', 'stdout', false) : undefined,
      ...chooseFlush(settings.flushMode, flush),
      maxFlushMs: own.flushTimeoutMs ?? (wanted.has('otlp') ? own.otlpTimeoutMs : 0) + FLUSH_SLACK_MS,
    },
    deadlineMarginMs: flush.deadlineMarginMs,
    undecided: hasUndecided ? { maxSpans: own.maxQueuedSpans, maxBytes: maxQueuedBytes } : undefined,
    keepsSeenSpans: settings.isDoctorOn,
    watchdog: chooseWatchdog(flush.watchdog, memoryMb, env) ? createWatchdog() : undefined,
    report,
  });
}

/** Its thread takes some 20 MB. Where several invocations run at once, none can be named as the one that blocks the event loop. */
function chooseWatchdog(wanted: 'auto' | 'on' | 'off', memoryMb: number, env: Environment): boolean {
  if (env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined) return false;
  return wanted === 'on' || (wanted === 'auto' && memoryMb >= WATCHDOG_FROM_MB);
}

type FlushRules = Pick<OutletOptions, 'mode' | 'intervalMs' | 'batchSpans' | 'batchJitter'>;

function chooseFlush(
  flushMode: ExportContext['settings']['flushMode'],
  flush: Values<typeof flushSettings>,
): FlushRules {
  const { name, intervalMs } = flush.flushStrategy;
  const mode = flushMode !== 'async' ? flushMode : name === 'end' ? 'async' : name;
  const usualMs = mode === 'continuous' || mode === 'adaptive' ? LONG_INTERVAL_MS : SHORT_INTERVAL_MS;
  return {
    mode,
    intervalMs: intervalMs ?? flush.flushIntervalMs ?? usualMs,
    batchSpans: flush.batchSize,
    batchJitter: flush.batchJitter,
  };
}

const OTLP_BUNDLES = { 'http/protobuf': 'otlp', 'http/json': 'otlp-json', grpc: 'otlp-grpc' } as const;

type XrayBundle = typeof import('./open-xray.ts');
type OtlpBundle = typeof import('./open-otlp.ts');
type StdoutBundle = typeof import('./open-stdout.ts');
type ConsoleBundle = typeof import('../instrumentation/export/console/exporter.ts');
