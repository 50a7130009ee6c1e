import assert from 'node:assert/strict';
import { Agent, ClientRequest, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { proxyFor, readProxyEnvironment } from '../../../instrumentation/export/proxy.ts';
import { fc } from '../../support/property.ts';

function read(env: Record<string, string>): { found: unknown; reports: string[] } {
  const reports: string[] = [];
  return { found: readProxyEnvironment(env, (message) => reports.push(message)), reports };
}

test('the variables, in either case; the lower one wins', () => {
  assert.equal(read({}).found, undefined);
  assert.equal(read({ NO_PROXY: '*' }).found, undefined);
  assert.deepEqual(read({ HTTP_PROXY: 'http://a:1', http_proxy: 'http://b:2', NO_PROXY: 'x' }).found, {
    http_proxy: 'http://b:2',
    no_proxy: 'x',
  });
  assert.deepEqual(read({ HTTPS_PROXY: ' https://a ', https_proxy: '' }).found, { https_proxy: 'https://a' });
});

test('what is no proxy is told of without its password, and left out', () => {
  for (const address of ['user:hunter2@proxy:3128', 'socks5://user:hunter2@proxy', 'http://user:hunter2@[proxy']) {
    const { found, reports } = read({ HTTPS_PROXY: address, HTTP_PROXY: 'http://a' });
    assert.deepEqual(found, { http_proxy: 'http://a' });
    assert.deepEqual(reports, ['HTTPS_PROXY is not an http or https URL (not shown): no proxy is used']);
  }
});

test('by the scheme of the target', () => {
  const env = { http_proxy: 'http://plain:1', https_proxy: 'http://secure:2' };
  assert.equal(proxyFor(new URL('http://x'), env)?.host, 'plain:1');
  assert.equal(proxyFor(new URL('https://x'), env)?.host, 'secure:2');
  assert.equal(proxyFor(new URL('https://x'), { http_proxy: 'http://plain:1' }), undefined);
});

test('what is excepted is what Node’s own agents except', async (t) => {
  const proxy = createServer((request, response) => {
    request.resume();
    response.end('proxied');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.after(() => proxy.close());
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  /** Node asks the proxy, or tries to connect itself; the connection is refused before it is made. */
  const usesProxy = (url: URL, no_proxy: string): Promise<boolean> =>
    new Promise((resolve) => {
      const agent = new Agent({ proxyEnv: { http_proxy: proxyUrl, no_proxy } });
      const request = new ClientRequest({
        agent,
        hostname: url.hostname,
        port: url.port || 80,
        lookup: (_host, _options, callback) => callback(new Error('direct') as never, '', 4),
      });
      request.on('response', (response) => response.resume().on('end', () => resolve(true)));
      request.on('error', () => resolve(false));
      request.end();
    });

  const label = fc.constantFrom('a', 'b', 'example', 'org', 'internal');
  const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
  const entry = fc.oneof(
    host,
    host.map((name) => `.${name}`),
    host.map((name) => `*.${name}`),
    host.map((name) => name.toUpperCase()),
    fc.tuple(host, fc.constantFrom(80, 4317)).map(([name, port]) => `${name}:${port}`),
    fc.constantFrom('*', ''),
  );
  const list = fc
    .array(fc.tuple(entry, fc.constantFrom('', ' ')), { maxLength: 3 })
    .map((entries) => entries.map(([text, space]) => space + text).join(','));
  const target = fc.tuple(host, fc.constantFrom('', ':4317')).map(([name, port]) => new URL(`http://${name}${port}/`));
  await fc.assert(
    fc.asyncProperty(target, list, async (url, noProxy) => {
      const ours = proxyFor(url, { http_proxy: proxyUrl, no_proxy: noProxy }) !== undefined;
      assert.equal(ours, await usesProxy(url, noProxy), `${url.host} with NO_PROXY=${noProxy}`);
    }),
    { numRuns: 150 },
  );
});
