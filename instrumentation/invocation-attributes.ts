// What the SERVER span says of its invocation, whatever triggered it. Names of OpenTelemetry's semantic conventions, "FaaS" and
// "AWS Lambda".

import type { Attributes } from '@opentelemetry/api';
import type { Invocation } from '../runtime/lifecycle.ts';
import type { Parentage } from './parent.ts';
import type { Trigger } from './triggers/trigger.ts';

export type InvocationFacts = {
  readonly isColdStart: boolean;
  readonly functionVersion: string;
  /** How long the process had been frozen before, milliseconds; 0: it was not. */
  readonly frozenMs: number;
};

export function describeInvocation(
  invocation: Invocation,
  trigger: Trigger,
  { parent, header }: Pick<Parentage, 'parent' | 'header'>,
  { isColdStart, functionVersion, frozenMs }: InvocationFacts,
): Attributes {
  const { invokedFunctionArn, requestId, tenantId } = invocation;
  const attributes: Attributes = {
    'faas.invocation_id': requestId,
    'faas.trigger': trigger.faasTrigger,
    'faas.coldstart': isColdStart,
    ...trigger.attributes,
  };
  const callee = calleeOf(invokedFunctionArn, functionVersion);
  if (callee.accountId !== undefined) {
    attributes['cloud.resource_id'] = callee.resourceId;
    attributes['aws.lambda.invoked_arn'] = invokedFunctionArn;
    attributes['cloud.account.id'] = callee.accountId;
  }
  if (tenantId) attributes['aws.lambda.tenant_id'] = tenantId;
  if (frozenMs > 0) attributes['lambda.frozen_ms'] = Math.round(frozenMs);
  if (parent === undefined && header?.parentId !== undefined) attributes['aws.xray.parent_id'] = header.parentId;
  return attributes;
}

type Callee = {
  readonly arn: string;
  readonly functionVersion: string;
  readonly resourceId?: string;
  readonly accountId?: string;
};

/** Of the invocation before: most are invoked by the same name. */
let latest: Callee = { arn: '', functionVersion: '' };

/** `arn:aws:lambda:region:account:function:name[:qualifier]`; an alias is replaced by the version it stood for. */
function calleeOf(arn: string, functionVersion: string): Callee {
  if (latest.arn === arn && latest.functionVersion === functionVersion) return latest;
  const parts = arn.split(':');
  const resource = parts.length > 7 ? [...parts.slice(0, 7), functionVersion] : parts;
  latest =
    parts.length < 7
      ? { arn, functionVersion }
      : { arn, functionVersion, resourceId: resource.join(':'), accountId: parts[4]! };
  return latest;
}
