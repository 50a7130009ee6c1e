// Lambda authorizers of API Gateway. They see a request but do not answer it, so they carry no HTTP status.
// Source: API Gateway Developer Guide, "Use API Gateway Lambda authorizers".

import { text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
import { row } from './row.ts';

const hasType = shape('type');

/** Tested before all HTTP rows: a REQUEST authorizer's event has every field of the request it authorizes. */
export const apiGatewayAuthorizer = row(
  'api-gateway-authorizer',
  'other',
  (event) => hasType(event) && text(event?.methodArn ?? event?.routeArn) !== undefined,
  (event, reading) => ({
    attributes: pick(event, 'aws.api_gateway. authorizer_type=type method_arn=methodArn route_arn=routeArn'),
    carrier: new HeaderView(event?.headers, event?.multiValueHeaders, reading.mayEnumerate()),
  }),
);
