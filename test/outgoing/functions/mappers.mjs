// Libraries that stand on the clients of databases.

import { PrismaPg } from '@prisma/adapter-pg';
import knex from 'knex';
import mongoose from 'mongoose';
import { Sequelize } from 'sequelize';

const calls = {
  async knex({ pg: connection }) {
    const db = knex({ client: 'pg', connection });
    const rows = await db.select(db.raw("'secret-literal' as a"));
    await db.destroy();
    return rows.length;
  },
  async sequelize({ pg: { host, port, user, password, database } }) {
    const db = new Sequelize(database, user, password, { host, port, dialect: 'postgres', logging: false });
    const [rows] = await db.query("SELECT 'secret-literal' AS a");
    await db.close();
    return rows.length;
  },
  // What a generated client of Prisma calls.
  async prisma({ pg: connection }) {
    const adapter = await new PrismaPg(connection).connect();
    const { rows } = await adapter.queryRaw({ sql: "SELECT 'secret-literal' AS a", args: [], argTypes: [] });
    await adapter.dispose();
    return rows.length;
  },
  async mongoose({ mongo }) {
    await mongoose.connect(mongo, { dbName: 'shop' });
    const Order = mongoose.model('Order', new mongoose.Schema({ sku: String }), 'orders');
    const found = await Order.find({ sku: 'secret-literal' });
    await mongoose.disconnect();
    return found.length;
  },
};

export const handler = (event) => calls[event.name](event);
