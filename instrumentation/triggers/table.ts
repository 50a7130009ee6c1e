// The event sources that a start bundle carries, in the order in which they are tried: rows that are more specific than others
// first, then the frequent ones. Sources that most functions never see follow in rare-table.ts; what all rows say of their
// events: docs/what-is-traced.md.

import {
  apiGatewayHttp,
  apiGatewayHttpPayload1,
  apiGatewayRest,
  apiGatewayWebsocket,
  functionUrl,
} from './api-gateway.ts';
import { apiGatewayAuthorizer } from './api-gateway-authorizer.ts';
import { direct, warmUp } from './direct.ts';
import type { Loose } from './event-fields.ts';
import { documentEvent, eventbridge, eventbridgeRule, eventbridgeScheduler, serviceEvent } from './eventbridge.ts';
import { loadBalancer } from './load-balancer.ts';
import { eventbridgeSns, sns } from './messaging-sns.ts';
import { eventbridgeSqs, snsSqs, sqs } from './messaging-sqs.ts';
import type { Row } from './row.ts';
import { s3 } from './storage.ts';
import { dynamodb, kinesis } from './streams.ts';

export const frequentRows: readonly Row[] = [
  // An authorizer sees the whole request, so it would pass for the request itself.
  apiGatewayAuthorizer,
  functionUrl,
  apiGatewayHttp,
  apiGatewayHttpPayload1,
  // Before REST: older WebSocket events also have a method and a resource.
  apiGatewayWebsocket,
  apiGatewayRest,
  loadBalancer,
  snsSqs,
  eventbridgeSqs,
  sqs,
  eventbridgeSns,
  sns,
  eventbridgeRule,
  eventbridgeScheduler,
  documentEvent,
  serviceEvent,
  eventbridge,
  s3,
  dynamodb,
  kinesis,
];

/** The last rows: what is left when nothing else matched. */
export const lastRows: readonly Row[] = [warmUp, direct];

/** Fields at the top of an event that make it worth looking at: of each frequent or last row one that its events have. */
const fields = 'requestContext Records detail-type type source warmer'.split(' ');

/** The same of the rare rows, which also know events that are lists. */
const rareFields = (
  'Records requestContext eventSource info Execution Payload _datadog raw_path authorizationToken awslogs alarmArn ' +
  'deliveryStreamArn xAmzRequestId tasks triggerSource datasetName messageVersion bot Details session CodePipeline.job ' +
  'RequestType configRuleArn SecretId clickType deviceEvent protocolData'
).split(' ');

function hasAny(event: Loose, names: readonly string[]): boolean {
  for (const name of names) if (event?.[name] !== undefined) return true;
  return false;
}

/**
 * The first row that matches. The rare rows are asked for only when the event may be one of theirs, and a plain payload is known
 * by its fields alone: it is the most frequent event of all.
 */
export function findRow(event: Loose, matches: (row: Row) => boolean, loadRareRows: () => readonly Row[]): Row {
  const mayBeRare = Array.isArray(event) || hasAny(event, rareFields);
  if (!mayBeRare && !hasAny(event, fields)) return direct;
  const row = frequentRows.find(matches) ?? (mayBeRare ? loadRareRows().find(matches) : undefined);
  return row ?? lastRows.find(matches) ?? direct;
}
