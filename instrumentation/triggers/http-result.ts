// The HTTP status of a handler's result, by the rules of the service that sends it on.
// Source: API Gateway Developer Guide, "Output format of a Lambda function for proxy integration" and "Payload format version";
// Elastic Load Balancing, "Respond to the load balancer"; Lambda Developer Guide, "Response payload format" of function URLs.

import type { Attributes } from '@opentelemetry/api';
import { bodyBytes, integer, isObject, type Loose } from './event-fields.ts';
import { put, putAll } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
import type { ResultRule } from './trigger.ts';

/** Gives the status of a result that names none (or no valid one); undefined when the service's answer is not known. */
export type StatusRule = (result: Loose, isNothing: boolean) => number | undefined;

/** REST takes objects only; what it makes of one without a status is not documented. */
export const restStatus: StatusRule = (result) => (isObject(result) ? undefined : 502);

/** A load balancer takes nothing but an object with a status. */
export const loadBalancerStatus: StatusRule = () => 502;

/** Payload 2.0: any JSON without a status is the body of a 200. */
export const httpApiStatus: StatusRule = (result, isNothing) =>
  isNothing ? 502 : result?.statusCode === undefined ? 200 : undefined;

/** As payload 2.0, but what a URL answers when there is no result is not documented. */
export const functionUrlStatus: StatusRule = (result, isNothing) =>
  isNothing ? undefined : httpApiStatus(result, isNothing);

/** A status as number or as the digits that API Gateway turns into one. */
function statusOf(value: unknown): number | undefined {
  const status = typeof value === 'string' ? (integer(value) ?? 0) : (value as number);
  return Number.isInteger(status) && status > 99 && status < 600 ? status : undefined;
}

/** The rule of an HTTP source whose results name their status in `field`; without a `statusRule` only such a status counts. */
export function httpResultRule(statusRule?: StatusRule, field = 'statusCode'): ResultRule {
  return (value, isStreamed, options) => {
    const result = value as Loose;
    const named = statusOf(result?.[field]);
    // JSON has no undefined: services receive null for either.
    const isNothing = (result as unknown) === undefined || result === null;
    const inferred = isStreamed ? 200 : statusRule?.(result, isNothing);
    const status = named ?? (options.infersHttpStatus ? inferred : undefined);
    const attributes: Attributes = {};
    put(attributes, 'http.response.status_code', status);
    if (options.semconvOptIn.includes('http/dup')) put(attributes, 'http.status_code', status);
    if (options.capturesBodySizes && !isStreamed) {
      const body: unknown = isObject(result) ? result?.body : result;
      put(attributes, 'http.response.body.size', bodyBytes(body, result?.isBase64Encoded));
    }
    if (options.responseHeaders.length > 0) {
      const headers = new HeaderView(result?.headers, result?.multiValueHeaders, true);
      putAll(attributes, headers.captured('response', options.responseHeaders));
    }
    return {
      attributes,
      errorType: status && status > 499 ? String(status) : undefined,
    };
  };
}
