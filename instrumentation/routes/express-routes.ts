// Reads the route of a request off Express. From 5.3 on its router says on a channel which layer runs; in versions before, routes and
// mounted routers are hooked. Either way what is known are the pattern of the layer and the base URL as the client has sent it: the
// pattern of that is put together from the layers on the way.
// Source: README of `router`, "Diagnostics"; Express API, "Router", "req.baseUrl".

import type { RouteReading } from './watch-routers.ts';

export type ExpressHooks = {
  /** Of the channel's `start`. */
  layerStarted(message: object): void;
  /** Hooks the main module of a version without the channel. */
  hook(exports: object): void;
};

type Pattern = string | RegExp | readonly Pattern[];
type Request = { readonly baseUrl?: string };
type Layer = Record<string, unknown>;
type Handle = (this: Layer, request: Request, ...rest: unknown[]) => unknown;

type LayerMessage = {
  readonly req: Request;
  readonly layer: Layer;
  readonly route?: Pattern;
  /** A callback of `router.param`. */
  readonly param?: string;
  readonly errorHandler?: boolean;
};

type Router = { stack: Layer[]; use(...args: unknown[]): unknown };
type Express = {
  readonly Route?: { readonly prototype: { dispatch?: (this: { path: Pattern }, ...args: unknown[]) => unknown } };
  /** In 4 the prototype of routers itself. */
  readonly Router?: ((options?: object) => Router) & Partial<Router> & { readonly prototype?: Partial<Router> };
};

export function createExpressHooks({ matched, attempt }: RouteReading): ExpressHooks {
  const bases = new WeakMap<Request, Map<string, string>>();
  const hooked = new WeakSet<object>();

  const mountReached = (request: Request, pattern: Pattern): void => {
    const { baseUrl = '' } = request;
    if (baseUrl === '') return;
    const known = bases.get(request) ?? new Map<string, string>();
    bases.set(request, known);
    const path = textOf(pattern);
    const parent = parentOf(baseUrl, path, known);
    known.set(baseUrl, (known.get(parent) ?? parent) + path);
  };

  const routeReached = (request: Request, pattern: Pattern): void => {
    const { baseUrl = '' } = request;
    const path = textOf(pattern);
    const base = bases.get(request)?.get(baseUrl) ?? baseUrl;
    matched(request, base === '' ? path || '/' : base + path);
  };

  const hookUse = (target: Partial<Router>): void => {
    const { use } = target;
    if (use === undefined) return;
    target.use = function (this: Router, ...args: unknown[]) {
      const before = this.stack?.length ?? 0;
      const result = Reflect.apply(use, this, args);
      const pattern = typeof innermost(args[0]) === 'function' ? '/' : (args[0] as Pattern);
      attempt(() => {
        if (textOf(pattern) !== '') for (const layer of this.stack.slice(before)) hookMount(layer, pattern);
      });
      return result;
    };
  };

  const hookMount = (layer: Layer, pattern: Pattern): void => {
    const name = 'handleRequest' in layer ? 'handleRequest' : 'handle_request';
    const handle = layer[name];
    if (typeof handle !== 'function') return;
    const value: Handle = function (request, ...rest) {
      attempt(() => mountReached(request, pattern));
      return Reflect.apply(handle, this, [request, ...rest]);
    };
    Object.defineProperty(layer, name, { value, configurable: true, writable: true });
  };

  return {
    layerStarted(message) {
      const { req, layer, route, param, errorHandler } = message as LayerMessage;
      if (route === undefined || param !== undefined || errorHandler === true) return;
      // Those of a route have one, which is undefined for `all`; those of `use` have none.
      if ('method' in layer) routeReached(req, route);
      else if (textOf(route) !== '') mountReached(req, route);
    },
    hook(exports) {
      const { Route, Router } = exports as Express;
      const { dispatch } = Route?.prototype ?? {};
      if (Route === undefined || Router === undefined || dispatch === undefined || hooked.has(Route)) return;
      hooked.add(Route);
      if (publishesLayers(Router)) return;
      Route.prototype.dispatch = function (...args) {
        attempt(() => routeReached(args[0] as Request, this.path));
        return Reflect.apply(dispatch, this, args);
      };
      hookUse(typeof Router.use === 'function' ? Router : (Router.prototype ?? {}));
    },
  };
}

/** `rawPath` came with the channel. */
function publishesLayers(createRouter: (options?: object) => Router): boolean {
  const router = createRouter();
  router.use(() => {});
  return 'rawPath' in (router.stack[0] ?? {});
}

const innermost = (value: unknown): unknown => (Array.isArray(value) ? innermost(value[0]) : value);

/** As the function has written it; without the slash at the end that makes no difference, so that `/` is nothing. */
function textOf(pattern: Pattern): string {
  if (typeof pattern === 'string') return pattern.endsWith('/') ? pattern.slice(0, -1) : pattern;
  return Array.isArray(pattern) ? pattern.map(textOf).join(',') : String(pattern);
}

/** What may match any number of segments, or what is no path at all. */
const IS_VAGUE = /[*?+(){}[\]\\,^$|]/;

/** The base URL of the router in which a layer of that path has led to `baseUrl`. */
function parentOf(baseUrl: string, path: string, known: ReadonlyMap<string, string>): string {
  if (!IS_VAGUE.test(path)) {
    const segments = baseUrl.split('/');
    const own = path.split('/').length - (path[0] === '/' ? 1 : 0);
    return segments.slice(0, Math.max(1, segments.length - own)).join('/');
  }
  let parent = '';
  for (const base of known.keys()) {
    if (base.length > parent.length && baseUrl.startsWith(`${base}/`)) parent = base;
  }
  return parent;
}
