// How the pattern of a route is put together from the layers on the way to it, and that nothing is thrown into the user's code.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRouterHooks } from '../../../instrumentation/routes/router-hooks.ts';
import type { RoutedScope } from '../../../instrumentation/routes/watch-routers.ts';

function startHooks() {
  const scope: RoutedScope = { route: undefined };
  const reports: string[] = [];
  const hooks = createRouterHooks({ routedScope: () => scope, report: (message) => reports.push(message) });
  return { scope, reports, hooks };
}

type Mount = readonly [pattern: unknown, baseUrl: string];

function routeOf(mounts: readonly Mount[], pattern: unknown, baseUrl: string): string | undefined {
  const { scope, hooks, reports } = startHooks();
  const req = { baseUrl: '' };
  for (const [route, url] of mounts) {
    req.baseUrl = url;
    hooks.expressLayer({ req, layer: {}, route });
  }
  req.baseUrl = baseUrl;
  hooks.expressLayer({ req, layer: { method: 'get' }, route: pattern });
  assert.deepEqual(reports, []);
  return scope.route;
}

test('patterns of mounted routers are put before that of the route', () => {
  for (const [expected, mounts, pattern, baseUrl] of [
    ['/', [], '/', ''],
    ['/*all', [], '*all', ''],
    ['/a/b', [['/a', '/a']], '/b/', '/a'],
    ['/a/:b', [['/', '']], '/a/:b', ''],
    ['/:a/:b/c', [['/:a/:b', '/x/y']], '/c', '/x/y'],
    // A layer beside the router that the request has come by.
    [
      '/a/b/c',
      [
        ['/a', '/a'],
        ['/a/b', '/a/b'],
      ],
      '/c',
      '/a/b',
    ],
    [
      '/:a/x/c',
      [
        ['/:a', '/x'],
        ['/x', '/x/x'],
      ],
      '/c',
      '/x/x',
    ],
    [
      '/:a/:b/:c',
      [
        ['/:a', '/x'],
        ['/:b', '/x/x'],
        ['/:b', '/x/x'],
      ],
      '/:c',
      '/x/x',
    ],
    // What may match any number of segments.
    [
      '/a/*rest/c',
      [
        ['/a', '/a'],
        ['/*rest', '/a/1/2/3'],
      ],
      '/c',
      '/a/1/2/3',
    ],
    ['/a{/:b}/c', [['/a{/:b}', '/a']], '/c', '/a'],
    ['/^\\/v\\d//c', [[/^\/v\d/, '/v1']], '/c', '/v1'],
    ['/a,/b/c', [[['/a', '/b'], '/b']], '/c', '/b'],
    // A base that nothing has led to is a text of the function's own.
    ['/own/c', [], '/c', '/own'],
  ] as readonly (readonly [string, readonly Mount[], unknown, string])[]) {
    assert.equal(routeOf(mounts, pattern, baseUrl), expected);
  }
});

test('middleware, parameters and error handlers are no routes', () => {
  const { scope, hooks } = startHooks();
  const req = { baseUrl: '' };
  hooks.expressLayer({ req, layer: {}, route: '/' });
  hooks.expressLayer({ req, layer: { method: undefined }, route: '/x', errorHandler: true });
  hooks.expressLayer({ req, layer: { method: undefined }, route: '/:id', param: 'id' });
  hooks.expressLayer({ req, layer: { method: undefined } });
  assert.equal(scope.route, undefined);
  hooks.expressLayer({ req, layer: { method: undefined }, route: '/all' });
  assert.equal(scope.route, '/all');
});

test('the last route of the first request counts', () => {
  const { scope, hooks } = startHooks();
  const [first, other] = [{}, {}];
  hooks.expressLayer({ req: first, layer: { method: 'get' }, route: '/a' });
  hooks.expressLayer({ req: other, layer: { method: 'get' }, route: '/b' });
  assert.equal(scope.route, '/a');
  hooks.expressLayer({ req: first, layer: { method: 'get' }, route: '/c' });
  assert.equal(scope.route, '/c');
});

test('what is not as it should be is told once, and the function runs on', () => {
  const { scope, reports, hooks } = startHooks();
  class Route {
    path = '/a';
    dispatch(request: object, done: (request: object) => string): string {
      return done(request);
    }
  }
  const Router = Object.assign(() => Object.assign(() => {}, { stack: [], use() {} }), { stack: [], use() {} });
  hooks.module('express', { Route, Router });
  const odd = {
    get baseUrl(): string {
      throw new Error('on purpose');
    },
  };
  for (let times = 0; times < 2; times++)
    assert.equal(
      new Route().dispatch(odd, () => 'done'),
      'done',
    );
  assert.deepEqual(reports, ['routes of routers in the function are not found any more: Error: on purpose']);
  assert.equal(scope.route, undefined);
});

test('modules that only are called so are left alone', () => {
  const { reports, hooks } = startHooks();
  for (const exports of [{}, { Route: class {} }, { Hono: 'no' }, () => {}]) {
    hooks.module('express', exports);
    hooks.module('hono', exports);
  }
  assert.deepEqual(reports, []);
});
