// Functions that work on S3 objects for S3 itself: Object Lambda and Batch Operations.
// Source: Amazon S3 User Guide, "Writing Lambda functions for S3 Object Lambda access points", "Invoke AWS Lambda function".

import { arnStep, isObject, list, text } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { HeaderView } from './header-view.ts';
import { common } from './messaging.ts';
import { row } from './row.ts';
import { documentAttributes } from './storage.ts';
import { redactUrl } from './url-query.ts';

const hasRequestId = shape('xAmzRequestId');

export const s3ObjectLambda = row(
  's3-object-lambda',
  'datasource',
  (event) =>
    hasRequestId(event) && isObject(event?.getObjectContext ?? event?.headObjectContext ?? event?.listObjectsContext),
  (event, reading) => {
    const request = event?.userRequest;
    const url = text(request?.url);
    return {
      attributes: pick(
        event,
        'aws.s3_object_lambda. access_point.arn=configuration.accessPointArn request_id=xAmzRequestId',
        defined({ 'url.full': url && redactUrl(url, reading.options.redactedQueryKeys) }),
      ),
      carrier: new HeaderView(request?.headers, undefined, reading.mayEnumerate()),
    };
  },
);

export const s3Batch = row('s3-batch', 'datasource', shape('tasks[]&job.id&invocationSchemaVersion'), (event) => {
  const tasks = list(event?.tasks);
  const only = tasks.length === 1 ? tasks[0] : undefined;
  // Schema 1.0 names the bucket by ARN, 2.0 by name.
  const bucket = common(tasks, (task) => text(task?.s3Bucket) ?? arnStep(task?.s3BucketArn, 0));
  return {
    attributes: pick(event, 'aws.s3_batch. job_id=job.id', {
      ...documentAttributes(bucket, only?.s3Key),
      ...pick(only, 'aws.s3_batch. task_id=taskId'),
    }),
  };
});
