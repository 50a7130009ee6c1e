// The event sources that most functions never see, in the order in which they are tried after those of table.ts. A bundle of its
// own can hold them: `createRecogniser` asks for them when an event may be one of theirs.

import { appsync, appsyncAuthorizer } from './appsync.ts';
import { activemq, rabbitmq } from './brokers.ts';
import { cloudfront } from './cloudfront.ts';
import { cloudwatchAlarm, cloudwatchLogs } from './cloudwatch.ts';
import { cognitoSync, cognitoUserPool } from './cognito.ts';
import { alexa, bedrockAgent, connect, lexV1, lexV2 } from './conversation.ts';
import { documentdb } from './documentdb.ts';
import { firehose } from './firehose.ts';
import { iotAuthorizer, iotButton, iotOneClick } from './iot.ts';
import { msk, selfManagedKafka } from './kafka.ts';
import { latticeV1, latticeV2 } from './lattice.ts';
import { ses } from './mail.ts';
import { cloudformation, codecommit, codepipeline, configRule, secretsManager } from './operations.ts';
import type { Row } from './row.ts';
import { stepFunctions } from './step-functions.ts';
import { s3Batch, s3ObjectLambda } from './storage-operations.ts';
import { lambdaDestination, pipes } from './wrapped.ts';

export const rareRows: readonly Row[] = [
  msk,
  selfManagedKafka,
  appsync,
  stepFunctions,
  pipes,
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
];
