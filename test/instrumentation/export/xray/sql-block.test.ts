import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type SqlDialect, withoutLiterals } from '../../../../instrumentation/export/xray/sql-literals.ts';
import type { SqlBlock } from '../../../../instrumentation/export/xray/subsegment.ts';
import { kinds } from '../../span-builder.ts';
import { drawOne } from './drawing.ts';

const cases: readonly (readonly [string, Record<string, unknown>, SqlBlock | undefined])[] = [
  [
    'old conventions',
    {
      'db.system': 'mysql',
      'db.name': 'customers',
      'db.statement': 'call update_user_preference( ?, ?, ? )',
      'db.user': 'userprefsvc',
      'db.connection_string': 'mysql://db.dev.example.com:3306',
      'net.peer.name': 'db.dev.example.com',
      'net.peer.port': '3306',
    },
    {
      url: 'mysql://db.dev.example.com:3306/customers',
      sanitized_query: 'call update_user_preference( ?, ?, ? )',
      database_type: 'mysql',
      user: 'userprefsvc',
    },
  ],
  [
    'stable conventions win',
    {
      'db.system.name': 'postgresql',
      'db.system': 'mysql',
      'db.namespace': 'shop',
      'db.name': 'old',
      'db.query.text': 'SELECT * FROM t WHERE id = $1',
      'db.statement': 'old',
      'server.address': 'db.internal',
      'server.port': 5432,
      'user.name': 'app',
      'db.postgresql.plan': 'fetch-order',
    },
    {
      url: 'postgresql://db.internal:5432/shop',
      sanitized_query: 'SELECT * FROM t WHERE id = $1',
      database_type: 'postgresql',
      user: 'app',
      preparation: 'statement',
    },
  ],
  [
    'a connection URL without host attribute loses its password',
    { 'db.system': 'mssql', 'db.connection_string': 'mssql://sa:hunter2@db:1433/shop?password=hunter2' },
    { connection_string: 'mssql://db:1433/shop', database_type: 'mssql' },
  ],
  [
    'a connection list keeps places alone',
    { 'db.system': 'mssql', 'db.connection_string': 'Server=db;Database=shop;User Id=sa;Password=hunter2;Pwd=hunter2' },
    { connection_string: 'Server=db;Database=shop', database_type: 'mssql' },
  ],
  [
    'values in the query go, by the rules of the system',
    { 'db.system': 'mariadb', 'db.query.text': 'SELECT a FROM t WHERE b = "it\\"s" AND c = 5' },
    { sanitized_query: 'SELECT a FROM t WHERE b = ? AND c = ?', database_type: 'mariadb' },
  ],
  ['DynamoDB', { 'db.system': 'dynamodb', 'db.statement': 'x' }, undefined],
  ['Redis', { 'db.system.name': 'redis', 'db.query.text': 'GET x' }, undefined],
  ['no database', { 'server.address': 'h' }, undefined],
];
for (const [what, attributes, expected] of cases) {
  test(`sql block: ${what}`, () => assert.deepEqual(drawOne({ kind: kinds.CLIENT, attributes }).sql, expected));
}

test('sql block: the whole subsegment of a query', () => {
  const drawn = drawOne({
    kind: kinds.CLIENT,
    attributes: {
      'db.system': 'mysql',
      'db.name': 'customers',
      'db.connection_string': 'mysql://user:hunter2@db.dev.example.com:3306',
      'net.peer.name': 'db.dev.example.com',
      'enterprise.app.id': '25F2E73B',
    },
  });
  assert.equal(drawn.name, 'customers@db.dev.example.com');
  assert.equal(drawn.namespace, 'remote');
  assert.equal(drawn.http, undefined);
  assert.equal(drawn.cause, undefined);
  assert.equal(drawn.annotations, undefined);
  assert.deepEqual(drawn.metadata, { default: { 'enterprise.app.id': '25F2E73B' } });
});

const queries: readonly (readonly [SqlDialect, string, string])[] = [
  ['standard', 'SELECT a FROM t WHERE b = ?', 'SELECT a FROM t WHERE b = ?'],
  ['standard', "SELECT 'it''s', 1, -2.5e-3, 0xFF FROM t1", 'SELECT ?, ?, -?, ? FROM t1'],
  ['standard', 'SELECT $1, :id, @p2, ?3, col_2, "col 3"', 'SELECT $1, :id, @p2, ?3, col_2, "col 3"'],
  ['standard', "SELECT E'it\\'s', x FROM t -- the user's\nWHERE a=1", 'SELECT E?, x FROM t \nWHERE a=?'],
  ['standard', "SELECT /* it's */ 'x'::text", 'SELECT  ?::text'],
  ['standard', "SELECT /* a /* b */ it's */ 'x'", 'SELECT  ?'],
  ['standard', "SELECT 1 /* a /* b */ 'x'", 'SELECT ? '],
  ['mysql', "SELECT /* a /* b */ 'x'", 'SELECT  ?'],
  ['standard', "SELECT $tag$it's$tag$, $$a$$", 'SELECT ?, ?'],
  ['standard', "SELECT \"it's\" FROM t WHERE a = 's'", 'SELECT "it\'s" FROM t WHERE a = ?'],
  ['standard', "SELECT 'C:\\', 'secret'", 'SELECT ?, ?'],
  ['standard', "SELECT 'never closed", 'SELECT ?'],
  ['mysql', "SELECT \"it\\\"s\", 'a\\'b', `it's` # it's\n, 5", "SELECT ?, ?, `it's` \n, ?"],
  ['mysql', "SELECT a#'\n FROM t WHERE b = 'c'", 'SELECT a\n FROM t WHERE b = ?'],
  ['mssql', "SELECT [it's] FROM #tmp1 WHERE a = N'x'", "SELECT [it's] FROM #tmp1 WHERE a = N?"],
];
for (const [dialect, query, expected] of queries) {
  test(`no literals in ${dialect}: ${JSON.stringify(query)}`, () => {
    assert.equal(withoutLiterals(query, dialect), expected);
  });
}

test('property: a quoted value never comes through, whatever stands around it', () => {
  const secret = 's3cr3t';
  const quoted = fc.string({ maxLength: 10 }).map((noise) => `'${(noise + secret + noise).replaceAll("'", "''")}'`);
  const safe = fc.constantFrom(
    'SELECT a1',
    ' FROM "T""x"',
    ' WHERE b=',
    ',',
    '(',
    ')',
    ' /* c */ ',
    '\n',
    ' = $1 ',
    ' -- x\n',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(safe, quoted), { maxLength: 12 }), (parts) => {
      assert.ok(!withoutLiterals(parts.join(' '), 'standard').includes(secret));
    }),
  );
});

test('property: any text ends, and what has no literals comes back as it is', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom<SqlDialect>('standard', 'mysql', 'mssql'),
      (text, dialect) => {
        assert.ok(withoutLiterals(text, dialect).length <= text.length + 1);
        const plain = text.replace(/['"$\d#/-]/g, '');
        assert.equal(withoutLiterals(plain, dialect), plain);
      },
    ),
  );
});
