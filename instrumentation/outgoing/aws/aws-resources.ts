// The attributes that name what an AWS call works on, from a few of its parameters: names as OpenTelemetry's semantic conventions
// have them, "AWS SDK", "Messaging", "FaaS" and "Generative AI".

import type { Attributes } from '@opentelemetry/api';

/** Parameters by their names in the API; only texts matter here. */
export type Parameters = Readonly<Record<string, string | undefined>>;

/** Everything that is looked for in a body. */
export const BODY_NAMES = [
  'TableName',
  'QueueUrl',
  'TopicArn',
  'TargetArn',
  'FunctionName',
  'StreamName',
  'StreamARN',
  'SecretId',
  'stateMachineArn',
  'StateMachineArn',
] as const;

const PRODUCING = new Set([
  'SQS.SendMessage',
  'SQS.SendMessageBatch',
  'SNS.Publish',
  'SNS.PublishBatch',
  'EventBridge.PutEvents',
  'Kinesis.PutRecord',
  'Kinesis.PutRecords',
]);

/** Whether the call hands messages over, which makes its span a PRODUCER. */
export const isProducing = (service: string, operation: string): boolean => PRODUCING.has(`${service}.${operation}`);

const SQS_TYPES: Readonly<Record<string, string>> = {
  SendMessage: 'send',
  SendMessageBatch: 'send',
  ReceiveMessage: 'receive',
  DeleteMessage: 'settle',
  DeleteMessageBatch: 'settle',
};

const lastOf = (text: string, separator: string): string => text.slice(text.lastIndexOf(separator) + 1);

type Describe = (parameters: Parameters, operation: string | undefined, region: string | undefined) => Attributes;

const DESCRIBERS: Readonly<Record<string, Describe>> = {
  DynamoDB(parameters, operation) {
    const { TableName } = parameters;
    return {
      'db.system.name': 'aws.dynamodb',
      'db.operation.name': operation,
      // Also given as an ARN.
      'aws.dynamodb.table_names': TableName === undefined ? undefined : [lastOf(TableName, '/')],
    };
  },
  SQS({ QueueUrl }, operation = '') {
    return {
      'messaging.system': 'aws_sqs',
      'messaging.operation.type': SQS_TYPES[operation],
      'messaging.operation.name': SQS_TYPES[operation],
      'messaging.destination.name': QueueUrl && lastOf(QueueUrl, '/'),
      'aws.sqs.queue.url': QueueUrl,
    };
  },
  SNS({ TopicArn, TargetArn }, operation = '') {
    const arn = TopicArn ?? TargetArn;
    const sends = operation.startsWith('Publish');
    return {
      'messaging.system': 'aws.sns',
      'messaging.operation.type': sends ? 'send' : undefined,
      'messaging.operation.name': sends ? 'send' : undefined,
      'messaging.destination.name': arn && lastOf(arn, ':'),
      'aws.sns.topic.arn': arn,
    };
  },
  Lambda({ FunctionName }, operation = '', region) {
    if (!operation.startsWith('Invoke')) return { 'aws.lambda.function.name': FunctionName };
    return {
      'faas.invoked_name': FunctionName && functionNameOf(FunctionName),
      'faas.invoked_provider': 'aws',
      'faas.invoked_region': region,
    };
  },
  EventBridge: (_parameters, operation) => ({
    'messaging.system': 'aws.eventbridge',
    'messaging.operation.type': operation === 'PutEvents' ? 'send' : undefined,
    'messaging.operation.name': operation === 'PutEvents' ? 'send' : undefined,
  }),
  Kinesis({ StreamName, StreamARN }, operation = '') {
    const name = StreamName ?? (StreamARN && lastOf(StreamARN, '/'));
    return {
      'messaging.system': 'aws.kinesis',
      'messaging.operation.type': operation.startsWith('PutRecord') ? 'send' : undefined,
      'messaging.operation.name': operation.startsWith('PutRecord') ? 'send' : undefined,
      'messaging.destination.name': name,
      'aws.kinesis.stream_name': name,
    };
  },
  SecretsManager: ({ SecretId }) => ({
    'aws.secretsmanager.secret.arn': SecretId?.startsWith('arn:') ? SecretId : undefined,
  }),
  SFN: ({ stateMachineArn, StateMachineArn }) => ({
    'aws.step_functions.state_machine.arn': stateMachineArn ?? StateMachineArn,
  }),
  S3: ({ Bucket, Key }) => ({ 'aws.s3.bucket': Bucket, 'aws.s3.key': Key }),
  BedrockRuntime: ({ modelId }) => ({ 'gen_ai.provider.name': 'aws.bedrock', 'gen_ai.request.model': modelId }),
};

/** `name`, `account:name`, `name:alias` or an ARN. */
function functionNameOf(id: string): string {
  const parts = id.split(':');
  if (parts[0] === 'arn') return parts[6] ?? id;
  return parts.length > 1 && /^\d{12}$/.test(parts[0]!) ? parts[parts.indexOf('function') + 1 || 1]! : parts[0]!;
}

export function describeResource(
  service: string,
  operation: string | undefined,
  region: string | undefined,
  parameters: Parameters,
): Attributes {
  const attributes = DESCRIBERS[service]?.(parameters, operation, region) ?? {};
  for (const key in attributes) if (attributes[key] === undefined) delete attributes[key];
  return attributes;
}
