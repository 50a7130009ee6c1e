// Calls of MongoDB.

import { MongoClient } from 'mongodb';

export const handler = async ({ mongo }) => {
  const client = new MongoClient(mongo);
  const orders = client.db('shop').collection('orders');
  await orders.insertOne({ sku: 'secret-literal' });
  const found = await orders.find({ sku: 'secret-literal' }).toArray();
  const error = await client
    .db('shop')
    .command({ unknown: 1 })
    .catch(({ codeName }) => codeName);
  await client.close();
  return { found: found.length, error };
};
