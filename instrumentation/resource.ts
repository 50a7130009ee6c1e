// The resource: what all spans of this environment share. Names of OpenTelemetry's semantic conventions, "Resource" and
// "FaaS"; the detectors of the SDK are not used because they know nothing of a custom runtime and load `os` and `crypto`.

import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

export type ResourceFacts = {
  readonly functionName: string | undefined;
  readonly functionVersion: string | undefined;
  readonly memoryMb: number | undefined;
  readonly region: string | undefined;
  readonly logGroupName: string | undefined;
  readonly logStreamName: string | undefined;
  readonly nodeVersion: string;
  readonly distroVersion: string;
  readonly sdkVersion: string;
  /** `OTEL_SERVICE_NAME`; the function's name stands in. */
  readonly serviceName: string | undefined;
  /** `OTEL_RESOURCE_ATTRIBUTES`, decoded: these win over what is detected, except `service.name`. */
  readonly userAttributes: Attributes;
};

export function createResource(facts: ResourceFacts): ReadableSpan['resource'] {
  const attributes: Attributes = {
    'service.name': facts.functionName ?? 'unknown_service',
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': facts.region,
    'faas.name': facts.functionName,
    'faas.version': facts.functionVersion,
    'faas.instance': facts.logStreamName,
    // The convention counts bytes, Lambda MB.
    'faas.max_memory': facts.memoryMb === undefined ? undefined : facts.memoryMb * 1_048_576,
    'aws.log.group.names': facts.logGroupName === undefined ? undefined : [facts.logGroupName],
    'aws.log.stream.names': facts.logStreamName === undefined ? undefined : [facts.logStreamName],
    'process.runtime.name': 'nodejs',
    'process.runtime.version': facts.nodeVersion,
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': facts.sdkVersion,
    'telemetry.distro.name': 'spanstrap',
    'telemetry.distro.version': facts.distroVersion,
    ...facts.userAttributes,
  };
  if (facts.serviceName !== undefined) attributes['service.name'] = facts.serviceName;
  for (const key of Object.keys(attributes)) if (attributes[key] === undefined) delete attributes[key];
  return {
    attributes,
    asyncAttributesPending: false,
    merge() {
      throw new Error('the resource of a running function does not change');
    },
    getRawAttributes: () => Object.entries(attributes),
  } as ReadableSpan['resource'];
}

/** The account stands only in the ARN of an invocation; what `OTEL_RESOURCE_ATTRIBUTES` says of it wins. */
export function addAccount(resource: ReadableSpan['resource'], invokedFunctionArn: string): void {
  const [, , , , account] = invokedFunctionArn.split(':');
  if (account && resource.attributes['cloud.account.id'] === undefined)
    resource.attributes['cloud.account.id'] = account;
}
