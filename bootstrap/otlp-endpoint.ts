// Where OTLP goes (OpenTelemetry specification, "OTLP exporter configuration").

import { awsOtlpEndpoint } from '../instrumentation/export/aws/endpoints.ts';
import type { Settings } from './settings/settings.ts';

/** `url` is complete but for a gRPC endpoint that is only `host:port`. `isXray`: it is X-Ray's own. */
export type OtlpEndpoint = { readonly url: string; readonly isXray: boolean };

/** The traces endpoint is used as it is; the common one gets the signal's path, if the protocol has paths. */
export function readOtlpEndpoint(
  { otlpTracesEndpoint, otlpEndpoint, exporters }: Settings,
  protocol: string,
  report: (message: string) => void,
): OtlpEndpoint | undefined {
  const isGrpc = protocol === 'grpc';
  // Asked for by name, it has the specification's default: the collector of another layer.
  const isNamed = exporters?.includes('otlp') === true;
  const common = otlpEndpoint ?? (isNamed ? `http://localhost:${isGrpc ? 4317 : 4318}` : undefined);
  const text = otlpTracesEndpoint ?? (isGrpc ? common : common && `${common.replace(/\/+$/, '')}/v1/traces`);
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') {
    return { url: url.href, isXray: awsOtlpEndpoint(url)?.service === 'xray' };
  }
  if (isGrpc && /^[^/@\s]+:\d+$/.test(text)) return { url: text, isXray: false };
  const shown = JSON.stringify(text.replace(/\/\/[^/]*@/, '//***@'));
  report(`the OTLP endpoint ${shown} is not an http or https URL: nothing is sent there`);
  return undefined;
}
