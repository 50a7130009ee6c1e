// The `sql` block of a query to a relational database: where it went and what it asked, without credentials and without values.

import { peekText, type SpanAttributes, takeText } from './span-attributes.ts';
import { type SqlDialect, withoutLiterals } from './sql-literals.ts';
import type { SqlBlock } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';
import { authorityOf, withoutSecrets } from './url.ts';

/** `db.system` and `db.system.name` values that speak SQL; others (DynamoDB, Redis, …) have no such block. */
const SQL_SYSTEMS: ReadonlySet<string> = new Set([
  'db2',
  'derby',
  'hive',
  'ibm.db2',
  'mariadb',
  'microsoft.sql_server',
  'mssql',
  'mysql',
  'oracle',
  'oracle.db',
  'other_sql',
  'postgresql',
  'sqlite',
  'teradata',
]);

const DIALECTS: Readonly<Record<string, SqlDialect>> = {
  mariadb: 'mysql',
  'microsoft.sql_server': 'mssql',
  mssql: 'mssql',
  mysql: 'mysql',
};

const KEYS = {
  system: ['db.system.name', 'db.system'],
  database: ['db.namespace', 'db.name'],
  query: ['db.query.text', 'db.statement'],
  user: ['db.user', 'user.name'],
  connection: ['db.connection_string'],
  host: ['server.address', 'net.peer.name', 'net.peer.ip'],
  port: ['server.port', 'net.peer.port'],
} as const satisfies Record<string, readonly string[]>;

/** What alone makes a span a query. */
export const SQL_KEYS: readonly string[] = KEYS.system;

/** The block of a span that has one of `SQL_KEYS`; undefined when the span asks no SQL database. */
export function sqlBlockOf(attributes: SpanAttributes): SqlBlock | undefined {
  const system = peekText(attributes, 'db.system.name') ?? peekText(attributes, 'db.system');
  if (system === undefined || !SQL_SYSTEMS.has(system)) return undefined;
  takeText(attributes, KEYS.system);
  const block: SqlBlock = {};
  const database = takeText(attributes, KEYS.database);
  // Taken even when unused: it may hold a password, and must not end in the metadata.
  const connection = takeText(attributes, KEYS.connection);
  const host = takeText(attributes, KEYS.host);
  const port = takeText(attributes, KEYS.port);
  if (host !== undefined) {
    const path = database === undefined ? '' : `/${database}`;
    block.url = cutText(withoutSecrets(`${system}://${authorityOf(host, port)}${path}`), GENERIC_TEXT_CHARS);
  } else if (connection !== undefined) {
    block.connection_string = cutText(connectionWithoutSecrets(connection), GENERIC_TEXT_CHARS);
  }
  const query = takeText(attributes, KEYS.query);
  if (query !== undefined) block.sanitized_query = withoutLiterals(query, DIALECTS[system] ?? 'standard');
  block.database_type = cutText(system, GENERIC_TEXT_CHARS);
  const user = takeText(attributes, KEYS.user);
  if (user !== undefined) block.user = cutText(user, GENERIC_TEXT_CHARS);
  // The name under which the driver prepared the statement.
  if (peekText(attributes, 'db.postgresql.plan') !== undefined) block.preparation = 'statement';
  return block;
}

/** Keeps the parts of a `key=value;` list that name a place; a URL loses userinfo and query. */
function connectionWithoutSecrets(connection: string): string {
  return withoutSecrets(connection)
    .split(';')
    .filter((part) => !part.includes('=') || PLACE.test(part))
    .join(';');
}

const PLACE = /^\s*(?:server|data source|host|address|addr|port|database|initial catalog|dbq?|service)\s*=/i;
