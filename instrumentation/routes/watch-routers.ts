// Notices web frameworks that have routers: Fastify and newer versions of Express say so themselves on diagnostics channels, bundled
// or not; older Express and Hono are hooked when their modules are loaded. Nothing of ours is loaded before that.

import { subscribe } from 'node:diagnostics_channel';
import type { ResolveFnOutput } from 'node:module';
import type { CallEnvironment } from '../outgoing/call-scope.ts';

/** An invocation, as far as its route is concerned. */
export type RoutedScope = {
  /** What a router has matched, `/orders/:id`; the last one counts. */
  route: string | undefined;
};

export type RouteEnvironment = Pick<CallEnvironment, 'report'> & {
  /** The invocation that the running code belongs to. It is not worked out what that is. */
  routedScope(): RoutedScope | undefined;
};

/** What the `routes` bundle makes. Each method takes what a framework or the module loader hands out, once. */
export type RouterHooks = {
  /** A message of the channel `fastify.initialization`. */
  fastify(message: object): void;
  /** A message of the channel `tracing:express.router.request:start`. */
  expressLayer(message: object): void;
  /** A module of a framework that has been loaded. */
  module(name: HookedFramework, exports: object): void;
  /** The URL by which Hono, an ES module at `url`, is to be imported; undefined: that one. */
  importing(url: string): string | undefined;
};

/** What reads the routes of a framework has to work with. */
export type RouteReading = {
  /** A router has matched a route of a request. */
  matched(request: object, route: string): void;
  /** Looks at what belongs to the user's code, inside of it: never throws. */
  attempt(work: () => void): void;
};

export type HookedFramework = 'express' | 'hono';

export type RouterOptions = {
  isEnabled(instrumentation: string): boolean;
  /** From a bundle of its own, when a framework is there. */
  createRouterHooks(environment: RouteEnvironment): RouterHooks;
};

export type RouterWatch = {
  isEnabled(framework: string): boolean;
  /** Takes the exports of a framework's main module. Never throws. */
  moduleLoaded(framework: string, exports: object): void;
  /** Takes where the main module of Hono was found; an ES module is imported by way of one that announces it. */
  resolved(found: ResolveFnOutput, conditions: readonly string[]): ResolveFnOutput;
};

export function watchRouters(environment: RouteEnvironment, options: RouterOptions): RouterWatch {
  const { isEnabled } = options;
  let hooks: RouterHooks | undefined;
  let isBroken = false;
  const attempt = (work: (hooks: RouterHooks) => unknown): void => {
    if (isBroken) return;
    try {
      hooks ??= options.createRouterHooks(environment);
      work(hooks);
    } catch (error) {
      // Node would take it for an uncaught exception of the function.
      isBroken = true;
      environment.report(`routes of routers in the function are not found any more: ${error}`);
    }
  };
  if (isEnabled('fastify')) {
    subscribe('fastify.initialization', (message) => attempt(({ fastify }) => fastify(message as object)));
  }
  if (isEnabled('express')) {
    subscribe('tracing:express.router.request:start', (message) =>
      attempt(({ expressLayer }) => expressLayer(message as object)),
    );
  }
  return {
    isEnabled,
    moduleLoaded(framework, exports) {
      if (isEnabled(framework)) attempt(({ module }) => module(framework as HookedFramework, exports));
    },
    resolved(found, conditions) {
      let url: string | undefined;
      if (found.format === 'module' && conditions.includes('import'))
        attempt(({ importing }) => (url = importing(found.url)));
      return url === undefined ? found : { url, format: 'module' };
    },
  };
}
