// Lambda authorizers of API Gateway and AppSync. They see a request but do not answer it, so they carry no HTTP status.
// Source: API Gateway Developer Guide, "Use API Gateway Lambda authorizers"; AppSync Developer Guide, "AWS_LAMBDA authorization".

import { text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { headerView } from './header-view.ts';
import { row } from './row.ts';

const hasType = shape('type');

/** Tested before all HTTP rows: a REQUEST authorizer's event has every field of the request it authorizes. */
export const apiGatewayAuthorizer = row(
  'api-gateway-authorizer',
  'other',
  (event) => hasType(event) && text(event?.methodArn ?? event?.routeArn) !== undefined,
  (event, { mayEnumerate }) => ({
    attributes: pick(event, 'aws.api_gateway. authorizer_type=type method_arn=methodArn route_arn=routeArn'),
    carrier: headerView(event?.headers, event?.multiValueHeaders, mayEnumerate()),
  }),
);

export const appsyncAuthorizer = row(
  'appsync-authorizer',
  'other',
  shape('authorizationToken&requestContext.apiId'),
  (event, { mayEnumerate }) => ({ carrier: headerView(event?.requestHeaders, undefined, mayEnumerate()) }),
);
