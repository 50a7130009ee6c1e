import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awsOtlpEndpoint, serviceEndpoint } from '../../../../instrumentation/export/aws/endpoints.ts';

for (const [url, expected] of [
  ['https://xray.eu-west-1.amazonaws.com/v1/traces', { service: 'xray', region: 'eu-west-1' }],
  ['https://XRAY.us-gov-west-1.amazonaws.com/v1/traces', { service: 'xray', region: 'us-gov-west-1' }],
  ['https://xray.cn-north-1.amazonaws.com.cn/v1/traces', { service: 'xray', region: 'cn-north-1' }],
  ['https://xray-fips.us-east-1.amazonaws.com/v1/traces', { service: 'xray', region: 'us-east-1' }],
  ['https://xray.ap-southeast-4.api.aws/v1/traces', { service: 'xray', region: 'ap-southeast-4' }],
  [
    'https://vpce-0a1b2c-xyz.xray.eu-central-1.vpce.amazonaws.com/v1/traces',
    { service: 'xray', region: 'eu-central-1' },
  ],
  ['https://logs.eu-west-1.amazonaws.com/v1/logs', { service: 'logs', region: 'eu-west-1' }],
  ['https://monitoring.eu-west-1.amazonaws.com/v1/metrics', { service: 'monitoring', region: 'eu-west-1' }],
  ['https://xray.eu-west-1.amazonaws.com.example.com/v1/traces', undefined],
  ['https://notxray.eu-west-1.amazonaws.com/v1/traces', undefined],
  ['https://xray.amazonaws.com/v1/traces', undefined],
  ['https://s3.eu-west-1.amazonaws.com/v1/traces', undefined],
  ['http://localhost:4318/v1/traces', undefined],
] as const) {
  test(`${url} is ${expected === undefined ? 'none of AWS’s OTLP endpoints' : `${expected.service}’s`}`, () => {
    assert.deepEqual(awsOtlpEndpoint(new URL(url)), expected);
  });
}

test('where services are', () => {
  assert.equal(serviceEndpoint('ssm', 'eu-west-1').href, 'https://ssm.eu-west-1.amazonaws.com/');
  assert.equal(serviceEndpoint('kms', 'cn-north-1').href, 'https://kms.cn-north-1.amazonaws.com.cn/');
});
