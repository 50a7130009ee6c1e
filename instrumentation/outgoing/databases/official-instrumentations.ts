// OpenTelemetry's own instrumentations of databases' clients, in a bundle of its own that is loaded with the first such client. They
// are applied to the modules we are handed; their hooks into the module loader are not used.

import { AsyncResource } from 'node:async_hooks';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Span, Tracer, TracerProvider } from '@opentelemetry/api';
import type { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { MongoDBInstrumentation } from '@opentelemetry/instrumentation-mongodb';
import { MySQL2Instrumentation } from '@opentelemetry/instrumentation-mysql2';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { RedisInstrumentation } from '@opentelemetry/instrumentation-redis';
import { withoutLiterals } from '../../export/xray/sql-literals.ts';
import type { LoadedModule } from '../watch-modules.ts';
import { operationOf } from './database-call.ts';
import { isInRange } from './version-range.ts';

export type DatabaseInstrumentations = {
  /** Patches the module, if it is one of a package that needs it; the package's name. */
  apply(module: LoadedModule): string | undefined;
};

export type DatabaseOptions = {
  /** By the names of `OTEL_NODE_ENABLED_INSTRUMENTATIONS`. */
  isEnabled(instrumentation: string): boolean;
  readonly provider: TracerProvider;
};

/** Versions that have the file publish their calls themselves, and are traced by that. */
const PUBLISHING: Readonly<Record<string, string>> = {
  mysql2: 'lib/tracing.js',
  ioredis: 'built/tracing.js',
  '@redis/client': 'dist/lib/client/tracing.js',
};

type Definition = InstrumentationNodeModuleDefinition;

const FACTORIES: Readonly<Record<string, () => unknown>> = {
  pg: () =>
    new PgInstrumentation({
      requestHook(span, { query, connection }) {
        span.setAttribute('db.query.text', withoutLiterals(query.text, 'standard'));
        // As calls are named that are traced on the wire.
        span.updateName([operationOf(query.text) ?? 'postgresql', connection.database].filter(Boolean).join(' '));
      },
      ignoreConnectSpans: true,
    }),
  mysql2: () =>
    new MySQL2Instrumentation({
      maskStatement: true,
      maskStatementHook: (query) => withoutLiterals(query, 'mysql'),
    }),
  mongodb: () => new MongoDBInstrumentation(),
  ioredis: () => new IORedisInstrumentation({ requireParentSpan: false }),
  redis: () => new RedisInstrumentation(),
};

export function createDatabaseInstrumentations(options: DatabaseOptions): DatabaseInstrumentations {
  const definitions: Definition[] = [];
  const provider = namingErrors(options.provider);
  for (const [name, create] of Object.entries(FACTORIES)) {
    if (!options.isEnabled(name)) continue;
    const instrumentation = create() as InstrumentationBase;
    instrumentation.setTracerProvider(provider);
    // Each is patched by us: `enable` would ask for the loader's hooks.
    definitions.push(...(instrumentation.getModuleDefinitions() as Definition[]));
  }
  const patched = new WeakSet<object>();
  return {
    apply({ id, parentFilename, exports }) {
      const place = locate(id, parentFilename);
      if (place === undefined || patched.has(exports)) return undefined;
      const version = versionOf(place.folder);
      const publishing = PUBLISHING[place.name];
      if (version === undefined || (publishing !== undefined && existsSync(join(place.folder, publishing))))
        return undefined;
      for (const definition of definitions) {
        if (definition.name !== place.name) continue;
        for (const target of place.isMain ? [definition] : []) {
          if (target.patch === undefined || !isInRange(version, target.supportedVersions)) continue;
          patched.add(exports);
          target.patch(exports, version);
          if (place.name === 'pg-pool') bindWaiters(exports as PoolClass);
        }
        for (const file of definition.files) {
          if (file.name !== place.file || !isInRange(version, file.supportedVersions)) continue;
          patched.add(exports);
          file.patch(exports, version);
        }
      }
      return patched.has(exports) ? place.name : undefined;
    },
  };
}

/** The instrumentations record exceptions, pg's as a text, and leave `error.type` out. */
function namingErrors(provider: TracerProvider): TracerProvider {
  const named = (span: Span): Span => {
    const { recordException } = span;
    span.recordException = (exception, time) => {
      const { code, name } = Object(exception) as { code?: unknown; name?: unknown };
      const type = code ?? /\(code: (\w+)\)$/.exec(String(exception))?.[1] ?? name;
      if (type !== undefined) span.setAttribute('error.type', String(type));
      Reflect.apply(recordException, span, [exception, time]);
    };
    return span;
  };
  return {
    getTracer(...scope) {
      const tracer = provider.getTracer(...scope);
      return {
        startSpan: (...args) => named(tracer.startSpan(...args)),
        startActiveSpan: tracer.startActiveSpan.bind(tracer) as Tracer['startActiveSpan'],
      };
    },
  };
}

type Waiter = (...args: unknown[]) => unknown;
type PoolClass = { readonly prototype: { connect(waiter?: Waiter): unknown } };

/** Who waits for a connection goes on in the context of whoever gave it back, unless he is bound to his own. */
function bindWaiters({ prototype }: PoolClass): void {
  const { connect } = prototype;
  prototype.connect = function (this: unknown, waiter?: Waiter) {
    return Reflect.apply(connect, this, [typeof waiter === 'function' ? AsyncResource.bind(waiter) : waiter]);
  };
}

type Place = {
  /** Of the package. */
  readonly name: string;
  readonly folder: string;
  /** With the package's name: `mysql2/lib/connection.js`. */
  readonly file: string;
  readonly isMain: boolean;
};

const IN_PACKAGE = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/](.+)$/;

function locate(id: string, parentFilename: string | undefined): Place | undefined {
  const isPath = id.startsWith('/');
  if (!isPath && parentFilename === undefined) return undefined;
  const filename = isPath ? id : createRequire(parentFilename!).resolve(id);
  const [, folder, name, file] = IN_PACKAGE.exec(filename) ?? [];
  if (folder === undefined || name === undefined || file === undefined) return undefined;
  return { name, folder, file: `${name}/${file}`, isMain: id === name || filename === mainOf(folder) };
}

const manifests = new Map<string, { readonly version?: string; readonly main?: string } | undefined>();

function manifestOf(folder: string): { readonly version?: string; readonly main?: string } | undefined {
  if (!manifests.has(folder)) {
    try {
      manifests.set(folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
    } catch {
      manifests.set(folder, undefined);
    }
  }
  return manifests.get(folder);
}

const versionOf = (folder: string): string | undefined => manifestOf(folder)?.version;

function mainOf(folder: string): string | undefined {
  try {
    return createRequire(join(folder, 'package.json')).resolve(join(folder, manifestOf(folder)?.main ?? 'index.js'));
  } catch {
    return undefined;
  }
}
