// Calls of database clients that publish them on Node's tracing channels: mysql2 from 3.20, node-redis and ioredis from 6 on.

import { subscribe } from 'node:diagnostics_channel';
import { withoutLiterals } from '../../export/xray/sql-literals.ts';
import type { CallEnvironment, CallScope, CallSpan } from '../call-scope.ts';
import { beginDatabaseCall, type DatabaseCallFacts, failDatabaseCall, operationOf } from './database-call.ts';
import { isInstrumentedByUser } from './user-instrumentations.ts';
import { LIBRARY_CHANNELS } from './watch-databases.ts';

/** What the libraries publish; each has only some of it. */
type Message = {
  readonly query?: string;
  readonly command?: string;
  /** Redis: without values already. */
  readonly args?: readonly string[];
  readonly batchMode?: string;
  readonly batchSize?: number;
  readonly database?: string | number;
  readonly serverAddress?: string;
  readonly serverPort?: number;
  readonly error?: unknown;
};

/** Longer statements are cut before they are looked at. */
const MAX_STATEMENT_CHARS = 8192;

export function followLibraryCalls(
  environment: CallEnvironment,
): (channel: string, message: object, scope: CallScope) => void {
  const open = new WeakMap<object, { readonly span: CallSpan; readonly scope: CallScope }>();
  const finish = (message: object): void => {
    const call = open.get(message);
    if (call === undefined) return;
    open.delete(message);
    const { error } = message as Message;
    if (error !== undefined && error !== null) failDatabaseCall(call.span, error, redisCodeOf(call.span, error));
    call.scope.endCall(call.span, environment.now());
  };
  for (const channel of Object.values(LIBRARY_CHANNELS).flat()) {
    subscribe(`tracing:${channel}:asyncStart`, (message) => finish(message as object));
    // A call that fails before anything was begun.
    subscribe(`tracing:${channel}:end`, (message) => {
      if ((message as Message).error !== undefined) finish(message as object);
    });
  }
  return (channel, message, scope) => {
    const facts = isInstrumentedByUser(environment, libraryOf(channel))
      ? undefined
      : factsOf(channel, message as Message);
    if (facts === undefined) return;
    const span = beginDatabaseCall(environment, scope, facts);
    const { batchSize } = message as Message;
    if (batchSize !== undefined) span.setAttribute('db.operation.batch.size', batchSize);
    open.set(message, { span, scope });
  };
}

const libraryOf = (channel: string): string =>
  Object.entries(LIBRARY_CHANNELS).find(([, channels]) => (channels as readonly string[]).includes(channel))![0];

/** What the clients say of themselves when they connect; some repeat the command among its arguments. */
const HANDSHAKE = /^(?:HELLO|AUTH|(?:CLIENT ){1,2}(?:SETINFO|SETNAME))\b/i;

/** Redis begins the text of an error with its code. */
function redisCodeOf(span: CallSpan, error: unknown): string | undefined {
  const { message } = error as { message?: unknown };
  if (span.attributes['db.system.name'] !== 'redis' || typeof message !== 'string') return undefined;
  return /^[A-Z]{3,30}\b/.exec(message)?.[0];
}

function factsOf(channel: string, message: Message): DatabaseCallFacts | undefined {
  const { database, serverAddress: host, serverPort: port } = message;
  const isNamed = database !== undefined && database !== 0;
  const place = { database: isNamed ? String(database) : undefined, host, port };
  if (channel.startsWith('mysql2:')) {
    const query = String(message.query ?? '').slice(0, MAX_STATEMENT_CHARS);
    return { system: 'mysql', operation: operationOf(query), statement: withoutLiterals(query, 'mysql'), ...place };
  }
  if (channel === 'node-redis:batch') {
    // The commands of a pipeline are published one by one as well.
    if (message.batchMode !== 'MULTI') return undefined;
    return { system: 'redis', operation: 'MULTI', statement: undefined, ...place };
  }
  const command = String(message.command ?? '').toUpperCase();
  const args = (message.args ?? []).map(String);
  if (HANDSHAKE.test([command, ...args].join(' '))) return undefined;
  // node-redis repeats the command among its arguments.
  if (args[0]?.toUpperCase() === command) args.shift();
  const statement = [command, ...args].join(' ').slice(0, MAX_STATEMENT_CHARS);
  return { system: 'redis', operation: command, statement, ...place };
}
