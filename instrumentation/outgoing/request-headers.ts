// The headers of requests that are about to be sent, as `node:http` and undici keep them: looked up and added to. The calls
// themselves are not touched.

import type { ClientRequest } from 'node:http';
import type { Carrier } from './propagation.ts';

/** Undici's own request, as its diagnostics channels publish it. */
export type UndiciRequest = {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  readonly upgrade?: string | null;
  readonly body?: unknown;
  /** Names and values in turn; one text with line ends in versions before 6. */
  headers: string | (string | string[])[];
  addHeader?(name: string, value: string): unknown;
};

/** What `ClientRequest` has beside its documented properties, in all versions since Node 12. */
type RenderedRequest = {
  _header: string | null;
  _headerSent: boolean;
  readonly outputData: { data: unknown }[];
  outputSize: number;
};

const textOf = (value: unknown): string | undefined => (value === undefined ? undefined : String(value));

const lines: Record<string, RegExp> = {};

/** Of rendered headers. The names are the propagators' and our own: a handful. */
function lineOf(text: string, name: string): string | undefined {
  lines[name] ??= new RegExp(`(?:^|\\r\\n)${name}:[ \\t]*([^\\r\\n]*)`, 'i');
  return lines[name].exec(text)?.[1];
}

class ClientRequestCarrier implements Carrier {
  readonly #request: ClientRequest & RenderedRequest;

  constructor(request: ClientRequest) {
    this.#request = request as ClientRequest & RenderedRequest;
  }

  get(name: string): string | undefined {
    const { _header } = this.#request;
    return _header === null ? textOf(this.#request.getHeader(name)) : lineOf(_header, name);
  }

  set(name: string, value: string): void {
    const { _header } = this.#request;
    if (_header === null) this.#request.setHeader(name, value);
    else if (lineOf(_header, name) === undefined) amend(this.#request, `${name}: ${value}\r\n`);
  }
}

export const clientRequestCarrier = (request: ClientRequest): Carrier => new ClientRequestCarrier(request);

/**
 * Node renders the headers at once when they come as a list, or ask for `100-continue`. Until they are on their way the text
 * can have another line; when Node keeps it in any other way than this, nothing is changed.
 */
function amend(request: RenderedRequest, line: string): void {
  const rendered = request._header;
  if (typeof rendered !== 'string' || !rendered.endsWith('\r\n\r\n')) return;
  const amended = `${rendered.slice(0, -2)}${line}\r\n`;
  if (request._headerSent) {
    const first = request.outputData[0];
    if (first?.data !== rendered) return;
    first.data = amended;
    request.outputSize += line.length;
  }
  request._header = amended;
}

export function undiciCarrier(request: UndiciRequest): Carrier {
  return {
    get: (name) =>
      typeof request.headers === 'string'
        ? lineOf(request.headers, name)
        : textOf(request.headers[find(request, name)]),
    set(name, value) {
      const { headers } = request;
      const at = find(request, name.toLowerCase());
      if (at !== -1 && typeof headers !== 'string') headers[at] = value;
      else if (typeof headers === 'string' && lineOf(headers, name) !== undefined) {
        const line = new RegExp(`((?:^|\\r\\n)${name}:[ \\t]*)[^\\r\\n]*`, 'i');
        request.headers = headers.replace(line, (_all, before) => before + value);
      } else if (typeof request.addHeader === 'function') request.addHeader(name, value);
      // 6.11 had no `addHeader`.
      else if (typeof headers === 'string') request.headers = `${headers}${name}: ${value}\r\n`;
      else headers.push(name, value);
    },
  };
}

/** Where the value of a header stands in the list; -1: nowhere. */
function find({ headers }: UndiciRequest, name: string): number {
  if (typeof headers === 'string') return -1;
  for (let at = 0; at < headers.length; at += 2) {
    if (typeof headers[at] === 'string' && (headers[at] as string).toLowerCase() === name) return at + 1;
  }
  return -1;
}
