// AWS AppSync: direct Lambda resolvers, one context or a batch of them, and authorizers.
// Source: AppSync Developer Guide, "AWS Lambda resolvers", "Resolver mapping template context reference",
// "AWS_LAMBDA authorization".

import { type Loose, text, translate } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
import { clientAttributes } from './http-request.ts';
import { row } from './row.ts';

/** Only the three root types are operations; a resolver of any other type's field belongs to the query above it. */
const operations = { Query: 'query', Mutation: 'mutation', Subscription: 'subscription' };

const hasSelection = shape('info.selectionSetGraphQL');
const hasField = shape('info.fieldName&arguments{}');

function resolverOf(event: Loose): Loose {
  return Array.isArray(event) ? event[0] : event;
}

export const appsync = row(
  'appsync',
  'http',
  (event) => hasSelection(resolverOf(event)) || hasField(resolverOf(event)),
  (event, reading) => {
    const { info, request } = resolverOf(event) ?? {};
    const field = text(info?.fieldName);
    const parentType = text(info?.parentTypeName);
    const headers = new HeaderView(request?.headers, undefined, reading.mayEnumerate());
    return {
      spanName: field && parentType && `${parentType}.${field}`,
      attributes: pick(
        info,
        'aws.appsync. parent_type=parentTypeName field_name=fieldName',
        defined({
          'graphql.operation.type': translate(operations, parentType),
          'aws.appsync.batch_size': Array.isArray(event) ? event.length : undefined,
          ...clientAttributes(headers),
        }),
      ),
      carrier: headers,
    };
  },
);

export const appsyncAuthorizer = row(
  'appsync-authorizer',
  'other',
  shape('authorizationToken&requestContext.apiId'),
  (event, reading) => ({ carrier: new HeaderView(event?.requestHeaders, undefined, reading.mayEnumerate()) }),
);
