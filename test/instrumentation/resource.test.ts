import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createResource, type ResourceFacts } from '../../instrumentation/resource.ts';

const facts: ResourceFacts = {
  functionName: 'orders',
  functionVersion: '7',
  memoryMb: 128,
  region: 'eu-west-1',
  logGroupName: '/aws/lambda/orders',
  logStreamName: '2026/01/01/[7]abc',
  nodeVersion: '24.1.0',
  distroVersion: '0.1.0',
  sdkVersion: '3.1.1',
  serviceName: undefined,
  userAttributes: {},
};

test('everything known stands in the resource, by the names of the conventions', () => {
  const resource = createResource(facts);
  assert.deepEqual(resource.attributes, {
    'service.name': 'orders',
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': 'eu-west-1',
    'faas.name': 'orders',
    'faas.version': '7',
    'faas.instance': '2026/01/01/[7]abc',
    'faas.max_memory': 134_217_728,
    'aws.log.group.names': ['/aws/lambda/orders'],
    'aws.log.stream.names': ['2026/01/01/[7]abc'],
    'process.runtime.name': 'nodejs',
    'process.runtime.version': '24.1.0',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.version': '3.1.1',
    'telemetry.distro.name': 'spanstrap',
    'telemetry.distro.version': '0.1.0',
  });
  assert.equal(resource.asyncAttributesPending, false);
  assert.deepEqual(resource.getRawAttributes(), Object.entries(resource.attributes));
  assert.throws(() => resource.merge(null), { message: 'the resource of a running function does not change' });
});

test('what is not known is left out, not undefined', () => {
  const { attributes } = createResource({
    ...facts,
    functionName: undefined,
    functionVersion: undefined,
    memoryMb: undefined,
    region: undefined,
    logGroupName: undefined,
    logStreamName: undefined,
  });
  assert.equal(attributes['service.name'], 'unknown_service');
  assert.deepEqual(
    Object.keys(attributes).filter((key) => attributes[key] === undefined || /faas|log|region/.test(key)),
    [],
  );
});

test('OTEL_RESOURCE_ATTRIBUTES win over what is detected, OTEL_SERVICE_NAME over both', () => {
  const userAttributes = { 'service.name': 'mine', 'faas.name': 'renamed', 'deployment.environment.name': 'prod' };
  const attributed = createResource({ ...facts, userAttributes }).attributes;
  assert.equal(attributed['service.name'], 'mine');
  assert.equal(attributed['faas.name'], 'renamed');
  assert.equal(attributed['deployment.environment.name'], 'prod');
  const named = createResource({ ...facts, userAttributes, serviceName: 'named' }).attributes;
  assert.equal(named['service.name'], 'named');
});
