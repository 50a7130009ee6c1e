// Amazon DocumentDB change streams.
// Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DocumentDB".

import { epochMsOfSeconds, isoTime, list, text, translate } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { common, MAX_SURVEYED } from './messaging.ts';
import { row } from './row.ts';

const operations = { insert: 'insert', update: 'edit', replace: 'edit', delete: 'delete' };

export const documentdb = row('documentdb', 'datasource', shape('eventSource=aws:docdb&events[]'), (event) => {
  const events = list(event?.events);
  const changes = events.slice(0, MAX_SURVEYED + 1).map((item) => item?.event);
  const only = events.length === 1 ? changes[0] : undefined;
  const sentEpochMs = epochMsOfSeconds(changes[0]?.clusterTime?.$timestamp?.t);
  const database = common(changes, (change) => text(change?.ns?.db));
  const collection = common(changes, (change) => text(change?.ns?.coll));
  return {
    attributes: pick(
      only,
      'faas.document.name=documentKey._id.$oid',
      defined({
        // MongoDB's own notation, `shop.orders`.
        'faas.document.collection': database && collection ? `${database}.${collection}` : database,
        'faas.document.operation': common(changes, (change) => translate(operations, change?.operationType)),
        'faas.document.time': only ? isoTime(sentEpochMs) : undefined,
        'lambda.batch_size': events.length,
      }),
    ),
    sentEpochMs,
  };
});
