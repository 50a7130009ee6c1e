// Amazon CloudFront events (Lambda@Edge shape).
// Source: CloudFront Developer Guide, "Lambda@Edge event structure".

import { pick, shape } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
import { describeHttp } from './http-request.ts';
import { row } from './row.ts';

export const cloudfront = row('cloudfront', 'http', shape('Records.0.cf{}'), (event, reading) => {
  const cf = event?.Records?.[0]?.cf;
  const request = cf?.request;
  const headers = new HeaderView(request?.headers, undefined, reading.mayEnumerate(request?.body?.data));
  return describeHttp(request, reading, {
    method: request?.method,
    path: request?.uri,
    query: request?.querystring,
    headers,
    scheme: headers.get('cloudfront-forwarded-proto') === 'http' ? 'http' : 'https',
    client: { sourceIp: request?.clientIp },
    statusField: 'status',
    own: pick(cf?.config, 'aws.cloudfront. distribution_id=distributionId event_type=eventType request_id=requestId'),
  });
});
