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
  const arn = invokedFunctionArn.split(':');
  const attributes: Attributes = {
    'faas.invocation_id': requestId,
    'faas.trigger': trigger.faasTrigger,
    'faas.coldstart': isColdStart,
    ...trigger.attributes,
  };
  if (arn.length >= 7) {
    // An alias is replaced by the version it stood for: `arn:aws:lambda:region:account:function:name[:qualifier]`.
    const resource = arn.length > 7 ? [...arn.slice(0, 7), functionVersion] : arn;
    attributes['cloud.resource_id'] = resource.join(':');
    attributes['aws.lambda.invoked_arn'] = invokedFunctionArn;
    attributes['cloud.account.id'] = arn[4]!;
  }
  if (tenantId) attributes['aws.lambda.tenant_id'] = tenantId;
  if (frozenMs > 0) attributes['lambda.frozen_ms'] = Math.round(frozenMs);
  if (parent === undefined && header?.parentId !== undefined) attributes['aws.xray.parent_id'] = header.parentId;
  return attributes;
}
