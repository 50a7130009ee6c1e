// The Extensions API as calls, for an extension inside the runtime's process.
// Source: Lambda Developer Guide, "Extensions API reference".

import { parseJson, stringifyJson } from '../untouched.ts';
import { Connection, type Endpoint } from './connection.ts';
import type { HttpResponse } from './response-reader.ts';
import { EXTENSION_NEXT_PATH, EXTENSION_REGISTER_PATH, headers } from './wire.ts';

export type Registration =
  | { readonly registered: true; readonly extensionId: string }
  | { readonly registered: false; readonly status: number; readonly reason: string };

export type ExtensionEvent =
  | { readonly type: 'INVOKE'; readonly requestId: string; readonly deadlineEpochMs: number }
  | { readonly type: 'other'; readonly name: string };

/** The API refused the extension's poll; there is nothing to wait for any more. */
export class PollRefused extends Error {
  override readonly name = 'PollRefused';
}

export class ExtensionsApi {
  readonly #connection: Connection;
  readonly #commonHead: string;

  constructor(endpoint: Endpoint, userAgent: string) {
    this.#connection = new Connection(endpoint);
    const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
    this.#commonHead = ` HTTP/1.1\r\nHost: ${host}:${endpoint.port}\r\nUser-Agent: ${userAgent}\r\n`;
  }

  /**
   * Registers for the given events (an internal extension may ask for INVOKE only, or for none).
   * @throws ConnectionLost, MalformedResponse; a refusal is a value
   */
  async register(name: string, events: readonly 'INVOKE'[]): Promise<Registration> {
    const body = stringifyJson({ events });
    const head =
      `POST ${EXTENSION_REGISTER_PATH}${this.#commonHead}${headers.extensionName}: ${name}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const response = await this.#connection.request(head, body);
    const extensionId = response.headers.get(headers.extensionId);
    if (response.status === 200 && extensionId) return { registered: true, extensionId };
    return { registered: false, status: response.status, reason: response.body.toString('utf8', 0, 512) };
  }

  /**
   * Waits for the next event, however long it takes. The platform freezes the environment while this is outstanding.
   * @throws PollRefused, ConnectionLost, MalformedResponse
   */
  async next(extensionId: string): Promise<ExtensionEvent> {
    const head = `GET ${EXTENSION_NEXT_PATH}${this.#commonHead}${headers.extensionId}: ${extensionId}\r\n\r\n`;
    // Does not hold the process: a handler that has nothing left to do must find the event loop empty.
    return readEvent(await this.#connection.request(head, undefined, false));
  }

  close(): void {
    this.#connection.close();
  }
}

function readEvent(response: HttpResponse): ExtensionEvent {
  if (response.status !== 200) {
    throw new PollRefused(
      `GET ${EXTENSION_NEXT_PATH} was answered with ${response.status}: ${response.body.toString('utf8', 0, 512)}`,
    );
  }
  let event: { eventType?: unknown; requestId?: unknown; deadlineMs?: unknown } | null;
  try {
    event = parseJson(response.body.toString('utf8'));
  } catch {
    throw new PollRefused(`GET ${EXTENSION_NEXT_PATH} was answered with something that is not JSON`);
  }
  if (typeof event?.eventType !== 'string') {
    throw new PollRefused(`GET ${EXTENSION_NEXT_PATH} was answered with something that is not an event`);
  }
  if (event.eventType === 'INVOKE' && typeof event.requestId === 'string') {
    return { type: 'INVOKE', requestId: event.requestId, deadlineEpochMs: Number(event.deadlineMs) };
  }
  return { type: 'other', name: event.eventType };
}
