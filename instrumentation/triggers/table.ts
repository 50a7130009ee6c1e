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
import { mayBeKnown, mayBeRare } from './known-fields.ts';
import { loadBalancer } from './load-balancer.ts';
import { eventbridgeSns, sns } from './messaging-sns.ts';
import { eventbridgeSqs, snsSqs, sqs } from './messaging-sqs.ts';
import type { Reading, Row } from './row.ts';
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

/**
 * The first row that matches. The rare rows are asked for only when the event may be one of theirs, and a plain payload is known
 * by its fields alone: it is the most frequent event of all.
 */
export function findRow(event: Loose, reading: Reading, loadRareRows: () => readonly Row[]): Row {
  if (!mayBeKnown(event)) return direct;
  const frequent = firstOf(frequentRows, event, reading);
  if (frequent !== undefined) return frequent;
  const rare = mayBeRare(event) ? firstOf(loadRareRows(), event, reading) : undefined;
  return rare ?? firstOf(lastRows, event, reading) ?? direct;
}

function firstOf(rows: readonly Row[], event: Loose, reading: Reading): Row | undefined {
  for (let which = 0; which < rows.length; which++) if (rows[which]!.matches(event, reading)) return rows[which];
  return undefined;
}
