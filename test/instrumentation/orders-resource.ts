// The resource of a function `orders`, for tests that need one and do not care what else it says.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createResource } from '../../instrumentation/resource.ts';

export const ordersResource = (): ReadableSpan['resource'] =>
  createResource({
    functionName: 'orders',
    functionVersion: '7',
    memoryMb: 128,
    region: 'eu-west-1',
    logGroupName: undefined,
    logStreamName: undefined,
    nodeVersion: '24',
    distroVersion: '0',
    sdkVersion: '3',
    serviceName: undefined,
    userAttributes: {},
  });
