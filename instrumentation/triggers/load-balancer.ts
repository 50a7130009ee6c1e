// Application Load Balancers with Lambda targets, with single-value or multi-value headers.
// Source: Elastic Load Balancing, "Use Lambda functions as targets of an Application Load Balancer".

import { pick, shape } from './field-specs.ts';
import { describeHttp } from './http-request.ts';
import { loadBalancerStatus } from './http-result.ts';
import { row } from './row.ts';
import { queryOf } from './url-query.ts';

export const loadBalancer = row('alb', 'http', shape('requestContext.elb.targetGroupArn'), (event, reading) =>
  describeHttp(event, reading, {
    method: event?.httpMethod,
    path: event?.path,
    query:
      reading.mayEnumerate(event?.body) &&
      queryOf(event?.multiValueQueryStringParameters ?? event?.queryStringParameters, true),
    scheme: 'http',
    statusRule: loadBalancerStatus,
    own: pick(event, 'alb.target_group_arn=requestContext.elb.targetGroupArn'),
  }),
);
