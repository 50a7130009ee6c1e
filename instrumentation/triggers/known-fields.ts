// The fields at the top of events by which rows know theirs: an event with none of them is a plain payload, the most frequent of all.

import type { Loose } from './event-fields.ts';

/** Of each frequent or last row one that its events have. */
const fields = 'requestContext Records detail-type type source warmer'.split(' ');

/** The same of the rare rows, which also know events that are lists. */
const rareFields = (
  'Records requestContext eventSource info Execution Payload _datadog raw_path authorizationToken awslogs alarmArn ' +
  'deliveryStreamArn xAmzRequestId tasks triggerSource datasetName messageVersion bot Details session CodePipeline.job ' +
  'RequestType configRuleArn SecretId clickType deviceEvent protocolData'
).split(' ');

export function hasAny(event: Loose, names: readonly string[]): boolean {
  for (let which = 0; which < names.length; which++) if (event?.[names[which]!] !== undefined) return true;
  return false;
}

/** It may be the event of a rare row. */
export const mayBeRare = (event: Loose): boolean => Array.isArray(event) || hasAny(event, rareFields);

/** It may be the event of any row but `direct`, which knows all. */
export const mayBeKnown = (event: Loose): boolean => mayBeRare(event) || hasAny(event, fields);
