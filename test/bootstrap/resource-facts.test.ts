import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readResourceFacts } from '../../bootstrap/resource-facts.ts';
import { readSettings } from '../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../bootstrap/settings/settings-table.ts';
import { SDK_VERSION } from '../../instrumentation/opentelemetry/global-api.ts';
import type { ResourceFacts } from '../../instrumentation/resource.ts';

const read = (env: Readonly<Record<string, string>>): ResourceFacts =>
  readResourceFacts({ settings: readSettings(settingsTable, env).settings, env });

test('the facts of the resource come from Lambda’s environment', () => {
  const facts = read({
    AWS_LAMBDA_FUNCTION_NAME: 'orders',
    AWS_LAMBDA_FUNCTION_VERSION: '7',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: 'group',
    AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
    AWS_REGION: 'eu-west-1',
    OTEL_SERVICE_NAME: 'mine',
    OTEL_RESOURCE_ATTRIBUTES: 'team=shop',
  });
  assert.deepEqual(facts, {
    functionName: 'orders',
    functionVersion: '7',
    memoryMb: 128,
    region: 'eu-west-1',
    logGroupName: 'group',
    logStreamName: 'stream',
    nodeVersion: process.versions.node,
    distroVersion: '0.0.0-source',
    sdkVersion: SDK_VERSION,
    serviceName: 'mine',
    userAttributes: { team: 'shop' },
  });
  assert.equal(read({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: 'x' }).memoryMb, undefined);
});
