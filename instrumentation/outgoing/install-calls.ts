// Puts the watching of outgoing calls together: what is noticed at all, and what is loaded when something is.

import type * as http2 from 'node:http2';
import type { TracerProvider } from '@opentelemetry/api';
import type { RouterWatch } from '../routes/watch-routers.ts';
import type { InjectionTarget } from './aws/message-injection.ts';
import type { CallEnvironment } from './call-scope.ts';
import type { ClientModule, ClientModules } from './databases/client-modules.ts';
import type { DatabaseInstrumentations } from './databases/official-instrumentations.ts';
import { watchDatabases } from './databases/watch-databases.ts';
import { hookHttp2 } from './http2-hook.ts';
import type { OutgoingOptions, OutgoingTracer } from './outgoing-tracer.ts';
import { type Propagation, watchCalls } from './watch-calls.ts';
import { watchModules } from './watch-modules.ts';

export type CallOptions = {
  /** From a bundle of its own, at the first call of a recorded invocation. */
  createOutgoingTracer(environment: CallEnvironment, options: OutgoingOptions): OutgoingTracer;
  /** From a bundle of its own, at the first call of another invocation. */
  loadPropagation(): Propagation;
  /** From a bundle of its own, when a module of a database's client is loaded. */
  createClientModules(
    isEnabled: (instrumentation: string) => boolean,
    patch: (module: ClientModule) => boolean,
  ): ClientModules;
  /** From a bundle of its own, when it is one that does not publish its calls. */
  createDatabaseInstrumentations(provider: TracerProvider, environment: CallEnvironment): DatabaseInstrumentations;
  isEnabled(instrumentation: string): boolean;
  readonly injectionTargets: readonly InjectionTarget[];
  /** `host:port` of the platform's own API. */
  readonly ownAddress: string;
};

type CallSurroundings = {
  readonly provider: TracerProvider;
  readonly loadModule: NodeJS.Require;
  readonly routers: RouterWatch;
};

const OFFICIAL = ['pg', 'mysql2', 'mongodb', 'ioredis', 'redis'] as const;

export function installCalls(
  environment: CallEnvironment,
  options: CallOptions,
  { provider, loadModule, routers }: CallSurroundings,
): void {
  const { isEnabled, injectionTargets } = options;
  const tracesAws = isEnabled('aws-sdk');
  let loaded: OutgoingTracer | undefined;
  const tracer = (): OutgoingTracer => {
    loaded ??= options.createOutgoingTracer(environment, { tracesAws, injectionTargets });
    return loaded;
  };
  let instrumentations: DatabaseInstrumentations | undefined;
  let clientModules: ClientModules | undefined;
  const patch = (module: ClientModule): boolean => {
    instrumentations ??= options.createDatabaseInstrumentations(provider, environment);
    return instrumentations.patch(module);
  };
  watchCalls(environment, isEnabled, tracer, options.loadPropagation);
  const databases = watchDatabases(environment, { isEnabled, ownAddress: options.ownAddress, load: tracer });
  watchModules({
    environment,
    clients: tracesAws ? tracer : undefined,
    databases: OFFICIAL.some(isEnabled)
      ? (module) => {
          clientModules ??= options.createClientModules(isEnabled, patch);
          if (clientModules.apply(module) === 'pg') databases.leavePostgres();
        }
      : undefined,
    http2: isEnabled('http2') || isEnabled('grpc') ? (exports) => hookHttp2(exports, tracer) : undefined,
    routers,
    loadHttp2: () => loadModule('node:http2') as typeof http2,
  });
}
