// Amazon VPC Lattice, event structure versions 1 and 2.
// Source: VPC Lattice User Guide, "Lambda functions as targets in VPC Lattice", "Receive events from the VPC Lattice service".

import { integer, type Loose, text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { describeHttp } from './http-request.ts';
import { type Description, type Reading, row } from './row.ts';
import { queryOf } from './url-query.ts';

function describeLattice(event: Loose, reading: Reading): Description {
  const requestContext = event?.requestContext;
  // The path comes with the query as the client sent it; the parameters beside it are only a second choice.
  const [path, query] = text(event?.raw_path ?? event?.path)?.split('?', 2) ?? [];
  return describeHttp(event, reading, {
    method: event?.method,
    path,
    query:
      query ??
      (reading.mayEnumerate(event?.body) &&
        queryOf(event?.queryStringParameters ?? event?.query_string_parameters, false)),
    // Microseconds, as digits.
    sentEpochMs: integer(text(requestContext?.timeEpoch)?.slice(0, -3)),
    own: pick(
      requestContext,
      'aws.vpc_lattice. service_network_arn=serviceNetworkArn service_arn=serviceArn target_group_arn=targetGroupArn',
    ),
  });
}

export const latticeV2 = row(
  'vpc-lattice-v2',
  'http',
  shape('version=2.0&requestContext.serviceNetworkArn'),
  describeLattice,
);

export const latticeV1 = row(
  'vpc-lattice-v1',
  'http',
  (event) => typeof event?.raw_path === 'string' && event?.is_base64_encoded !== undefined,
  describeLattice,
);
