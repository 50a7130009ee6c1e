// Turns settings and Lambda's environment into what the tracer is to do. What concerns the way out alone is decided when the first
// spans leave.

import { configureHookNames } from '../instrumentation/configure-hooks/hook-names.ts';
import { awsOtlpEndpoint } from '../instrumentation/export/aws/endpoints.ts';
import type { XrayMode } from '../instrumentation/export/xray/phases.ts';
import { createSampler } from '../instrumentation/sampler.ts';
import type { TracingOptions } from '../instrumentation/tracing.ts';
import type { ExportContext } from './export-context.ts';
import type { Host } from './host.ts';
import type { Settings } from './settings/settings.ts';
import { SPANSTRAP_VERSION } from './version.ts';

type Surroundings = Pick<ExportContext, 'settings' | 'env' | 'file' | 'report' | 'writeLine'>;

/** undefined: nothing is to be traced, or there is nowhere to send it. */
export function chooseTracing(surroundings: Surroundings, host: Host): TracingOptions | undefined {
  const { settings, env, report } = surroundings;
  const { exporters, otlpXrayParent, otlpHeadersSecret: secret } = settings;
  const hooks = configureHookNames();
  // Who adds span processors of his own need not want ours.
  const hasProcessors = hooks.some((name) => name.startsWith('configureTracer'));
  if (settings.isDisabled || (exporters?.includes('none') && !hasProcessors)) return undefined;
  const endpoint = settings.otlpTracesEndpoint ?? settings.otlpEndpoint;
  const isXrayEndpoint = endpoint !== undefined && isXray(endpoint);
  // X-Ray's own OTLP endpoint takes the place of its daemon: with both every span would be there twice.
  const wantsXray = exporters?.includes('xray') ?? !isXrayEndpoint;
  const xrayMode = wantsXray ? chooseXrayMode(settings, env.AWS_REGION) : undefined;
  const wantsOtlp = exporters?.includes('otlp') ?? endpoint !== undefined;
  const hasOpenTelemetry =
    wantsOtlp || hasProcessors || exporters?.some((name) => name !== 'xray' && name !== 'none') === true;
  if (xrayMode === undefined && !hasOpenTelemetry) return undefined;
  const recording = (): RecordingBundle => host.loadBundle('recording') as RecordingBundle;
  const context: ExportContext = {
    ...surroundings,
    xrayMode,
    liveErrorOf: (event) => recording().liveErrorOf(event),
    // The answer is under way while the handler's module is loaded.
    fetchHeaders:
      secret === undefined || !wantsOtlp
        ? undefined
        : (host.loadBundle('secret') as SecretBundle).openHeaderSecret(surroundings, secret),
  };
  const isOnDemand = (env.AWS_LAMBDA_INITIALIZATION_TYPE ?? 'on-demand') === 'on-demand';
  // X-Ray's own endpoint has the segment that the header names; everybody else would miss it.
  const xrayParent = otlpXrayParent === 'auto' ? (isXrayEndpoint ? 'keep' : 'root') : otlpXrayParent;
  const isEnabled = chooseInstrumentations(settings);
  return {
    openRecording: (options) => recording().openRecording(context, host, xrayParent, options),
    openDelivery: (surroundings) => (host.loadBundle('outlet') as OutletBundle).openOutlet(context, host, surroundings),
    observeCollections: () => (host.loadBundle('outlet') as OutletBundle).observeCollections(),
    createSdk: (options) => (host.loadBundle('opentelemetry') as OpenTelemetryBundle).openSdk(context, options),
    findApiVersion: (place) => (host.loadBundle('api-version') as ApiVersionBundle).findApiVersion(place),
    createCodeApi: (options) => (host.loadBundle('code-api') as CodeApiBundle).createCodeApi(options),
    applyHooks:
      hooks.length === 0
        ? undefined
        : (options) => (host.loadBundle('configure-hooks') as HooksBundle).openConfigureHooks(context, options),
    calls: {
      loadPropagation: () => recording().propagation,
      createOutgoingTracer: (...options) =>
        (host.loadBundle('outgoing') as OutgoingBundle).createOutgoingTracer(...options),
      createClientModules: (...options) =>
        (host.loadBundle('client-modules') as ClientModulesBundle).createClientModules(...options),
      createDatabaseInstrumentations: (...args) =>
        (host.loadBundle('databases') as DatabasesBundle).createDatabaseInstrumentations(...args),
      isEnabled,
      injectionTargets: settings.injectionTargets.filter((target) => target !== 'none'),
      ownAddress: env.AWS_LAMBDA_RUNTIME_API ?? '',
    },
    routers: {
      isEnabled,
      createRouterHooks: (environment) => (host.loadBundle('routes') as RoutesBundle).createRouterHooks(environment),
    },
    functionName: env.AWS_LAMBDA_FUNCTION_NAME ?? 'unknown_function',
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION ?? '$LATEST',
    distroVersion: SPANSTRAP_VERSION,
    xrayMode,
    hasOpenTelemetry,
    sampler: createSampler(settings.sampler, settings.samplerRatio),
    keepsErrors: hasOpenTelemetry && settings.keepRules?.errors === true,
    xrayParent,
    dropsWarmUps: settings.dropsWarmUps,
    isColdStart: isOnDemand,
    isConcurrent: env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined,
    loadsEagerly: !isOnDemand,
    holdsResponse: settings.flushMode === 'sync',
    flightPath: flightPath(settings, env),
    loadModule: host.require,
    report,
  };
}

function isXray(endpoint: string): boolean {
  const url = URL.parse(endpoint);
  return url !== null && awsOtlpEndpoint(url)?.service === 'xray';
}

/** In China and GovCloud Lambda still draws Invocation and Overhead itself; ours would stand in the picture twice. */
function chooseXrayMode({ xrayMode, xrayDaemonAddress }: Settings, region = ''): XrayMode | undefined {
  if (xrayDaemonAddress === undefined || xrayMode === 'off') return undefined;
  if (xrayMode !== 'auto') return xrayMode as XrayMode;
  return /^(cn|us-gov)-/.test(region) ? 'attach' : 'phases';
}

/** One file for all processes of an environment, and none of another's where environments share a folder, as on a desk. */
function flightPath({ spoolFolder }: Settings, env: Surroundings['env']): string | undefined {
  const folder = spoolFolder ?? (env.TMPDIR || '/tmp');
  const names = [env.AWS_LAMBDA_FUNCTION_NAME, env.AWS_LAMBDA_LOG_STREAM_NAME].join('-');
  return folder === 'off' ? undefined : `${folder}/.spanstrap-${names.replace(/\W+/g, '-')}`;
}

/** By the names of OpenTelemetry's Lambda layer. */
function chooseInstrumentations({ enabledInstrumentations: enabled, disabledInstrumentations: disabled }: Settings) {
  const list = (text: string | undefined): ReadonlySet<string> | undefined =>
    text === undefined ? undefined : new Set(text.split(',').map((name) => name.trim().toLowerCase()));
  const [only, without] = [list(enabled), list(disabled)];
  return (name: string): boolean => (only?.has(name) ?? true) && !without?.has(name);
}

type RecordingBundle = typeof import('./open-recording.ts');
type HooksBundle = typeof import('./open-configure-hooks.ts');
type CodeApiBundle = typeof import('../instrumentation/code-api/code-api.ts');
type ApiVersionBundle = typeof import('../instrumentation/opentelemetry/api-version.ts');
type OutgoingBundle = typeof import('../instrumentation/outgoing/outgoing-tracer.ts');
type ClientModulesBundle = typeof import('../instrumentation/outgoing/databases/client-modules.ts');
type DatabasesBundle = typeof import('../instrumentation/outgoing/databases/official-instrumentations.ts');
type OutletBundle = typeof import('./open-outlet.ts');
type RoutesBundle = typeof import('../instrumentation/routes/router-hooks.ts');
type SecretBundle = typeof import('./open-secret.ts');
type OpenTelemetryBundle = typeof import('./open-sdk.ts');
