// OTLP over HTTPS with a CA of one's own, with client certificates, through proxies, and signed for AWS.

import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import type { SpanBatch } from '../../../../instrumentation/export/exporter.ts';
import { createOtlpExporter, type OtlpExporterOptions } from '../../../../instrumentation/export/otlp/exporter.ts';
import type { TlsFiles } from '../../../../instrumentation/export/otlp/tls.ts';
import { openOtlpSink } from '../../../../local/sinks/otlp-sink.ts';
import { assertSigned } from '../../../support/aws-signature.ts';
import { type Certificates, makeCertificates } from '../../../support/certificates.ts';
import { startHttpServer } from '../../../support/http-server.ts';
import { makeFolder } from '../../../support/temporary-folder.ts';
import { buildSpan } from '../../span-builder.ts';

const batch: SpanBatch = { spans: [buildSpan({ name: 'secured' })], xray: undefined, isSampledForOtlp: true };
const inAMinute = (): number => Date.now() + 60_000;

const noTls: TlsFiles = {
  certificateFile: undefined,
  certificateBase64: undefined,
  clientCertificateFile: undefined,
  clientKeyFile: undefined,
  isServerVerified: true,
};

const create = (url: string, options: Partial<OtlpExporterOptions> = {}): ReturnType<typeof createOtlpExporter> =>
  createOtlpExporter({ url, headers: {}, timeoutMs: 10_000, compression: 'none', ...options });

function certificatesOrSkip(t: TestContext): Certificates | undefined {
  const made = makeCertificates(t);
  if (made === undefined) t.skip('there is no openssl on this machine to make certificates with');
  return made;
}

/** Answers everything with 200; resolves with its URL. */
async function startTlsServer(
  t: TestContext,
  options: ServerOptions,
  onRequest: (socket: TLSSocket) => void = () => {},
): Promise<string> {
  const server = createHttpsServer(options, (request, response) => {
    onRequest(request.socket as TLSSocket);
    request.resume().on('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
}

test('a private CA: from a file, from base64; unknown, the export fails and says so', async (t) => {
  const made = certificatesOrSkip(t);
  if (made === undefined) return;
  const { ca, server } = made;
  await using sink = await openOtlpSink({ tls: server });
  const url = `${sink.url}/v1/traces`;
  const refused = await create(url).export([batch], inAMinute());
  assert.equal(refused.unsent?.length, 1);
  assert.match(refused.error ?? '', /unable to verify the first certificate|self.signed certificate/);
  for (const tls of [
    { certificateFile: ca.certFile },
    { certificateBase64: Buffer.from(ca.cert).toString('base64') },
    { isServerVerified: false },
  ]) {
    const outcome = await create(url, { tls: { ...noTls, ...tls } }).export([batch], inAMinute());
    assert.deepEqual(outcome, { sentSpans: 1, droppedSpans: 0 });
  }
  assert.equal(sink.spans.length, 3);
});

test('a client certificate, for a receiver that wants one', async (t) => {
  const made = certificatesOrSkip(t);
  if (made === undefined) return;
  const { ca, server, client } = made;
  const names: unknown[] = [];
  const url = await startTlsServer(
    t,
    { ...server, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
    (socket) => names.push(socket.getPeerCertificate().subject.CN),
  );
  const trusting = { ...noTls, certificateFile: ca.certFile };
  assert.equal((await create(url, { tls: trusting }).export([batch], inAMinute())).sentSpans, 0);
  const tls = { ...trusting, clientCertificateFile: client.certFile, clientKeyFile: client.keyFile };
  assert.equal((await create(url, { tls }).export([batch], inAMinute())).sentSpans, 1);
  assert.deepEqual(names, ['test client']);
});

test('certificates that cannot be used: the file and the reason', (t) => {
  const folder = makeFolder(t, { 'not.pem': 'hello' });
  for (const [tls, reason] of [
    [{ certificateFile: '/no/ca.pem' }, /^the CA file \/no\/ca\.pem cannot be read: ENOENT$/],
    [{ certificateFile: `${folder}/not.pem` }, /not\.pem is not PEM: it has no "-----BEGIN" line$/],
    [{ certificateBase64: 'aGVsbG8=' }, /^the base64 of the CA certificate is not PEM/],
    [{ clientCertificateFile: '/no/client.pem' }, /^the client certificate \/no\/client\.pem cannot be read/],
    [{ clientKeyFile: '/no/client.key' }, /^the client key \/no\/client\.key cannot be read/],
  ] as const) {
    assert.throws(() => create('https://127.0.0.1/', { tls: { ...noTls, ...tls } }), { message: reason });
  }
});

/** A proxy that forwards and tunnels, and remembers what it was asked for. */
async function startProxy(t: TestContext): Promise<{ url: string; asked: string[]; authorizations: unknown[] }> {
  const asked: string[] = [];
  const authorizations: unknown[] = [];
  const open = new Set<Socket>();
  const server = createHttpServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    authorizations.push(request.headers['proxy-authorization']);
    request.resume().on('end', () => response.end());
  });
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url}`);
    authorizations.push(request.headers['proxy-authorization']);
    const [host, port] = request.url!.split(':') as [string, string];
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [socket, onward]) open.add(end.on('error', () => {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://us%20er:p%40ss@127.0.0.1:${(server.address() as AddressInfo).port}`, asked, authorizations };
}

const PROXY_AUTHORIZATION = `Basic ${Buffer.from('us er:p@ss').toString('base64')}`;

test('through a proxy: HTTP by its absolute URL, HTTPS by a tunnel', async (t) => {
  const made = certificatesOrSkip(t);
  if (made === undefined) return;
  const { ca, server } = made;
  const proxy = await startProxy(t);
  const target = await startHttpServer(t, (_request, response) => response.end());
  const plainUrl = `http://127.0.0.1:${target.port}/v1/traces`;
  const plain = create(plainUrl, { proxyEnv: { http_proxy: proxy.url } });
  assert.equal((await plain.export([batch], inAMinute())).sentSpans, 1);
  assert.deepEqual(proxy.asked, [`POST ${plainUrl}`]);

  const secureUrl = await startTlsServer(t, server);
  const tls = { ...noTls, certificateFile: ca.certFile };
  const secure = create(secureUrl, { tls, proxyEnv: { https_proxy: proxy.url } });
  for (let i = 0; i < 2; i++) assert.equal((await secure.export([batch], inAMinute())).sentSpans, 1);
  assert.deepEqual(proxy.asked.slice(1), [`CONNECT ${new URL(secureUrl).host}`], 'one tunnel for both exports');
  assert.deepEqual(proxy.authorizations, [PROXY_AUTHORIZATION, PROXY_AUTHORIZATION]);
});

test('not through a proxy: what NO_PROXY excepts', async (t) => {
  const proxy = await startProxy(t);
  const target = await startHttpServer(t, (_request, response) => response.end());
  const url = `http://127.0.0.1:${target.port}/v1/traces`;
  const proxyEnv = { http_proxy: proxy.url, no_proxy: `example.org, 127.0.0.1:${target.port}` };
  assert.equal((await create(url, { proxyEnv }).export([batch], inAMinute())).sentSpans, 1);
  assert.deepEqual(proxy.asked, []);
});

test('a proxy that refuses: the export fails without the proxy’s password', async (t) => {
  const made = certificatesOrSkip(t);
  if (made === undefined) return;
  const refusing = createHttpServer();
  refusing.on('connect', (_request, socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n'));
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  t.after(() => refusing.close());
  const { port } = refusing.address() as AddressInfo;
  const url = await startTlsServer(t, made.server);
  const proxyEnv = { https_proxy: `http://user:hunter2@127.0.0.1:${port}` };
  const { unsent, error } = await create(url, { proxyEnv }).export([batch], inAMinute());
  assert.equal(unsent?.length, 1);
  assert.match(error ?? '', /407/);
  assert.doesNotMatch(error ?? '', /hunter2/);
});

const SECRET_ACCESS_KEY = 'secret-access-key';

for (const compression of ['none', 'gzip'] as const) {
  test(`signed for AWS, compression ${compression}: the receiver agrees, credentials are read for each request`, async (t) => {
    let key = 0;
    const server = await startHttpServer(t, (_request, response) => response.end());
    const exporter = create(`http://127.0.0.1:${server.port}/v1/traces`, {
      compression,
      headers: { 'x-custom': 'not signed' },
      signing: {
        service: 'xray',
        region: 'eu-west-1',
        credentials: async () => ({
          accessKeyId: `AKID${++key}`,
          secretAccessKey: SECRET_ACCESS_KEY,
          sessionToken: 'session',
        }),
      },
    });
    const large = { ...batch, spans: [buildSpan({ attributes: { text: 'x'.repeat(2000) } })] };
    for (let i = 0; i < 2; i++) assert.equal((await exporter.export([large], inAMinute())).sentSpans, 1);
    const signer = { secretAccessKey: SECRET_ACCESS_KEY, region: 'eu-west-1', service: 'xray' };
    assert.deepEqual(
      server.requests.map((request) => assertSigned(request, signer)),
      ['AKID1', 'AKID2'],
    );
    const [request] = server.requests;
    assert.equal(request?.headers['content-encoding'], compression === 'gzip' ? 'gzip' : undefined);
    assert.equal(request?.headers['x-custom'], 'not signed');
  });
}

test('each try is signed anew', async (t) => {
  let isUp = false;
  const server = await startHttpServer(t, (_request, response) => {
    response.writeHead(isUp ? 200 : 503).end();
    isUp = true;
  });
  const times = [Date.UTC(2026, 0, 2, 3, 4, 5), Date.UTC(2026, 0, 2, 3, 4, 6)];
  const exporter = create(`http://127.0.0.1:${server.port}/v1/traces`, {
    signing: {
      service: 'xray',
      region: 'eu-west-1',
      now: () => times.shift()!,
      credentials: async () => ({ accessKeyId: 'A', secretAccessKey: SECRET_ACCESS_KEY, sessionToken: undefined }),
    },
  });
  assert.equal((await exporter.export([batch], inAMinute())).sentSpans, 1);
  assert.deepEqual(
    server.requests.map(({ headers }) => headers['x-amz-date']),
    ['20260102T030405Z', '20260102T030406Z'],
  );
});

test('without credentials nothing is sent, and nothing lost', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.end());
  const exporter = create(`http://127.0.0.1:${server.port}/v1/traces`, {
    signing: { service: 'xray', region: 'eu-west-1', credentials: () => Promise.reject(new Error('none')) },
  });
  const { unsent, error } = await exporter.export([batch], inAMinute());
  assert.equal(unsent?.length, 1);
  assert.match(error ?? '', /there are no AWS credentials to sign with: none$/);
  assert.equal(server.requests.length, 0);
});
