// Amazon API Gateway (REST, HTTP API in both payload formats, WebSocket) and Lambda function URLs.
// Source: Lambda Developer Guide, "Invoking a Lambda function using an Amazon API Gateway endpoint", "Invoking function URLs";
// API Gateway Developer Guide, "$context variables for WebSocket APIs".

import type { Attributes } from '@opentelemetry/api';
import { integer, type Loose, list, text } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
import { clientAttributes, describeHttp } from './http-request.ts';
import { functionUrlStatus, httpApiStatus, httpResultRule, restStatus, type StatusRule } from './http-result.ts';
import { type Description, type Reading, row } from './row.ts';
import { queryOf } from './url-query.ts';

function gatewayAttributes(requestContext: Loose): Attributes {
  return pick(
    requestContext,
    'aws.api_gateway. api_id=apiId stage request_id=requestId extended_request_id=extendedRequestId',
  );
}

/** `cookies` stands beside the headers in payload 2.0; it is their `cookie` header, put together only for those who capture it. */
function headersWithCookies(event: Loose, reading: Reading) {
  const isCaptured = reading.options.requestHeaders.includes('cookie');
  const cookies = isCaptured ? list(event?.cookies).slice(0, 128).filter(text).join('; ') : '';
  const asHeader = cookies === '' ? undefined : ({ cookie: cookies } as unknown as Loose);
  return new HeaderView(event?.headers, asHeader, reading.mayEnumerate(event?.body));
}

function describePayload2(event: Loose, reading: Reading, statusRule: StatusRule): Description {
  const requestContext = event?.requestContext;
  const http = requestContext?.http;
  return describeHttp(event, reading, {
    method: http?.method,
    path: http?.path ?? event?.rawPath,
    query: event?.rawQueryString,
    // `GET /orders/{id}`; `$default` has no path.
    route: text(requestContext?.routeKey ?? event?.routeKey)?.split(' ', 2)[1],
    headers: headersWithCookies(event, reading),
    protocol: http?.protocol,
    client: http,
    host: requestContext?.domainName,
    sentEpochMs: integer(requestContext?.timeEpoch),
    statusRule,
    own: gatewayAttributes(requestContext),
  });
}

function describePayload1(event: Loose, reading: Reading, statusRule: StatusRule): Description {
  const requestContext = event?.requestContext;
  return describeHttp(event, reading, {
    method: event?.httpMethod,
    path: event?.path,
    query:
      reading.mayEnumerate(event?.body) &&
      queryOf(event?.multiValueQueryStringParameters ?? event?.queryStringParameters, false),
    route: event?.resource ?? requestContext?.resourcePath,
    protocol: requestContext?.protocol,
    client: requestContext?.identity,
    host: requestContext?.domainName,
    sentEpochMs: integer(requestContext?.requestTimeEpoch),
    statusRule,
    own: gatewayAttributes(requestContext),
  });
}

const isPayload2 = shape('requestContext.http{}&requestContext.domainName');

export const functionUrl = row(
  'function-url',
  'http',
  (event) => isPayload2(event) && text(event?.requestContext?.domainName)?.includes('lambda-url') === true,
  (event, reading) => describePayload2(event, reading, functionUrlStatus),
);

export const apiGatewayHttp = row(
  'api-gateway-http',
  'http',
  shape('version=2.0&rawQueryString&requestContext.http{}'),
  (event, reading) => describePayload2(event, reading, httpApiStatus),
);

export const apiGatewayHttpPayload1 = row(
  'api-gateway-http-v1',
  'http',
  shape('version=1.0&requestContext.resourcePath&httpMethod'),
  (event, reading) => describePayload1(event, reading, httpApiStatus),
);

export const apiGatewayRest = row(
  'api-gateway-rest',
  'http',
  shape('requestContext.stage&httpMethod&resource'),
  (event, reading) => describePayload1(event, reading, restStatus),
);

/** Only CONNECT is an HTTP request; a message has no method, no path and mostly no headers. */
export const apiGatewayWebsocket = row(
  'api-gateway-websocket',
  'http',
  shape('requestContext.messageDirection'),
  (event, reading) => {
    const requestContext = event?.requestContext;
    const headers = new HeaderView(event?.headers, event?.multiValueHeaders, reading.mayEnumerate(event?.body));
    const isConnect = text(requestContext?.eventType) === 'CONNECT';
    const routeKey = text(requestContext?.routeKey);
    return {
      spanName: routeKey && `WS ${routeKey}`,
      attributes: pick(
        requestContext,
        'server.address=domainName aws.api_gateway. route_key=routeKey event_type=eventType connection_id=connectionId',
        defined({
          'http.request.method': isConnect ? 'GET' : undefined,
          'url.scheme': 'wss',
          'network.protocol.name': 'websocket',
          ...clientAttributes(headers, requestContext?.identity),
          ...gatewayAttributes(requestContext),
        }),
      ),
      carrier: isConnect ? headers : undefined,
      sentEpochMs: integer(requestContext?.requestTimeEpoch),
      resultRule: httpResultRule(isConnect ? restStatus : undefined),
    };
  },
);
