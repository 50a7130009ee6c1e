// What Lambda's environment and the settings say of the resource.

import { SDK_VERSION } from '../instrumentation/opentelemetry/global-api.ts';
import type { ResourceFacts } from '../instrumentation/resource.ts';
import type { ExportContext } from './export-context.ts';
import { SPANSTRAP_VERSION } from './version.ts';

export function readResourceFacts({ settings, env }: Pick<ExportContext, 'settings' | 'env'>): ResourceFacts {
  return {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryMb: Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) || undefined,
    region: env.AWS_REGION,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    nodeVersion: process.versions.node,
    distroVersion: SPANSTRAP_VERSION,
    sdkVersion: SDK_VERSION,
    serviceName: settings.serviceName,
    userAttributes: settings.resourceAttributes,
  };
}
