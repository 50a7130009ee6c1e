// POST /orders behind an API Gateway HTTP API: asks the stock service at STOCK_URL, prices the order, answers 201.
// Nothing in here knows of spanstrap; the same file runs on nodejs24.x.

import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { trace } from '@opentelemetry/api';

const tracer = trace.getTracer('orders-api');

export const handler = async (event) => {
  const { sku, quantity } = JSON.parse(event.body);
  console.log(`order: ${quantity} x ${sku}`);
  const stock = await getJson(`${process.env.STOCK_URL}/stock/${encodeURIComponent(sku)}`);
  const order = tracer.startActiveSpan('price order', (span) => {
    try {
      span.setAttributes({ 'order.sku': sku, 'order.quantity': quantity });
      return { orderId: randomUUID(), sku, quantity, total: Number((quantity * stock.price).toFixed(2)) };
    } finally {
      span.end();
    }
  });
  return {
    statusCode: 201,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  };
};

function getJson(url) {
  return new Promise((resolve, reject) => {
    http
      .get(url, async (response) => {
        try {
          const body = Buffer.concat(await response.toArray()).toString();
          if (response.statusCode === 200) resolve(JSON.parse(body));
          else reject(new Error(`stock service answered ${response.statusCode}: ${body}`));
        } catch (error) {
          reject(error);
        }
      })
      .on('error', reject);
  });
}
