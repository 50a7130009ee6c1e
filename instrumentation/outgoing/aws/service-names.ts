// What an AWS service is called: the id that its SDK client has, without spaces, as X-Ray's console and OpenTelemetry know it.

/** Names that are not spelt as their parts with a capital each. */
const SPELLINGS = (
  'ACM ApiGatewayManagementApi AppConfigData AppSync CloudFormation CloudFront CloudTrail CloudWatch CloudWatchEvents ' +
  'CloudWatchLogs CodeBuild CodeCommit CodeDeploy CodePipeline DAX DocDB DSQL DynamoDB DynamoDBStreams EC2 ECR ECS EFS EKS ' +
  'ElastiCache EMR EventBridge FSx GuardDuty IAM IoT IoTDataPlane IVS KMS MQ MSK MWAA QLDB QuickSight RAM RDS RDSData S3 ' +
  'S3Control S3Tables SageMaker SageMakerRuntime SES SESv2 SFN SNS SQS SSM SSO SSOOIDC STS SWF WAF WAFV2 XRay'
).split(' ');

const bySpelling = new Map(SPELLINGS.map((name) => [name.toLowerCase(), name]));

/** Names under which requests are signed, where they are not the service's own. */
const SIGNING_NAMES: Readonly<Record<string, string>> = {
  appconfig: 'AppConfigData',
  'cognito-idp': 'CognitoIdentityProvider',
  elasticloadbalancing: 'ElasticLoadBalancingV2',
  elasticmapreduce: 'EMR',
  events: 'EventBridge',
  iotdata: 'IoTDataPlane',
  logs: 'CloudWatchLogs',
  monitoring: 'CloudWatch',
  's3-outposts': 'S3',
  s3express: 'S3',
  secretsmanager: 'SecretsManager',
  states: 'SFN',
  tagging: 'ResourceGroupsTaggingAPI',
};

/** `cloudwatch-logs`, as a user agent has it, or any other spelling with dashes. */
export function serviceNameOf(id: string): string {
  const parts = id.toLowerCase().split(/[-_. ]/);
  const spelt = bySpelling.get(parts.join(''));
  return spelt ?? parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('');
}

/** From the name in a signature's scope and the host, which tells apart what signs alike. */
export function signedServiceName(signingName: string, host: string, path: string): string {
  const first = host.slice(0, Math.max(0, host.indexOf('.')));
  if (signingName === 'bedrock' && first.startsWith('bedrock-')) return serviceNameOf(first.replace(/-fips$/, ''));
  if (signingName === 'ses') return path.startsWith('/v2/') ? 'SESv2' : 'SES';
  return SIGNING_NAMES[signingName] ?? serviceNameOf(signingName);
}
