// What the process gets: exactly Lambda's variables, and nothing of ours.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EnvironmentOptions, lambdaEnvironment } from '../../../local/emulator/environment-variables.ts';
import { startFixture } from './api-client.ts';

const options: EnvironmentOptions = {
  runtimeApi: '127.0.0.1:9001',
  handler: 'index.handler',
  taskRoot: '/srv/task',
  layerRoot: '/srv/layer',
  functionName: 'shop',
  functionVersion: '7',
  memoryMb: 256,
  region: 'eu-central-1',
  initializationType: 'on-demand',
};

test('the complete list, without anything configured', () => {
  const { AWS_LAMBDA_LOG_STREAM_NAME: stream, ...environment } = lambdaEnvironment(options);
  assert.match(stream!, /^\d{4}\/\d\d\/\d\d\/\[7\][0-9a-f]{32}$/);
  assert.deepEqual(environment, {
    _HANDLER: 'index.handler',
    AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
    AWS_LAMBDA_FUNCTION_NAME: 'shop',
    AWS_LAMBDA_FUNCTION_VERSION: '7',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/shop',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_REGION: 'eu-central-1',
    AWS_DEFAULT_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'LOCALEMULATORKEY',
    AWS_SECRET_ACCESS_KEY: 'local-emulator-secret',
    AWS_SESSION_TOKEN: 'local-emulator-token',
    LAMBDA_TASK_ROOT: '/srv/task',
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    PATH: '/usr/local/bin:/usr/bin/:/bin:/srv/layer/bin',
    LD_LIBRARY_PATH: '/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/srv/task:/srv/task/lib:/srv/layer/lib',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
  });
});

test('what is configured appears', () => {
  const environment = lambdaEnvironment({
    ...options,
    logFormat: 'JSON',
    logLevel: 'WARN',
    maxConcurrency: 4,
    xrayDaemonAddress: '127.0.0.1:2000',
  });
  assert.equal(environment.AWS_LAMBDA_LOG_FORMAT, 'JSON');
  assert.equal(environment.AWS_LAMBDA_LOG_LEVEL, 'WARN');
  assert.equal(environment.AWS_LAMBDA_MAX_CONCURRENCY, '4');
  assert.equal(environment.AWS_XRAY_DAEMON_ADDRESS, '127.0.0.1:2000');
  assert.equal(environment._AWS_XRAY_DAEMON_ADDRESS, '127.0.0.1');
  assert.equal(environment._AWS_XRAY_DAEMON_PORT, '2000');
  assert.equal(environment.AWS_XRAY_CONTEXT_MISSING, 'LOG_ERROR');
});

test("the customer's variables: added, allowed to override a few, not the reserved ones", () => {
  const environment = lambdaEnvironment({
    ...options,
    environment: { STAGE: 'dev', TZ: 'Europe/Berlin', AWS_REGION: 'mars-1', NODE_OPTIONS: '--no-warnings' },
  });
  assert.deepEqual(
    [environment.STAGE, environment.TZ, environment.AWS_REGION, environment.NODE_OPTIONS],
    ['dev', 'Europe/Berlin', 'eu-central-1', '--no-warnings'],
  );
});

test('the platform itself may be made strange', () => {
  const environment = lambdaEnvironment({ ...options, platformEnvironment: { AWS_REGION: undefined, _HANDLER: 'x' } });
  assert.equal('AWS_REGION' in environment, false);
  assert.equal(environment._HANDLER, 'x');
});

test('the process sees these variables and no others, and stands in the task root', async () => {
  process.env.LEAK_TEST = 'leaked';
  await using emulator = await startFixture({ environment: { OWN: '1' } });
  const { env, cwd } = (await emulator.invoke({ do: 'environment' })).json() as {
    env: Record<string, string>;
    cwd: string;
  };
  delete process.env.LEAK_TEST;
  const expected = lambdaEnvironment({ ...options, environment: { FIXTURE_INIT: '', OWN: '1' } });
  assert.deepEqual(Object.keys(env).sort(), Object.keys(expected).sort());
  assert.equal(env.AWS_LAMBDA_RUNTIME_API, emulator.runtimeApi);
  assert.equal(cwd, '/tmp');
});
