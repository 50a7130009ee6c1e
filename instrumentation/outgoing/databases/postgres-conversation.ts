// One connection to PostgreSQL: which queries are under way, and how each ends. The server answers in order, and says when it is ready
// for the next. Source: PostgreSQL manual, "Message Flow".

import type { Socket } from 'node:net';
import { withoutLiterals } from '../../export/xray/sql-literals.ts';
import type { CallEnvironment, CallScope, CallSpan } from '../call-scope.ts';
import { beginDatabaseCall, failDatabaseCall, operationOf } from './database-call.ts';
import { MessageStream, readText } from './message-stream.ts';

/** Prepared statements that are remembered by name, per connection. */
const MAX_STATEMENTS = 500;
const MAX_STATEMENT_CHARS = 8192;

/** Everything up to one "ready for query". Without a span: nothing that is recorded. */
type Exchange = { readonly span: CallSpan | undefined; readonly scope: CallScope | undefined };

/** What the client has sent of an extended query, before its `Sync`. */
type Draft = { statement: string | undefined; isExecuted: boolean; readonly startedAt: number };

export class PostgresConversation {
  readonly #environment: CallEnvironment;
  readonly #socket: Socket;
  readonly #database: string | undefined;
  readonly #client = new MessageStream('QPBC', (type, payload) => this.#clientSays(type, payload));
  readonly #server = new MessageStream('E', (type, payload) => this.#serverSays(type, payload));
  readonly #statements = new Map<string, string>();
  readonly #exchanges: Exchange[] = [];
  #draft: Draft | undefined;

  /** `parameters`: of the startup message, names and values in turn. */
  constructor(environment: CallEnvironment, parameters: Buffer, socket: Socket) {
    this.#environment = environment;
    this.#socket = socket;
    const known = readParameters(parameters);
    this.#database = known.database ?? known.user;
  }

  sent(chunk: Buffer): void {
    this.#client.feed(chunk);
  }

  received(chunk: Buffer): void {
    this.#server.feed(chunk);
  }

  closed(): void {
    for (const exchange of this.#exchanges.splice(0)) {
      const { span } = exchange;
      // The server may have said why.
      if (span !== undefined && span.attributes['error.type'] === undefined) {
        failDatabaseCall(span, new Error('the connection closed'));
      }
      this.#finish(exchange);
    }
  }

  #clientSays(type: string, payload: Buffer): void {
    if (type === 'Q') {
      this.#exchanges.push(this.#begin(readText(payload, 0).text, this.#environment.now()));
    } else if (type === 'P') {
      const { text: name, end } = readText(payload, 0);
      const { text: statement } = readText(payload, end);
      this.#drafted().statement = statement;
      if (name !== '' && this.#statements.size < MAX_STATEMENTS) this.#statements.set(name, statement);
    } else if (type === 'B') {
      const { end } = readText(payload, 0);
      this.#drafted().statement ??= this.#statements.get(readText(payload, end).text);
    } else if (type === 'C' && payload[0] === 0x53) {
      this.#statements.delete(readText(payload, 1).text);
    } else if (type === 'E') this.#drafted().isExecuted = true;
    else if (type === 'S') {
      const draft = this.#draft;
      this.#draft = undefined;
      const isQuery = draft?.isExecuted && draft.statement !== undefined;
      this.#exchanges.push(
        isQuery ? this.#begin(draft.statement!, draft.startedAt) : { span: undefined, scope: undefined },
      );
    }
  }

  #drafted(): Draft {
    this.#draft ??= { statement: undefined, isExecuted: false, startedAt: this.#environment.now() };
    return this.#draft;
  }

  #serverSays(type: string, payload: Buffer): void {
    if (type === 'E') {
      const span = this.#exchanges[0]?.span;
      if (span !== undefined) failDatabaseCall(span, readError(payload));
    } else if (type === 'Z') {
      // The first one ends the greeting.
      const exchange = this.#exchanges.shift();
      if (exchange !== undefined) this.#finish(exchange);
    }
  }

  #begin(query: string, startedAt: number): Exchange {
    const here = this.#environment.here();
    // A client that queues queries writes them in the context of its connection, which may be an earlier invocation's.
    const isLost = here === undefined || (here.isRecorded && here.isClosed);
    const scope = isLost ? this.#environment.present() : here;
    if (!scope?.isRecorded) return { span: undefined, scope: undefined };
    const statement = query.slice(0, MAX_STATEMENT_CHARS);
    const span = beginDatabaseCall(
      this.#environment,
      scope,
      {
        system: 'postgresql',
        operation: operationOf(statement),
        database: this.#database,
        statement: withoutLiterals(statement, 'standard'),
        host: this.#socket.remoteAddress,
        port: this.#socket.remotePort,
      },
      { startedAt, ...(isLost ? { context: scope.context } : {}) },
    );
    return { span, scope };
  }

  #finish({ span, scope }: Exchange): void {
    if (span !== undefined) scope!.endCall(span, this.#environment.now());
  }
}

function readParameters(payload: Buffer): Record<string, string> {
  const known: Record<string, string> = {};
  for (let at = 0; at < payload.length && payload[at] !== 0; ) {
    const name = readText(payload, at);
    const value = readText(payload, name.end);
    known[name.text] = value.text;
    at = value.end;
  }
  return known;
}

/** Fields of an ErrorResponse: a letter and a text each. */
function readError(payload: Buffer): { readonly name: string; readonly code: string; readonly message: string } {
  const fields: Record<string, string> = {};
  for (let at = 0; at < payload.length && payload[at] !== 0; ) {
    const { text, end } = readText(payload, at + 1);
    fields[String.fromCharCode(payload[at]!)] = text;
    at = end;
  }
  return { name: 'PostgresError', code: fields.C ?? '', message: fields.M ?? 'error' };
}
