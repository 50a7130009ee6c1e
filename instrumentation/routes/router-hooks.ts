// The bundle that reads routes off the routers of web frameworks, loaded with the first of them. What a route means for the span of
// its invocation is decided when that ends.

import { createAnnouncedImport } from './announced-import.ts';
import { createExpressHooks } from './express-routes.ts';
import { hookFastify } from './fastify-routes.ts';
import { hookHono } from './hono-routes.ts';
import type { RouteEnvironment, RouterHooks } from './watch-routers.ts';

/** A router has matched a route of a request. Never throws. */
export type RouteMatched = (request: object, route: string) => void;

export function createRouterHooks({ routedScope, report }: RouteEnvironment): RouterHooks {
  const routed = new WeakSet<object>();
  let isBroken = false;
  /** Looks at what belongs to the user's code, inside of it. */
  const attempt = (work: () => void): void => {
    if (isBroken) return;
    try {
      work();
    } catch (error) {
      isBroken = true;
      report(`routes of routers in the function are not found any more: ${error}`);
    }
  };
  const matched: RouteMatched = (request, route) => {
    const scope = routedScope();
    // The first request is the invocation's own: a handler may well ask its own app for something else.
    if (scope === undefined || (scope.route !== undefined && !routed.has(request))) return;
    routed.add(request);
    scope.route = route[0] === '/' ? route : `/${route}`;
  };
  const express = createExpressHooks(matched, attempt);
  const hono = (exports: object): void => attempt(() => hookHono(exports, matched, attempt));
  return {
    fastify: (message) => hookFastify(message, matched, attempt),
    expressLayer: express.layerStarted,
    module: (name, exports) => (name === 'hono' ? hono(exports) : express.hook(exports)),
    importing: createAnnouncedImport(hono),
  };
}
