// A runtime bundle for the tests of the warm-up: registers, polls, answers, and loads one further bundle. No more.

import { request } from 'node:http';
import { createRequire } from 'node:module';
import type { Host } from '../../../bootstrap/host.ts';
import {
  EXTENSION_NEXT_PATH,
  EXTENSION_REGISTER_PATH,
  headers,
  NEXT_PATH,
  responsePath,
} from '../../../runtime/api/wire.ts';

type Reply = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

const send = (method: string, path: string, fields: Record<string, string>, body?: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API!.split(':');
    const outgoing = request({ host, port, method, path, headers: fields }, (incoming) => {
      let text = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      incoming.on('end', () => resolve({ headers: incoming.headers as Record<string, string>, body: text }));
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

export const main = async (host: Host): Promise<void> => {
  const name = { [headers.extensionName]: 'stand-in' };
  const registered = await send('POST', EXTENSION_REGISTER_PATH, name, '{"events":["INVOKE"]}');
  const id = registered.headers[headers.extensionId]!;
  const pollExtension = async (): Promise<never> => {
    for (;;) await send('GET', EXTENSION_NEXT_PATH, { [headers.extensionId]: id });
  };
  void pollExtension();
  const require = createRequire(`${process.env.LAMBDA_TASK_ROOT}/`);
  const { handler } = require('./index.js') as { handler(event: unknown): Promise<unknown> };
  for (;;) {
    const next = await send('GET', NEXT_PATH, {});
    const result = await handler(JSON.parse(next.body));
    host.loadBundle('opentelemetry');
    await send('POST', responsePath(next.headers[headers.requestId]!), {}, JSON.stringify(result));
  }
};
