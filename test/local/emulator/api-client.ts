// A runtime and an extension played by the test itself: single calls of the API, one connection each.

import http from 'node:http';
import path from 'node:path';
import { type Emulator, startEmulator } from '../../../local/emulator/emulator.ts';
import type { EmulatorOptions } from '../../../local/emulator/emulator-options.ts';

export type ApiAnswer = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** `errorType` of a refusal. */
  readonly errorType: string | undefined;
  readonly errorMessage: string | undefined;
};

export type CallOptions = {
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
};

export function call(emulator: Emulator, method: string, url: string, options: CallOptions = {}): Promise<ApiAnswer> {
  const [host, port] = emulator.runtimeApi.split(':');
  return new Promise((resolve, reject) => {
    const { headers = {}, body, signal } = options;
    const request = http.request(
      { host, port, method, path: url, headers, agent: false, ...(signal && { signal }) },
      async (response) => {
        const pieces: Buffer[] = [];
        for await (const piece of response) pieces.push(piece as Buffer);
        const text = Buffer.concat(pieces).toString('utf8');
        resolve({ status: response.statusCode!, headers: response.headers, text, ...refusalOf(text) });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function refusalOf(text: string): { errorType: string | undefined; errorMessage: string | undefined } {
  try {
    const { errorType, errorMessage } = JSON.parse(text) as Record<string, string>;
    return { errorType, errorMessage };
  } catch {
    return { errorType: undefined, errorMessage: undefined };
  }
}

const RUNTIME = '/2018-06-01/runtime';
const EXTENSION = '/2020-01-01/extension';

export const api = {
  next: (emulator: Emulator, options?: CallOptions) => call(emulator, 'GET', `${RUNTIME}/invocation/next`, options),
  response: (emulator: Emulator, id: string, body: string | Buffer, headers: http.OutgoingHttpHeaders = {}) =>
    call(emulator, 'POST', `${RUNTIME}/invocation/${encodeURIComponent(id)}/response`, { body, headers }),
  error: (emulator: Emulator, id: string, body: string, headers: http.OutgoingHttpHeaders = {}) =>
    call(emulator, 'POST', `${RUNTIME}/invocation/${encodeURIComponent(id)}/error`, { body, headers }),
  initError: (emulator: Emulator, body: string) => call(emulator, 'POST', `${RUNTIME}/init/error`, { body }),
  register: (emulator: Emulator, name: string, events: readonly string[]) =>
    call(emulator, 'POST', `${EXTENSION}/register`, {
      headers: { 'Lambda-Extension-Name': name },
      body: JSON.stringify({ events }),
    }),
  extensionNext: (emulator: Emulator, id: string) =>
    call(emulator, 'GET', `${EXTENSION}/event/next`, { headers: { 'Lambda-Extension-Identifier': id } }),
};

export const idOf = (answer: ApiAnswer): string => String(answer.headers['lambda-extension-identifier']);
export const requestIdOf = (answer: ApiAnswer): string => String(answer.headers['lambda-runtime-aws-request-id']);

/** An emulator whose process does nothing: the test is the runtime. */
export const startHandDriven = (options: Partial<EmulatorOptions> = {}): Promise<Emulator> =>
  startEmulator({ command: ['sleep', '60'], taskRoot: '/tmp', handler: 'index.handler', ...options });

const FIXTURE = path.join(import.meta.dirname, '../../fixtures/emulator/runtime.mjs');

/** An emulator with the fixture runtime; `init` is what that does before its first poll. */
export const startFixture = ({
  init = '',
  environment,
  ...options
}: Partial<EmulatorOptions> & { init?: string } = {}): Promise<Emulator> =>
  startEmulator({
    command: [process.execPath, FIXTURE],
    taskRoot: '/tmp',
    handler: 'index.handler',
    environment: { FIXTURE_INIT: init, ...environment },
    ...options,
  });
