import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HttpBlock } from '../../../../instrumentation/export/xray/subsegment.ts';
import { kinds, type SpanDescription } from '../../span-builder.ts';
import { drawOne } from './drawing.ts';

const { SERVER, CLIENT } = kinds;

const cases: readonly (readonly [string, SpanDescription, HttpBlock | undefined])[] = [
  [
    'a client call, stable conventions',
    {
      kind: CLIENT,
      attributes: {
        'http.request.method': 'GET',
        'url.full': 'https://api.example.com/v1/items?token=secret#top',
        'server.address': 'api.example.com',
        'server.port': 443,
        'user_agent.original': 'shop/1',
        'http.response.status_code': 200,
        'http.response.body.size': 181,
      },
    },
    {
      request: { method: 'GET', url: 'https://api.example.com/v1/items', user_agent: 'shop/1' },
      response: { status: 200, content_length: 181 },
    },
  ],
  [
    'a client call, old conventions',
    {
      kind: CLIENT,
      attributes: {
        'http.method': 'POST',
        'http.url': 'http://user:password@api.example.com:8080/v1',
        'http.status_code': 201,
        'http.response_content_length': 12,
        'http.user_agent': 'shop/1',
      },
    },
    {
      request: { method: 'POST', url: 'http://api.example.com:8080/v1', user_agent: 'shop/1' },
      response: { status: 201, content_length: 12 },
    },
  ],
  [
    'both: the stable one wins',
    {
      kind: CLIENT,
      attributes: {
        'http.request.method': 'PUT',
        'http.method': 'OLD',
        'url.full': 'https://new.example/',
        'http.url': 'https://old.example/',
        'http.response.status_code': 204,
        'http.status_code': 500,
      },
    },
    { request: { method: 'PUT', url: 'https://new.example/' }, response: { status: 204 } },
  ],
  [
    'a URL built from parts, old conventions',
    {
      kind: CLIENT,
      attributes: {
        'http.scheme': 'https',
        'http.host': 'foo.com',
        'net.peer.name': 'bar.com',
        'net.peer.port': '9443',
        'http.target': '/a?b=1',
      },
    },
    { request: { url: 'https://foo.com:9443/a' } },
  ],
  [
    'a URL built from parts: the host brings its port, the default port is left out',
    {
      kind: CLIENT,
      attributes: { 'http.scheme': 'https', 'http.host': 'foo.com:1234', 'net.peer.port': 9443, 'http.target': 'a' },
    },
    { request: { url: 'https://foo.com:1234/a' } },
  ],
  [
    'a server, stable conventions',
    {
      kind: SERVER,
      attributes: {
        'http.request.method': 'GET',
        'url.scheme': 'https',
        'server.address': 'shop.example',
        'server.port': 443,
        'url.path': '/orders/1',
        'url.query': 'token=secret',
        'client.address': '203.0.113.7',
        'network.peer.address': '10.0.0.1',
        'http.response.status_code': 200,
      },
    },
    {
      request: { method: 'GET', url: 'https://shop.example/orders/1', client_ip: '203.0.113.7' },
      response: { status: 200 },
    },
  ],
  [
    'a server, old conventions',
    {
      kind: SERVER,
      attributes: {
        'http.method': 'GET',
        'http.server_name': 'shop.example',
        'net.host.port': 8080,
        'http.target': '/orders?x=1',
        'http.client_ip': '2001:db8::7',
      },
    },
    { request: { method: 'GET', url: 'http://shop.example:8080/orders', client_ip: '2001:db8::7' } },
  ],
  [
    'a server whose client is named, not numbered',
    {
      kind: SERVER,
      attributes: { 'http.request.method': 'GET', 'client.address': 'proxy.local', 'network.peer.address': '10.0.0.1' },
    },
    { request: { method: 'GET', client_ip: '10.0.0.1' } },
  ],
  [
    'a path without host',
    { kind: SERVER, attributes: { 'url.path': '/a', 'url.query': 'b=1' } },
    { request: { url: '/a' } },
  ],
  [
    'a method and a host',
    { kind: CLIENT, attributes: { 'http.method': 'GET', 'net.peer.name': 'h' } },
    { request: { method: 'GET', url: 'http://h/' } },
  ],
  [
    'an IPv6 host',
    { kind: CLIENT, attributes: { 'http.method': 'GET', 'server.address': '::1', 'server.port': 81 } },
    { request: { method: 'GET', url: 'http://[::1]:81/' } },
  ],
  ['a status alone', { kind: CLIENT, attributes: { 'http.status_code': '404' } }, { response: { status: 404 } }],
  [
    'addresses alone',
    { kind: SERVER, attributes: { 'client.address': '203.0.113.7', 'network.peer.address': '10.0.0.1' } },
    undefined,
  ],
  ['a status that is no number', { attributes: { 'http.status_code': 'teapot' } }, undefined],
  [
    'the size from a message event',
    {
      kind: CLIENT,
      attributes: { 'http.status_code': 200 },
      events: [
        { name: 'message', attributes: { 'message.type': 'SENT', 'messaging.message_payload_size_bytes': 1 } },
        { name: 'message', attributes: { 'message.type': 'RECEIVED', 'messaging.message_payload_size_bytes': 452 } },
      ],
    },
    { response: { status: 200, content_length: 452 } },
  ],
  [
    'a fragment',
    { kind: CLIENT, attributes: { 'url.full': 'https://api.example.com/a#token=secret' } },
    { request: { url: 'https://api.example.com/a' } },
  ],
  [
    'a user with an @ in the password',
    { kind: CLIENT, attributes: { 'url.full': 'https://user:p@ss@api.example.com/a@b' } },
    { request: { url: 'https://api.example.com/a@b' } },
  ],
  [
    'a relative URL',
    { kind: CLIENT, attributes: { 'http.url': '/login?next=https://user:pw@host/x' } },
    { request: { url: '/login' } },
  ],
];
for (const [what, description, expected] of cases) {
  test(`http block: ${what}`, () => assert.deepEqual(drawOne(description).http, expected));
}

test('http block: what it holds is not in the metadata, what it does not hold is', () => {
  const drawn = drawOne({
    kind: CLIENT,
    attributes: {
      'http.request.method': 'GET',
      'url.full': 'https://u:p@api.example.com/?q=secret',
      'url.query': 'q=secret',
      'server.address': 'api.example.com',
      'server.port': 443,
      'http.response.status_code': 200,
      'network.protocol.version': '1.1',
      'network.peer.address': '192.0.2.1',
    },
  });
  assert.deepEqual(drawn.metadata, {
    default: { 'network.protocol.version': '1.1', 'network.peer.address': '192.0.2.1' },
  });
});

test('http block: texts are cut at 250 characters, never inside a surrogate pair', () => {
  const { http } = drawOne({
    kind: CLIENT,
    attributes: { 'url.full': `https://h/${'x'.repeat(400)}`, 'user_agent.original': '🛒'.repeat(200) },
  });
  assert.equal(http?.request?.url?.length, 250);
  assert.ok(http?.request?.url?.endsWith('x…'));
  assert.equal(http?.request?.user_agent, `${'🛒'.repeat(124)}…`);
});
