// Amazon S3: notifications, Object Lambda and Batch Operations.
// Source: Amazon S3 User Guide, "Event message structure", "Writing Lambda functions for S3 Object Lambda", "Invoke AWS Lambda function".

import type { Attributes } from '@opentelemetry/api';
import { arnStep, epochMsOfIso, isObject, type Loose, list, text } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { headerView } from './header-view.ts';
import { common } from './messaging.ts';
import { row } from './row.ts';
import { decodeKey, redactUrl } from './url-query.ts';

function documentAttributes(bucket: string | undefined, key: unknown): Attributes {
  const name = decodeKey(text(key));
  return defined({
    'faas.document.collection': bucket,
    'faas.document.name': name,
    'aws.s3.bucket': bucket,
    'aws.s3.key': name,
  });
}

function operationOf(record: Loose): string | undefined {
  const name = text(record?.eventName) ?? '';
  if (name.startsWith('ObjectCreated')) return 'insert';
  if (/^(ObjectRemoved|LifecycleExpiration)/.test(name)) return 'delete';
  return /^Object(Tagging|Acl)/.test(name) ? 'edit' : undefined;
}

export const s3 = row('s3', 'datasource', shape('Records.0.s3{}'), (event) => {
  const records = list(event?.Records);
  const only = records.length === 1 ? records[0] : undefined;
  const bucket = common(records, (record) => text(record?.s3?.bucket?.name));
  return {
    attributes: pick(
      only,
      'faas.document.time=eventTime aws.s3. event_name=eventName request_id=responseElements.x-amz-request-id',
      defined({
        ...documentAttributes(bucket, only?.s3?.object?.key),
        'faas.document.operation': common(records, operationOf),
      }),
    ),
    sentEpochMs: epochMsOfIso(records[0]?.eventTime),
  };
});

const hasRequestId = shape('xAmzRequestId');

export const s3ObjectLambda = row(
  's3-object-lambda',
  'datasource',
  (event) =>
    hasRequestId(event) && isObject(event?.getObjectContext ?? event?.headObjectContext ?? event?.listObjectsContext),
  (event, { options, mayEnumerate }) => {
    const request = event?.userRequest;
    const url = text(request?.url);
    return {
      attributes: pick(
        event,
        'aws.s3_object_lambda. access_point.arn=configuration.accessPointArn request_id=xAmzRequestId',
        defined({ 'url.full': url && redactUrl(url, options.redactedQueryKeys) }),
      ),
      carrier: headerView(request?.headers, undefined, mayEnumerate()),
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
