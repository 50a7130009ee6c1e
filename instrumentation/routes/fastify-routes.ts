// Reads the route of a request off Fastify, 4.10 and later. Its channel of handlers would leave out requests that hooks or a schema
// turn away, so every instance gets a hook of its own, before those of the function.
// Source: Fastify documentation, "Hooks" (Diagnostics Channel Hooks, onRequest), "Request" (routeOptions).

import type { RouteReading } from './watch-routers.ts';

type Request = {
  readonly raw: object;
  readonly is404: boolean;
  /** `url` with the prefixes of plugins; undefined where no route has matched. */
  readonly routeOptions?: { readonly url?: string };
};

type Fastify = {
  addHook(name: 'onRequest', hook: (request: Request, reply: unknown, done: () => void) => void): unknown;
};

export function hookFastify(message: object, { matched, attempt }: RouteReading): void {
  const { fastify } = message as { fastify: Fastify };
  fastify.addHook('onRequest', (request, _reply, done) => {
    attempt(() => {
      const url = request.is404 ? undefined : request.routeOptions?.url;
      if (typeof url === 'string') matched(request.raw, url);
    });
    done();
  });
}
