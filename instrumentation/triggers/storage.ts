// Amazon S3 event notifications.
// Source: Amazon S3 User Guide, "Event message structure".

import type { Attributes } from '@opentelemetry/api';
import { epochMsOfIso, type Loose, list, text } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { common } from './messaging.ts';
import { row } from './row.ts';
import { decodeKey } from './url-query.ts';

/** Bucket and key as the document they are. */
export function documentAttributes(bucket: string | undefined, key: unknown): Attributes {
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
