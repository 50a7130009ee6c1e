// Calls with versions of the clients that publish nothing: only their modules can be instrumented.

import Redis from 'ioredis';
import mysql from 'mysql2/promise';
import { createClient } from 'redis';

const calls = {
  async mysql2({ mysql: connection }) {
    const client = await mysql.createConnection(connection);
    await client.query("SELECT 'secret-literal' AS a");
    await client.execute('SELECT ? AS a', ['secret-literal']);
    await client.end();
  },
  async redis({ redis }) {
    const client = createClient({ url: redis });
    await client.connect();
    await client.set('key', 'secret-literal');
    await client.disconnect();
  },
  async ioredis({ redis }) {
    const client = new Redis(redis, { lazyConnect: true, enableReadyCheck: false });
    await client.connect();
    await client.set('key', 'secret-literal');
    client.disconnect();
  },
};

export const handler = async (event) => {
  await calls[event.name](event);
  return 'done';
};
