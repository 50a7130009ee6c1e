// What a streaming handler gets as its response stream: a plain object with the methods and properties that the managed
// runtimes show, and nothing else of the stream behind it.

import type { Writable } from 'node:stream';
import type { PrefixableStream } from './http-response-stream.ts';

const METHODS = [
  'cork',
  'destroy',
  'end',
  'uncork',
  'write',
  'addListener',
  'on',
  'once',
  'prependListener',
  'prependOnceListener',
  'off',
  'removeListener',
  'removeAllListeners',
  'setMaxListeners',
  'getMaxListeners',
  'listeners',
  'rawListeners',
  'listenerCount',
  'eventNames',
  'emit',
  'setContentType',
] as const;
const WRITABLE_PROPERTIES = ['destroyed', '_onBeforeFirstWrite'] as const;
const READABLE_PROPERTIES = [
  'writableFinished',
  'writableObjectMode',
  'writableEnded',
  'writableNeedDrain',
  'writableHighWaterMark',
  'writableCorked',
  'writableLength',
  'writable',
] as const;

type Shown = Writable & PrefixableStream;

export type ResponseStream = Pick<
  Shown,
  (typeof METHODS)[number] | (typeof WRITABLE_PROPERTIES)[number] | (typeof READABLE_PROPERTIES)[number]
>;

/** Methods are bound and enumerable; properties read through and are not. `pipe` and `pipeline` take it for a stream. */
export function createFacade(stream: Shown): ResponseStream {
  const facade: Record<string, unknown> = {};
  const inner = stream as unknown as Record<string, unknown>;
  for (const name of METHODS) facade[name] = (inner[name] as (...args: unknown[]) => unknown).bind(stream);
  for (const name of READABLE_PROPERTIES) Object.defineProperty(facade, name, { get: () => inner[name] });
  for (const name of WRITABLE_PROPERTIES) {
    const set = (value: unknown): void => {
      inner[name] = value;
    };
    Object.defineProperty(facade, name, { get: () => inner[name], set });
  }
  return facade as unknown as ResponseStream;
}
