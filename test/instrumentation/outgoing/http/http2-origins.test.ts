// Where HTTP/2 sessions are said to go, against what Node itself sends as `:scheme` and `:authority`.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { originOf, rememberOrigin } from '../../../../instrumentation/outgoing/http/http2-origins.ts';

/** A peer that says nothing. */
const createConnection = (): Duplex => new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });

const OPENED: readonly (readonly [authority: string | URL | object, options?: object])[] = [
  ['https://orders.example'],
  ['http://orders.example:8080/path'],
  [new URL('http://[::1]:8080')],
  [{ protocol: 'http:', hostname: 'orders.example', port: 8080 }],
  [{ host: 'orders.example', port: 8443 }],
  [{ hostname: 'orders.example', port: 8080 }, { protocol: 'http:' }],
  ['https://10.0.0.1:8443', { servername: 'orders.example' }],
];

test('as Node says it to the peer', async () => {
  for (const [authority, options] of OPENED) {
    const session = connect(authority as string, { ...options, createConnection }).on('error', () => {});
    rememberOrigin(session, authority, options);
    const stream = session.request({ ':path': '/' }).on('error', () => {});
    await once(session, 'connect');
    const sent = stream.sentHeaders!;
    session.destroy();
    const said = new URL(`${sent[':scheme']}://${sent[':authority']}`.replace('://::1', '://[::1]'));
    assert.equal(originOf(session)?.origin, said.origin, JSON.stringify([authority, options]));
  }
});

test('what Node refuses is for Node to refuse', () => {
  const session = {} as Parameters<typeof originOf>[0];
  for (const authority of [undefined, null, 5, 'no url']) rememberOrigin(session, authority, null);
  assert.equal(originOf({} as typeof session), undefined);
});
