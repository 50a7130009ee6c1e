import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sanitizeName } from '../../../../instrumentation/export/xray/names.ts';
import { kinds, type SpanDescription } from '../../span-builder.ts';
import { drawOne } from './drawing.ts';

const { INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER } = kinds;

const sanitized: readonly (readonly [string, string, string])[] = [
  ['a valid name', 'EP @ test_15.testing-dömain.org#GO', 'EP @ test_15.testing-dömain.org#GO'],
  ['angle brackets', '<subDomain>.example.com', 'subDomain.example.com'],
  ['nothing valid', '<>', ''],
  ['question mark', 'GET /a?b=1', 'GET /ab=1'],
  ['comma, quotes, braces', 'a,"b"\'c\'{d}', 'abcd'],
  ['backslash', 'a\\b', 'ab'],
  ['emoji', 'cart 🛒', 'cart '],
  ['no-break space', 'a\u00a0b', 'a\u00a0b'],
  ['tab and newline', 'a\tb\nc', 'abc'],
  ['other scripts and their digits', '注文 ١٢', '注文 ١٢'],
  ['201 letters', 'x'.repeat(201), 'x'.repeat(200)],
  ['201 letters of two units', '𝒳'.repeat(201), '𝒳'.repeat(200)],
  ['half a surrogate pair', 'a\ud83d', 'a'],
  ['blanks alone', ' \u00a0', ''],
  ['a megabyte', `${'?'.repeat(10)}${'y'.repeat(1_000_000)}`, 'y'.repeat(200)],
];
for (const [what, name, expected] of sanitized) {
  test(`sanitises a name: ${what}`, () => assert.equal(sanitizeName(name), expected));
}

const odd: readonly (readonly [unknown, string])[] = [
  [404, '404'],
  [10n, '10'],
  [Symbol('cart'), 'Symbolcart'],
  [{ a: 1 }, 'object Object'],
];
for (const [name, expected] of odd) {
  test(`a name that is no text becomes one: ${String(name)}`, () => {
    assert.equal(sanitizeName(name), expected);
    const drawn = drawOne({ name: name as string, attributes: { kept: 'yes' } });
    assert.deepEqual([drawn.name, drawn.metadata], [expected, { default: { kept: 'yes' } }]);
  });
}

test('no name is none', () => assert.deepEqual([undefined, null].map(sanitizeName), ['', '']));

const aws = { 'rpc.system': 'aws-api', 'rpc.service': 'DynamoDB', 'rpc.method': 'GetItem' };

const named: readonly (readonly [string, SpanDescription, string, string | undefined])[] = [
  ['the span name', { name: 'load cart' }, 'load cart', undefined],
  ['nothing but refused characters', { name: '<?>' }, 'span', undefined],
  ['an AWS call', { name: 'DynamoDB.GetItem', kind: CLIENT, attributes: aws }, 'DynamoDB', 'aws'],
  [
    'an AWS call by newer conventions',
    { kind: CLIENT, attributes: { 'rpc.system.name': 'aws-api', 'rpc.method': 'SecretsManager/GetSecretValue' } },
    'SecretsManager',
    'aws',
  ],
  [
    'the older name of an AWS service',
    { kind: CLIENT, attributes: { 'aws.service': 'DynamoDB', 'rpc.method': 'Wrong', 'aws.operation': 'GetItem' } },
    'DynamoDB',
    'aws',
  ],
  [
    'a DynamoDB table is no database to name',
    { kind: CLIENT, attributes: { ...aws, 'db.system': 'dynamodb', 'db.name': 'orders' } },
    'DynamoDB',
    'aws',
  ],
  [
    'peer.service before aws.service',
    { kind: CLIENT, attributes: { 'peer.service': 'cats', 'aws.service': 'DynamoDB' } },
    'cats',
    'aws',
  ],
  [
    'aws.remote.service without its prefix',
    { kind: CLIENT, attributes: { ...aws, 'aws.remote.service': 'AWS::SQS', 'peer.service': 'cats' } },
    'SQS',
    'aws',
  ],
  ['the other prefix', { kind: PRODUCER, attributes: { ...aws, 'aws.remote.service': 'AWS.SDK.SNS' } }, 'SNS', 'aws'],
  [
    'a remote service elsewhere',
    { kind: CONSUMER, attributes: { 'aws.remote.service': 'AWS::X' } },
    'AWS::X',
    'remote',
  ],
  [
    'a remote service of a server is none',
    { kind: SERVER, attributes: { 'aws.remote.service': 'x' } },
    'work',
    undefined,
  ],
  [
    'aws.local.service of a server',
    { kind: SERVER, attributes: { 'aws.local.service': 'shop' }, resource: { 'service.name': 'other' } },
    'shop',
    undefined,
  ],
  [
    'aws.local.service of a local root',
    { kind: INTERNAL, attributes: { 'aws.local.service': 'shop', 'aws.span.kind': 'LOCAL_ROOT' } },
    'shop',
    undefined,
  ],
  ['aws.local.service elsewhere', { kind: INTERNAL, attributes: { 'aws.local.service': 'shop' } }, 'work', undefined],
  [
    'database@host from a connection string',
    {
      name: 'call update_user_preference( ?, ?, ? )',
      kind: CLIENT,
      attributes: {
        'db.system': 'mysql',
        'db.name': 'customers',
        'db.connection_string': 'jdbc:mysql://db.example.com:3306',
      },
    },
    'customers@db.example.com',
    'remote',
  ],
  [
    'database@host by newer conventions',
    {
      kind: CLIENT,
      attributes: {
        'db.system.name': 'postgresql',
        'db.namespace': 'shop',
        'server.address': 'db.internal',
        'server.port': 5432,
      },
    },
    'shop@db.internal',
    'remote',
  ],
  ['a database without host', { kind: CLIENT, attributes: { 'db.name': 'shop' } }, 'shop', 'remote'],
  ['service.name of a server', { kind: SERVER, resource: { 'service.name': 'signup' } }, 'signup', undefined],
  ['service.name of other kinds', { kind: CLIENT, resource: { 'service.name': 'signup' } }, 'work', 'remote'],
  [
    'rpc.service before hosts',
    {
      kind: CLIENT,
      attributes: { 'rpc.service': 'com.foo.Animals', 'http.host': 'foo.com', 'net.peer.name': 'bar.com' },
    },
    'com.foo.Animals',
    'remote',
  ],
  [
    'http.host before net.peer.name, without its port',
    { name: 'GET', kind: CLIENT, attributes: { 'http.host': 'foo.com:8443', 'net.peer.name': 'bar.com' } },
    'foo.com',
    'remote',
  ],
  ['net.peer.name', { name: 'GET /', kind: CLIENT, attributes: { 'net.peer.name': 'bar.com' } }, 'bar.com', 'remote'],
  [
    'server.address before the older names',
    { name: 'GET', kind: CLIENT, attributes: { 'server.address': 'new.example', 'http.host': 'old.example' } },
    'new.example',
    'remote',
  ],
  [
    'the host of a URL, without user and port',
    { name: 'GET', kind: CLIENT, attributes: { 'url.full': 'https://user:pw@api.example.com:8443/v1?x=1' } },
    'api.example.com',
    'remote',
  ],
  [
    'an IPv6 host',
    { name: 'GET', kind: CLIENT, attributes: { 'url.full': 'http://[2001:db8::1]:8080/' } },
    '2001:db8::1',
    'remote',
  ],
  ['a producer', { name: 'orders send', kind: PRODUCER }, 'orders send', 'remote'],
  [
    'a consumer keeps its name',
    { name: 'process orders', kind: CONSUMER, attributes: { 'server.address': 'sqs.eu-west-1.amazonaws.com' } },
    'process orders',
    undefined,
  ],
  [
    'an SQS receive is an AWS call',
    { name: 'orders receive', kind: CONSUMER, attributes: { 'rpc.system': 'aws-api', 'rpc.service': 'SQS' } },
    'SQS',
    'aws',
  ],
  [
    'a source that leaves nothing gives way to the next',
    { name: 'load', kind: CLIENT, attributes: { 'peer.service': '<>', 'server.address': 'x.example' } },
    'x.example',
    'remote',
  ],
];
for (const [what, description, name, namespace] of named) {
  test(`names a subsegment: ${what}`, () => {
    const drawn = drawOne(description);
    assert.equal(drawn.name, name);
    assert.equal(drawn.namespace, namespace);
  });
}
