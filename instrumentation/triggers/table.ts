// Every event source that is recognised, in the order in which it is tried: rows that are more specific than others first, then
// the frequent ones. Each row's shape, attributes and place of context: docs/what-is-traced.md.

import {
  apiGatewayHttp,
  apiGatewayHttpPayload1,
  apiGatewayRest,
  apiGatewayWebsocket,
  functionUrl,
} from './api-gateway.ts';
import { appsync } from './appsync.ts';
import { apiGatewayAuthorizer, appsyncAuthorizer } from './authorizers.ts';
import { activemq, rabbitmq } from './brokers.ts';
import { cloudfront } from './cloudfront.ts';
import { cloudwatchAlarm, cloudwatchLogs } from './cloudwatch.ts';
import { cognitoSync, cognitoUserPool } from './cognito.ts';
import { alexa, bedrockAgent, connect, lexV1, lexV2 } from './conversation.ts';
import { direct, warmUp } from './direct.ts';
import { documentdb } from './documentdb.ts';
import { documentEvent, eventbridge, eventbridgeRule, eventbridgeScheduler, serviceEvent } from './eventbridge.ts';
import { firehose } from './firehose.ts';
import { iotAuthorizer, iotButton, iotOneClick } from './iot.ts';
import { msk, selfManagedKafka } from './kafka.ts';
import { latticeV1, latticeV2 } from './lattice.ts';
import { loadBalancer } from './load-balancer.ts';
import { ses } from './mail.ts';
import { eventbridgeSns, sns } from './messaging-sns.ts';
import { eventbridgeSqs, snsSqs, sqs } from './messaging-sqs.ts';
import { cloudformation, codecommit, codepipeline, configRule, secretsManager } from './operations.ts';
import type { Row } from './row.ts';
import { stepFunctions } from './step-functions.ts';
import { s3, s3Batch, s3ObjectLambda } from './storage.ts';
import { dynamodb, kinesis } from './streams.ts';
import { lambdaDestination, pipes } from './wrapped.ts';

export const triggerTable: readonly Row[] = [
  // An authorizer sees the whole request, so it would pass for the request itself.
  apiGatewayAuthorizer,
  functionUrl,
  apiGatewayHttp,
  apiGatewayHttpPayload1,
  // Before REST: older WebSocket events also have a method and a resource.
  apiGatewayWebsocket,
  apiGatewayRest,
  loadBalancer,
  pipes,
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
  msk,
  selfManagedKafka,
  appsync,
  stepFunctions,
  lambdaDestination,
  latticeV2,
  latticeV1,
  cloudfront,
  appsyncAuthorizer,
  cloudwatchLogs,
  cloudwatchAlarm,
  firehose,
  activemq,
  rabbitmq,
  documentdb,
  ses,
  codecommit,
  s3ObjectLambda,
  s3Batch,
  cognitoUserPool,
  cognitoSync,
  bedrockAgent,
  lexV1,
  lexV2,
  connect,
  alexa,
  codepipeline,
  cloudformation,
  configRule,
  secretsManager,
  iotButton,
  iotOneClick,
  iotAuthorizer,
  warmUp,
  direct,
];
