// Notices the few modules that are worth a hook when user code loads them unbundled: AWS SDK v3 clients, whose input can still be
// added to, databases' clients that publish nothing by themselves, web frameworks whose routers do not either, and `node:http2`.
// Nothing of ours is loaded before that.

import { subscribe } from 'node:diagnostics_channel';
import type * as http2 from 'node:http2';
import { registerHooks } from 'node:module';
import type { RouterWatch } from '../routes/watch-routers.ts';
import type { CallEnvironment } from './call-scope.ts';

export type ClientTracer = {
  /** Makes a client of AWS SDK v3 tell of its commands; at most once for each. */
  prepareClient(client: object): void;
};

/** A module of a database's client, as `require` has loaded it. */
export type LoadedModule = {
  readonly id: string;
  readonly parentFilename: string | undefined;
  readonly exports: object;
};

export type ModuleWatch = {
  readonly environment: CallEnvironment;
  /** undefined: AWS clients are left alone. */
  readonly clients: (() => ClientTracer) | undefined;
  /** undefined: databases' clients are left alone. */
  readonly databases: ((module: LoadedModule) => void) | undefined;
  /** Hooks `node:http2`; undefined: it is left alone. */
  readonly http2: ((exports: typeof http2) => void) | undefined;
  readonly routers: RouterWatch;
  loadHttp2(): typeof http2;
};

const SMITHY_CLIENT = /^(?:@smithy\/core\/client|@(?:smithy|aws-sdk)\/smithy-client)$/;
const DATABASE = /(?:^|\/)(?:pg|pg-pool|mysql2|mongodb|ioredis|redis|@(?:node-)?redis\/client)(?:$|\/)/;
/** By its name, or as an ES module imports it. */
const FRAMEWORK = /(?:^|\/node_modules\/)(express|hono)(?:\/(?:index\.js|tiny|quick))?$/;
const HONO = /^hono(?:\/(?:tiny|quick))?$/;

export function watchModules(watch: ModuleWatch): void {
  const { environment, clients, databases, routers } = watch;
  const attempt = (what: string, work: () => void): void => {
    try {
      work();
    } catch (error) {
      environment.report(`${what} cannot be hooked, its calls are traced on the wire only: ${error}`);
    }
  };
  const hasHono = routers.isEnabled('hono');
  if (watch.http2 !== undefined || hasHono) {
    let isHooked = watch.http2 === undefined;
    registerHooks({
      resolve(specifier, context, next) {
        if (!isHooked && (specifier === 'http2' || specifier === 'node:http2')) {
          isHooked = true;
          attempt(specifier, () => watch.http2!(watch.loadHttp2()));
        }
        const found = next(specifier, context);
        return hasHono && HONO.test(specifier) ? routers.resolved(found, context.conditions) : found;
      },
    });
  }
  const hasRouters = hasHono || routers.isEnabled('express');
  if (clients === undefined && databases === undefined && !hasRouters) return;
  // What is thrown from here Node would take for an uncaught exception of the function.
  subscribe('tracing:module.require:end', (message) => {
    const { id, parentFilename, result } = message as { id: string; parentFilename?: string; result?: unknown };
    if ((typeof result !== 'object' && typeof result !== 'function') || result === null) return;
    attempt(id, () => {
      if (SMITHY_CLIENT.test(id)) {
        if (clients !== undefined) hookClient(result, environment, clients);
      } else if (databases !== undefined && DATABASE.test(id[0] === '.' ? (parentFilename ?? '') : id)) {
        databases({ id, parentFilename, exports: result });
      } else if (hasRouters) {
        const [, framework] = FRAMEWORK.exec(id) ?? [];
        if (framework !== undefined) routers.moduleLoaded(framework, result);
      }
    });
  });
}

type ClientClass = { prototype: { send(...args: unknown[]): unknown } };

const hookedClasses = new WeakSet<object>();

/** All clients inherit `send`; it is the first moment at which each can be reached, and early enough. */
function hookClient(exports: object, environment: CallEnvironment, load: () => ClientTracer): void {
  const { Client } = exports as { Client?: ClientClass };
  if (typeof Client?.prototype?.send !== 'function' || hookedClasses.has(Client)) return;
  hookedClasses.add(Client);
  const { prototype } = Client;
  const { send } = prototype;
  prototype.send = function (this: object, ...args: unknown[]) {
    try {
      if (environment.here()?.isRecorded) load().prepareClient(this);
    } catch (error) {
      environment.report(`a client of the AWS SDK is traced on the wire only: ${error}`);
    }
    return Reflect.apply(send, this, args);
  };
}
