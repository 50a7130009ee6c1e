// An HTTP request that is nothing more special. Names: OpenTelemetry semantic conventions, "HTTP client span".

import type { Attributes } from '@opentelemetry/api';
import { defaultTriggerOptions } from '../../triggers/trigger.ts';
import { redactUrl } from '../../triggers/url-query.ts';
import type { CallDescription, RequestFacts } from './request-facts.ts';

const CLIENT = 2;
const DEFAULT_PORTS = { http: 80, https: 443 } as const;
const { knownMethods, redactedQueryKeys } = defaultTriggerOptions;

export function describePlainRequest(facts: RequestFacts): CallDescription {
  const { method, scheme, host } = facts;
  const port = facts.port ?? DEFAULT_PORTS[scheme];
  const isKnown = knownMethods.includes(method);
  const attributes: Attributes = {
    'http.request.method': isKnown ? method : '_OTHER',
    'server.address': host,
    'server.port': port,
    'url.full': redactUrl(urlOf(facts), redactedQueryKeys),
  };
  if (!isKnown) attributes['http.request.method_original'] = method;
  return { name: isKnown ? method : 'HTTP', kind: CLIENT, attributes };
}

/** Bytes as `Content-Length` states them; undefined when it does not. */
export function sizeOf(contentLength: string | undefined): number | undefined {
  if (contentLength === undefined || !/^\d{1,15}$/.test(contentLength)) return undefined;
  return Number(contentLength);
}

function urlOf({ scheme, host, port, path }: RequestFacts): string {
  if (/^https?:\/\//i.test(path)) return path;
  const authority = host.includes(':') ? `[${host}]` : host;
  const suffix = port === undefined || port === DEFAULT_PORTS[scheme] ? '' : `:${port}`;
  return `${scheme}://${authority}${suffix}${path.startsWith('/') ? '' : '/'}${path}`;
}
