// Calls of databases beyond one query: errors, prepared statements, pools, transactions, older versions of the clients.

import { readFileSync } from 'node:fs';
import Redis from 'ioredis';
import mysql from 'mysql2';
import mysqlPromise from 'mysql2/promise';
import pg from 'pg';
import postgres from 'postgres';
import { createClient } from 'redis';

const withPg = async (connection, work) => {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};

let pool;

const calls = {
  'pg error': ({ pg: connection }) =>
    withPg(connection, (client) => client.query("SELECT nothing FROM nowhere WHERE x = 'secret-literal'")),
  'pg parameters': ({ pg: connection }) =>
    withPg(connection, (client) => client.query('SELECT $1::text AS a', ['secret-literal'])),
  'pg named statement': ({ pg: connection }) =>
    withPg(connection, async (client) => {
      for (let n = 0; n < 2; n++) await client.query({ name: 'by-sku', text: 'SELECT $1::int + 1 AS a', values: [n] });
    }),
  'pg transaction': ({ pg: connection }) =>
    withPg(connection, async (client) => {
      await client.query('BEGIN');
      await client.query('SELECT 1');
      await client.query('COMMIT');
    }),
  'pg at once on one connection': ({ pg: connection }) =>
    withPg(connection, (client) => Promise.all(['SELECT 1', 'SELECT 2', 'SELECT 3'].map((text) => client.query(text)))),
  'pg pool kept between invocations': async ({ pg: connection }) => {
    pool ??= new pg.Pool({ ...connection, max: 1 });
    await Promise.all([pool.query('SELECT 1'), pool.query('SELECT 2')]);
  },
  'pg large result': ({ pg: connection }) =>
    withPg(connection, (client) => client.query("SELECT repeat('x', 1000000) AS a FROM generate_series(1, 3)")),
  'pg over TLS': ({ pg: connection, caFile }) =>
    withPg({ ...connection, host: 'localhost', ssl: { ca: readFileSync(caFile, 'utf8') } }, (client) =>
      client.query('SELECT 1'),
    ),
  'pg connection cut': ({ pg: connection }) =>
    withPg(connection, (client) => {
      client.on('error', () => {});
      return client.query('SELECT pg_terminate_backend(pg_backend_pid())');
    }),
  'postgres (porsager)': async ({ pg: { host, port, user, password, database } }) => {
    const sql = postgres({ host, port, username: user, password, database, max: 1 });
    await sql`SELECT ${7}::int AS a`;
    await sql.end();
  },
  'mysql2 error': async ({ mysql: connection }) => {
    const client = await mysqlPromise.createConnection(connection);
    try {
      await client.query("SELECT nothing FROM nowhere WHERE x = 'secret-literal'");
    } finally {
      await client.end();
    }
  },
  'mysql2 prepared': async ({ mysql: connection }) => {
    const client = await mysqlPromise.createConnection(connection);
    await client.execute('SELECT ? AS a', ['secret-literal']);
    await client.end();
  },
  'mysql2 callbacks and a pool': ({ mysql: connection }) =>
    new Promise((resolve, reject) => {
      const client = mysql.createPool(connection);
      client.query('SELECT 1', (error) => {
        client.end();
        if (error) reject(error);
        else resolve();
      });
    }),
  'redis multi': async ({ redis }) => {
    const client = createClient({ url: redis });
    await client.connect();
    await client.multi().set('a', 'secret-literal').incr('b').exec();
    client.destroy();
  },
  'redis error': async ({ redis }) => {
    const client = createClient({ url: redis });
    await client.connect();
    try {
      await client.set('text', 'secret-literal');
      await client.incr('text');
    } finally {
      client.destroy();
    }
  },
  ioredis: async ({ redis }) => {
    const client = new Redis(redis, { lazyConnect: true, enableReadyCheck: false });
    await client.connect();
    await client.set('key', 'secret-literal');
    client.disconnect();
  },
};

export const names = Object.keys(calls);
export const handler = async (event) => {
  try {
    await calls[event.name](event);
    return 'done';
  } catch (error) {
    return { code: error.code, name: error.name };
  }
};
