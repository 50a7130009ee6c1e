// Turns settings into what an OTLP exporter is to do. Part of each OTLP exporter's bundle, read when it is opened.

import { createCredentials } from '../instrumentation/export/aws/credentials.ts';
import { awsOtlpEndpoint } from '../instrumentation/export/aws/endpoints.ts';
import type { SigningOptions } from '../instrumentation/export/aws/sigv4.ts';
import type { OtlpExporterOptions } from '../instrumentation/export/otlp/options.ts';
import { readProxyEnvironment } from '../instrumentation/export/proxy.ts';
import type { ExportContext } from './export-context.ts';
import { otlpSettings } from './settings/otlp-settings.ts';
import type { Values } from './settings/setting-kinds.ts';
import { readReportedSettings } from './settings/settings-problems.ts';

/** `endpoint` as set; of gRPC it may have no scheme. */
export function readOtlpOptions(context: ExportContext, endpoint: string, timeoutMs: number): OtlpExporterOptions {
  const { env, fetchHeaders, report } = context;
  const settings = readReportedSettings(otlpSettings, context);
  // Only gRPC endpoints come without a scheme (OpenTelemetry specification, "OTLP exporter configuration").
  const isComplete = /^https?:\/\//i.test(endpoint);
  const url = isComplete ? endpoint : `${settings.isInsecure ? 'http' : 'https'}://${endpoint}`;
  const proxyEnv = readProxyEnvironment(env, report);
  const signing = chooseSigning(new URL(url), settings, env, report);
  return {
    url,
    headers: settings.headers,
    timeoutMs,
    compression: settings.compression,
    tls: settings,
    limits: { maxSpans: settings.maxRequestSpans, maxBytes: settings.maxRequestBytes },
    ...(proxyEnv && { proxyEnv }),
    ...(signing && { signing }),
    ...(fetchHeaders && { fetchHeaders }),
    report,
  };
}

function chooseSigning(
  url: URL,
  settings: Values<typeof otlpSettings>,
  env: ExportContext['env'],
  report: ExportContext['report'],
): SigningOptions | undefined {
  const aws = awsOtlpEndpoint(url);
  const { sigv4, sigv4Service, sigv4Region } = settings;
  if (sigv4 === 'false' || (sigv4 === 'auto' && aws === undefined)) return undefined;
  const region = sigv4Region ?? aws?.region ?? env.AWS_REGION;
  if (region === undefined) {
    report('requests cannot be signed: neither SPANSTRAP_OTLP_SIGV4_REGION nor AWS_REGION names a region');
    return undefined;
  }
  return { service: sigv4Service ?? aws?.service ?? 'xray', region, credentials: createCredentials(env) };
}
