// The bundle that reads routes off the routers of web frameworks, loaded with the first of them. What a route means for the span of
// its invocation is decided when that ends.

import { createAnnouncedImport } from './announced-import.ts';
import { createExpressHooks } from './express-routes.ts';
import { hookFastify } from './fastify-routes.ts';
import { hookHono } from './hono-routes.ts';
import type { RouteEnvironment, RouteReading, RouterHooks } from './watch-routers.ts';

export function createRouterHooks({ routedScope, report }: RouteEnvironment): RouterHooks {
  const routed = new WeakSet<object>();
  let isBroken = false;
  const attempt: RouteReading['attempt'] = (work) => {
    if (isBroken) return;
    try {
      work();
    } catch (error) {
      isBroken = true;
      report(`routes of routers in the function are not found any more: ${error}`);
    }
  };
  const matched: RouteReading['matched'] = (request, route) => {
    const scope = routedScope();
    // The first request is the invocation's own: a handler may well ask its own app for something else.
    if (scope === undefined || (scope.route !== undefined && !routed.has(request))) return;
    routed.add(request);
    scope.route = route[0] === '/' ? route : `/${route}`;
  };
  const reading = { matched, attempt };
  const express = createExpressHooks(reading);
  const hono = (exports: object): void => attempt(() => hookHono(exports, reading));
  return {
    fastify: (message) => hookFastify(message, reading),
    expressLayer: express.layerStarted,
    module: (name, exports) => (name === 'hono' ? hono(exports) : express.hook(exports)),
    importing: createAnnouncedImport(hono),
  };
}
