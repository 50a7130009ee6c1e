// One call of a database as a span. Names: OpenTelemetry semantic conventions, "Database client calls".

import type { Attributes } from '@opentelemetry/api';
import type { CallEnvironment, CallScope, CallSpan } from '../call-scope.ts';

const CLIENT = 2;
const ERROR = 2;

export type DatabaseCallFacts = {
  /** `db.system.name` */
  readonly system: string;
  /** The command: `SELECT`, `GET`. */
  readonly operation: string | undefined;
  readonly database: string | undefined;
  /** Without values. */
  readonly statement: string | undefined;
  readonly host: string | undefined;
  readonly port: number | undefined;
};

export function beginDatabaseCall(
  environment: CallEnvironment,
  scope: CallScope,
  facts: DatabaseCallFacts,
  where: { readonly context?: CallScope['context']; readonly startedAt?: number } = {},
): CallSpan {
  const { system, operation, database, statement, host, port } = facts;
  const attributes: Attributes = { 'db.system.name': system };
  if (operation !== undefined) attributes['db.operation.name'] = operation;
  if (database) attributes['db.namespace'] = database;
  if (statement !== undefined) attributes['db.query.text'] = statement;
  if (host !== undefined) attributes['server.address'] = host;
  if (port !== undefined) attributes['server.port'] = port;
  return scope.startCall({
    // The databases of Redis are numbers.
    name: system === 'redis' || !database ? (operation ?? system) : `${operation ?? system} ${database}`,
    kind: CLIENT,
    startedAt: where.startedAt ?? environment.now(),
    attributes,
    context: where.context ?? environment.activeContext(),
  });
}

/** `error` as its caller gets to see it; `code` when it is known better than the error says. */
export function failDatabaseCall(span: CallSpan, error: unknown, knownCode?: string): void {
  const { code = knownCode, name, message } = (error ?? {}) as { code?: unknown; name?: unknown; message?: unknown };
  if (typeof code === 'string' && code !== '') span.setAttribute('db.response.status_code', code);
  span.setAttribute('error.type', typeof code === 'string' && code !== '' ? code : String(name ?? 'Error'));
  span.setStatus({ code: ERROR, message: String(message ?? error) });
  span.recordException(error instanceof Error ? error : String(message ?? error));
}

/** The command that a statement begins with. */
export function operationOf(statement: string): string | undefined {
  return /^\s*(?:--[^\n]*\n\s*|\/\*.*?\*\/\s*)*([a-z]{2,20})/is.exec(statement.slice(0, 2000))?.[1]?.toUpperCase();
}
