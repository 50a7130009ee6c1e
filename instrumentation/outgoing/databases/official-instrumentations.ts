// OpenTelemetry's own instrumentations of databases' clients, in a bundle of its own that is loaded with the first client that
// needs one. They are applied to the modules we are handed; their hooks into the module loader are not used.

import { AsyncResource } from 'node:async_hooks';
import type { Span, Tracer, TracerProvider } from '@opentelemetry/api';
import type { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { MongoDBInstrumentation } from '@opentelemetry/instrumentation-mongodb';
import { MySQL2Instrumentation } from '@opentelemetry/instrumentation-mysql2';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { RedisInstrumentation } from '@opentelemetry/instrumentation-redis';
import { withoutLiterals } from '../../export/xray/sql-literals.ts';
import { InertSpan } from '../../inert-span.ts';
import type { CallEnvironment } from '../call-scope.ts';
import type { ClientModule } from './client-modules.ts';
import { operationOf } from './database-call.ts';
import { instrumentationNameOf, isInstrumentedByUser } from './user-instrumentations.ts';
import { isInRange } from './version-range.ts';

export type DatabaseInstrumentations = {
  /** False: there is nothing to patch in the module. */
  patch(module: ClientModule): boolean;
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

export function createDatabaseInstrumentations(
  provider: TracerProvider,
  environment: CallEnvironment,
): DatabaseInstrumentations {
  const created = new Map<string, readonly Definition[]>();
  const definitionsOf = (name: string): readonly Definition[] => {
    let definitions = created.get(name);
    if (definitions === undefined) {
      const { instrumentations } = environment;
      const fullName = instrumentationNameOf(name);
      const isUsers = instrumentations?.has(fullName);
      const instrumentation = FACTORIES[name]!() as InstrumentationBase;
      // Ours has asked for a tracer like any other when it was made.
      if (!isUsers) instrumentations?.delete(fullName);
      instrumentation.setTracerProvider(besideUsers(namingErrors(provider), environment, name));
      // Each module is patched by us: `enable` would ask for the loader's hooks.
      definitions = instrumentation.getModuleDefinitions() as Definition[];
      created.set(name, definitions);
    }
    return definitions;
  };
  return {
    patch({ instrumentation, name, version, file, isMain, exports }) {
      let isPatched = false;
      for (const definition of definitionsOf(instrumentation)) {
        if (definition.name !== name) continue;
        if (isMain && definition.patch !== undefined && isInRange(version, definition.supportedVersions)) {
          definition.patch(exports, version);
          isPatched = true;
        }
        for (const part of definition.files) {
          if (part.name !== file || !isInRange(version, part.supportedVersions)) continue;
          part.patch(exports, version);
          isPatched = true;
        }
      }
      if (isPatched && name === 'pg-pool') bindWaiters(exports as PoolClass);
      return isPatched;
    },
  };
}

const NO_SPAN_CONTEXT = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };

/** Makes no spans where an instrumentation of the user's own makes them. */
function besideUsers(provider: TracerProvider, environment: CallEnvironment, name: string): TracerProvider {
  return {
    getTracer(...scope) {
      const tracer = provider.getTracer(...scope);
      return {
        startActiveSpan: tracer.startActiveSpan.bind(tracer) as Tracer['startActiveSpan'],
        startSpan(spanName, options, context = environment.activeContext()) {
          if (!isInstrumentedByUser(environment, name)) return tracer.startSpan(spanName, options, context);
          return new InertSpan(environment.spanContextOf(context) ?? NO_SPAN_CONTEXT);
        },
      };
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
