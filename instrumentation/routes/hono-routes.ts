// Reads the route of a request off Hono, whose routers are hooked when routes are added to them. Middleware is told from handlers as
// Hono itself does it: it is there for all methods and takes `next`.
// Source: Hono documentation, "Routing", "Middleware", "Route Helper".

import type { RouteReading } from './watch-routers.ts';

type Handler = ((context: object, next: unknown) => unknown) & { readonly __COMPOSED_HANDLER?: Handler };
type Entry = [handler: Handler, route: { readonly path: string }];

type Router = { add(method: string, path: string, entry: Entry): void };

const hooked = new WeakSet<object>();

export function hookHono(exports: object, reading: RouteReading): void {
  const { Hono } = exports as { readonly Hono?: new () => { readonly router: Router } };
  if (typeof Hono !== 'function') return;
  const router = Object.getPrototypeOf(new Hono().router) as Router;
  const { add } = router;
  if (typeof add !== 'function' || hooked.has(router)) return;
  hooked.add(router);
  router.add = function (this: Router, method, path, entry) {
    return Reflect.apply(add, this, [method, path, withRoute(method, entry, reading)]);
  };
}

function withRoute(method: string, entry: Entry, { matched, attempt }: RouteReading): Entry {
  const [handler, route] = entry;
  if (typeof handler !== 'function' || typeof route?.path !== 'string') return entry;
  if (method === 'ALL' && targetOf(handler).length > 1) return entry;
  // Hono reads how many parameters a handler has from the route, not from here.
  return [
    (context, next) => {
      attempt(() => matched(context, route.path));
      return handler(context, next);
    },
    route,
  ];
}

/** Of an app that is mounted with an error handler of its own. */
const targetOf = (handler: Handler): Handler =>
  typeof handler.__COMPOSED_HANDLER === 'function' ? targetOf(handler.__COMPOSED_HANDLER) : handler;
