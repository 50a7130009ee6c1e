// Turns settings and Lambda's environment into what the tracer is to do. Where the two leave a choice open, it is made here.

import { SDK_VERSION } from '../instrumentation/opentelemetry/global-api.ts';
import { createSampler } from '../instrumentation/sampler.ts';
import type { LazyParts, TracingOptions } from '../instrumentation/tracing.ts';
import type { Host } from './host.ts';
import type { Settings } from './settings.ts';
import { SPANSTRAP_VERSION } from './version.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** undefined: nothing is to be traced, or there is nowhere to send it. */
export function chooseTracing(
  settings: Settings,
  env: Environment,
  host: Host,
  report: (message: string) => void,
): TracingOptions | undefined {
  if (settings.isDisabled) return undefined;
  const xray = chooseXray(settings, env);
  const otlp = chooseOtlp(settings, report);
  if (xray === undefined && otlp === undefined) return undefined;
  const isOnDemand = (env.AWS_LAMBDA_INITIALIZATION_TYPE ?? 'on-demand') === 'on-demand';
  return {
    parts: lazyParts(host),
    resource: {
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryMb: Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) || undefined,
      region: env.AWS_REGION,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
      nodeVersion: process.versions.node,
      distroVersion: SPANSTRAP_VERSION,
      sdkVersion: SDK_VERSION,
      serviceName: settings.serviceName,
      userAttributes: settings.resourceAttributes,
    },
    xray,
    otlp,
    maxQueuedSpans: settings.maxQueuedSpans,
    isColdStart: isOnDemand,
    isConcurrent: env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined,
    loadsEagerly: !isOnDemand,
    loadModule: host.require,
    report,
  };
}

function wants(settings: Settings, destination: 'xray' | 'otlp'): boolean {
  return settings.exporters === undefined || settings.exporters.includes(destination);
}

function chooseXray(settings: Settings, env: Environment): TracingOptions['xray'] {
  const { xrayDaemonAddress: daemonAddress, xrayMode } = settings;
  if (daemonAddress === undefined || xrayMode === 'off' || !wants(settings, 'xray')) return undefined;
  // There Lambda still draws Invocation and Overhead itself; ours would stand in the picture twice.
  const drawsOwnPhases = /^(cn|us-gov)-/.test(env.AWS_REGION ?? '');
  const mode = xrayMode === 'auto' ? (drawsOwnPhases ? 'attach' : 'phases') : xrayMode;
  return { daemonAddress, mode };
}

function chooseOtlp(settings: Settings, report: (message: string) => void): TracingOptions['otlp'] {
  if (!wants(settings, 'otlp')) return undefined;
  const url = otlpUrl(settings, report);
  if (url === undefined) return undefined;
  // X-Ray's own endpoint has the segment that the header names; everybody else would miss it.
  const keepsParent = /^xray\.[a-z0-9-]+\.amazonaws\.com/.test(url.hostname);
  const rule = settings.otlpXrayParent === 'auto' ? (keepsParent ? 'keep' : 'root') : settings.otlpXrayParent;
  return {
    url: url.href,
    headers: settings.otlpHeaders,
    timeoutMs: settings.otlpTimeoutMs,
    compression: settings.otlpCompression,
    sampler: createSampler(settings.sampler, settings.samplerRatio),
    xrayParent: rule,
  };
}

/** The traces endpoint is used as it is; the common one gets the signal's path (OpenTelemetry, "OTLP exporter configuration"). */
function otlpUrl(settings: Settings, report: (message: string) => void): URL | undefined {
  const { otlpTracesEndpoint, otlpEndpoint } = settings;
  const text =
    otlpTracesEndpoint ?? (otlpEndpoint === undefined ? undefined : `${otlpEndpoint.replace(/\/+$/, '')}/v1/traces`);
  if (text === undefined) {
    if (settings.exporters?.includes('otlp')) {
      report('OTEL_TRACES_EXPORTER names otlp, but OTEL_EXPORTER_OTLP_ENDPOINT is not set: nothing is sent there');
    }
    return undefined;
  }
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  const shown = JSON.stringify(text.replace(/\/\/[^/]*@/, '//***@'));
  report(`the OTLP endpoint ${shown} is not an http or https URL: nothing is sent there`);
  return undefined;
}

function lazyParts(host: Host): LazyParts {
  return {
    createXrayExporter: (options) => (host.loadBundle('xray') as XrayBundle).createXrayExporter(options),
    createOtlpExporter: (options) => (host.loadBundle('otlp') as OtlpBundle).createOtlpExporter(options),
    createSdk: (options) => (host.loadBundle('opentelemetry') as OpenTelemetryBundle).createSdk(options),
  };
}

type XrayBundle = typeof import('../instrumentation/export/xray/exporter.ts');
type OtlpBundle = typeof import('../instrumentation/export/otlp/exporter.ts');
type OpenTelemetryBundle = typeof import('../instrumentation/opentelemetry/sdk.ts');
