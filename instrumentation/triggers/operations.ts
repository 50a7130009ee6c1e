// Sources that run a function as a step of operating AWS itself: CodePipeline, CodeCommit, CloudFormation, Config, Secrets Manager.
// Source: the chapters on Lambda of the services' user guides.

import { arnStep, text } from './event-fields.ts';
import { defined, pick, shape } from './field-specs.ts';
import { row } from './row.ts';

const JOB = 'CodePipeline.job';

export const codepipeline = row(
  'codepipeline',
  'other',
  (event) => text(event?.[JOB]?.id) !== undefined,
  (event) => ({ attributes: pick(event?.[JOB], 'aws.codepipeline. job.id=id account_id=accountId') }),
);

export const codecommit = row(
  'codecommit',
  'datasource',
  shape('Records.0.eventSource=aws:codecommit&Records.0.codecommit{}'),
  (event) => {
    const record = event?.Records?.[0];
    const reference = record?.codecommit?.references?.[0];
    return {
      attributes: pick(
        record,
        'faas.document. name=codecommit.references.0.ref time=eventTime aws.codecommit. ref=codecommit.references.0.ref',
        defined({
          'faas.document.collection': arnStep(record?.eventSourceARN, 0),
          'faas.document.operation': reference?.created ? 'insert' : reference?.deleted ? 'delete' : 'edit',
        }),
      ),
    };
  },
);

export const cloudformation = row(
  'cloudformation',
  'other',
  shape('RequestType&StackId&LogicalResourceId'),
  (event) => ({
    spanName: `cfn ${text(event?.RequestType)}`,
    attributes: pick(
      event,
      'aws.cloudformation. request_type=RequestType stack_id=StackId logical_resource_id=LogicalResourceId resource_type=ResourceType',
    ),
  }),
);

export const configRule = row('config', 'other', shape('configRuleArn&invokingEvent'), (event) => ({
  attributes: pick(event, 'aws.config.rule. arn=configRuleArn name=configRuleName'),
}));

export const secretsManager = row('secrets-manager', 'other', shape('Step&SecretId&ClientRequestToken'), (event) => ({
  attributes: pick(event, 'aws.secretsmanager. secret.arn=SecretId rotation.step=Step'),
}));
