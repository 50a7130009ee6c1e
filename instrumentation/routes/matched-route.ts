// What the route is of an invocation: the function's code says it, or a router in the function has matched it, or the gateway has.

import type { Attributes, Span } from '@opentelemetry/api';

type NamedSpan = Span & { readonly name: string; readonly attributes: Attributes };

/** `{proxy+}`: of whatever is below it the gateway knows nothing. */
const CATCH_ALL = /\{[^}]*\+\}/;

/** Only of HTTP is the route the name. */
export function sayRoute(span: Pick<NamedSpan, 'attributes'> & Span, route: string): void {
  const { 'http.request.method': method } = span.attributes;
  span.setAttribute('http.route', route);
  if (typeof method === 'string') span.updateName(nameOf(method, route));
}

/** `route` is what a router has matched; `gateway` is what the event says, and stands unless it is a catch-all or nothing. */
export function adoptRoute(
  span: NamedSpan,
  route: string,
  gateway: { readonly spanName: string | undefined; readonly attributes: Attributes },
): void {
  const { 'http.request.method': method, 'http.route': present } = span.attributes;
  const given = gateway.attributes['http.route'];
  // What is there and does not come from the event, the function's own code has said.
  if (typeof method !== 'string' || present !== given) return;
  if (typeof given === 'string' && !CATCH_ALL.test(given)) return;
  span.setAttribute('http.route', route);
  if (span.name === gateway.spanName) span.updateName(nameOf(method, route));
}

const nameOf = (method: string, route: string): string => `${method === '_OTHER' ? 'HTTP' : method} ${route}`;
