import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDaemonAddress } from '../../../../instrumentation/export/xray/daemon-address.ts';

const accepted = [
  ['127.0.0.1:2000', { host: '127.0.0.1', port: 2000, family: 4 }],
  [' 169.254.79.129:2000 ', { host: '169.254.79.129', port: 2000, family: 4 }],
  ['daemon.internal:3000', { host: 'daemon.internal', port: 3000, family: 0 }],
  ['my-udp-daemon:3000', { host: 'my-udp-daemon', port: 3000, family: 0 }],
  ['udp:127.0.0.1:2001 tcp:127.0.0.1:2002', { host: '127.0.0.1', port: 2001, family: 4 }],
  ['tcp:localhost:2002 udp:localhost:2001', { host: 'localhost', port: 2001, family: 0 }],
  ['[::1]:2000', { host: '::1', port: 2000, family: 6 }],
  ['udp:[2001:db8::1]:2000 tcp:[2001:db8::1]:2000', { host: '2001:db8::1', port: 2000, family: 6 }],
] as const;
for (const [text, expected] of accepted) {
  test(`daemon address: ${text}`, () => assert.deepEqual(parseDaemonAddress(text), expected));
}

const refused = [
  '',
  ' ',
  'localhost',
  ':2000',
  'localhost:',
  'localhost:0',
  'localhost:65536',
  'localhost:2000x',
  'localhost:-1',
  'udp:127.0.0.1:2000',
  'udp:127.0.0.1:2000 tcp:127.0.0.1',
  'udp:127.0.0.1:2000 udp:127.0.0.1:2000',
  'udp:a:1 tcp:b:2 udp:c:3',
  '127.0.0.1:2000 127.0.0.1:2000',
  '::1:2000',
  '[::1]',
  '[localhost]:2000',
];
for (const text of refused) {
  test(`daemon address refused: ${JSON.stringify(text)}`, () => {
    const parsed = parseDaemonAddress(text);
    assert.ok('error' in parsed);
    assert.match(parsed.error, /^AWS_XRAY_DAEMON_ADDRESS .* cannot be read: write host:port or /);
    assert.ok(parsed.error.includes(JSON.stringify(text)));
  });
}

type DaemonConfig = { udp_ip: string; udp_port: number | string; setDaemonAddress(address: string): void };

test('property: what the X-Ray SDK reads, we read the same', () => {
  const sdk = createRequire(import.meta.url)('aws-xray-sdk-core/dist/lib/daemon_config.js') as DaemonConfig;
  const host = fc.oneof(fc.ipV4(), fc.domain());
  const port = fc.integer({ min: 1, max: 65_535 });
  const address = fc
    .tuple(host, port, host, port, fc.constantFrom('single', 'udp first', 'tcp first'))
    .map(([udpHost, udpPort, tcpHost, tcpPort, form]) => {
      const udp = `udp:${udpHost}:${udpPort}`;
      const tcp = `tcp:${tcpHost}:${tcpPort}`;
      if (form === 'single') return `${udpHost}:${udpPort}`;
      return form === 'udp first' ? `${udp} ${tcp}` : `${tcp} ${udp}`;
    });
  fc.assert(
    fc.property(address, (text) => {
      const isNameWithTransport = !text.includes(' ') && /udp|tcp/.test(text);
      fc.pre(!isNameWithTransport);
      sdk.setDaemonAddress(text);
      const parsed = parseDaemonAddress(text);
      assert.ok(!('error' in parsed));
      assert.deepEqual([parsed.host, parsed.port], [sdk.udp_ip, Number(sdk.udp_port)]);
    }),
  );
});

test('property: any text gives an address or a reason', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const parsed = parseDaemonAddress(text);
      assert.ok('error' in parsed || (parsed.port > 0 && parsed.port < 65_536 && parsed.host !== ''));
    }),
  );
});
