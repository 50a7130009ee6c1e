// What every OTLP exporter is told, whatever its transport; and what the transports make of it alike.

import type { SigningOptions } from '../aws/sigv4.ts';
import type { RequestLimits } from './requests.ts';
import type { TlsFiles } from './tls.ts';

export type OtlpHeaders = Readonly<Record<string, string>>;

export type OtlpExporterOptions = {
  /** Full URL of the traces endpoint; of gRPC scheme, host and port. */
  readonly url: string;
  readonly headers: OtlpHeaders;
  /** Time for one flush, all tries together. */
  readonly timeoutMs: number;
  readonly compression: 'gzip' | 'none';
  /** Node's own trust when absent. */
  readonly tls?: TlsFiles;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` as the environment has them. */
  readonly proxyEnv?: Readonly<Record<string, string>>;
  /** Present: requests are signed for AWS. */
  readonly signing?: SigningOptions;
  readonly limits?: RequestLimits;
  /** More headers, out of a secret: fetched before the first request, and again after a failure. */
  fetchHeaders?(): Promise<OtlpHeaders>;
  /** One line for the operator. */
  report?(message: string): void;
};

/** Limits of the OpenTelemetry Lambda extension in Rust, below those of every receiver known (gRPC: 4 MiB, X-Ray: 5 MB, 10 000 spans). */
export const DEFAULT_LIMITS: RequestLimits = { maxSpans: 1000, maxBytes: 4 * 1024 * 1024 };

/** The endpoint without what must not stand in a log. */
export const shownUrl = ({ protocol, host, pathname }: URL): string => `${protocol}//${host}${pathname}`;

/** Headers of the settings and, once fetched, those of the secret, which win. */
export function collectHeaders(options: OtlpExporterOptions): {
  readonly headers: () => OtlpHeaders;
  readonly prepare?: () => Promise<void>;
} {
  const { fetchHeaders } = options;
  let { headers } = options;
  if (fetchHeaders === undefined) return { headers: () => headers };
  return {
    headers: () => headers,
    async prepare() {
      headers = { ...options.headers, ...(await fetchHeaders()) };
    },
  };
}
