// How long it takes to say what an event comes from: measured in a process of its own, printed as JSON.

import { recogniseTrigger } from '../../instrumentation/triggers/recognition.ts';
import { readCorpus } from '../instrumentation/triggers/event-corpus.ts';
import { quantile } from './statistics.ts';

const WARM_UP_CALLS = 3000;
const COUNTED_CALLS = 1000;
const LARGE_CALLS = 30;
const LARGE_BYTES = 6_000_000;

const microseconds = (call: () => void): number => {
  const startedAt = performance.now();
  call();
  return (performance.now() - startedAt) * 1000;
};

const events = readCorpus().map(({ json }) => ({ event: JSON.parse(json) as unknown, eventBytes: json.length }));
for (let call = 0; call < WARM_UP_CALLS; call++) {
  for (const { event, eventBytes } of events) recogniseTrigger(event, undefined, { eventBytes });
}
const ordinaryUs = events.flatMap(({ event, eventBytes }) =>
  Array.from({ length: COUNTED_CALLS }, () => microseconds(() => recogniseTrigger(event, undefined, { eventBytes }))),
);

const record = (body: string): object => ({
  messageId: '059f36b4-87a3-44ab-83d2-661975830a7d',
  receiptHandle: 'AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a',
  body,
  attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1545082649183' },
  messageAttributes: {},
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:orders',
  awsRegion: 'eu-west-1',
});
const notification = JSON.stringify({ Type: 'Notification', Message: 'x'.repeat(40_000), MessageAttributes: {} });
const large: readonly object[] = [
  {
    rawPath: '/',
    requestContext: { http: { method: 'POST' } },
    version: '2.0',
    headers: {},
    body: 'x'.repeat(LARGE_BYTES),
  },
  { Records: Array.from({ length: LARGE_BYTES / notification.length }, () => record(notification)) },
  { data: Array.from({ length: 100_000 }, (_, number) => ({ number, text: 'x'.repeat(40) })) },
];
const largeUs = large.map((event) =>
  quantile(
    Array.from({ length: LARGE_CALLS }, () =>
      microseconds(() => recogniseTrigger(event, undefined, { eventBytes: LARGE_BYTES })),
    ),
    0.5,
  ),
);

process.stdout.write(JSON.stringify({ p99Us: quantile(ordinaryUs, 0.99), largeMs: Math.max(...largeUs) / 1000 }));
