// The Runtime API as calls: next invocation, response, error, init error. Turns HTTP into values and back; decides nothing.
// Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".

import { runtimeError } from '../errors.ts';
import { type Instant, type Invocation, now, type TraceContext } from '../lifecycle.ts';
import { type ChunkedRequest, Connection, type Endpoint } from './connection.ts';
import { type HttpResponse, MalformedResponse } from './response-reader.ts';
import { errorPath, headers, INIT_ERROR_PATH, NEXT_PATH, responsePath } from './wire.ts';

export type Delivery = { readonly invocation: Invocation; readonly body: Buffer };

/** What the API said to an answer: its HTTP status and, when it refused, its text. */
export type Receipt = { readonly status: number; readonly text: string; readonly bodyBytes: number };

export type ErrorReport = {
  /** JSON body `{errorType, errorMessage, trace}`. */
  readonly body: string;
  /** Value for the error type header, ASCII. */
  readonly errorType: string;
  /** Value for the X-Ray error cause header, ASCII JSON; undefined or empty: no header. */
  readonly xrayCause?: string | undefined;
};

export class RuntimeApi {
  readonly #connection: Connection;
  readonly #commonHead: string;
  readonly #nextHead: string;

  /** `userAgent` names the runtime and its version: the platform notes the first token. */
  constructor(endpoint: Endpoint, userAgent: string, connection = new Connection(endpoint)) {
    this.#connection = connection;
    const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
    this.#commonHead = ` HTTP/1.1\r\nHost: ${host}:${endpoint.port}\r\nUser-Agent: ${userAgent}\r\n`;
    this.#nextHead = `GET ${NEXT_PATH}${this.#commonHead}\r\n`;
  }

  /**
   * Waits for the next invocation, however long it takes.
   * @throws Runtime.PlatformError when the answer is nothing to go on from: the process must end, so that Lambda starts
   * another
   */
  async next(): Promise<Delivery> {
    let response: HttpResponse;
    try {
      response = await this.#connection.request(this.#nextHead);
    } catch (error) {
      const isNonsense = error instanceof MalformedResponse;
      throw runtimeError(isNonsense ? 'ApiAnswerMalformed' : 'ApiUnreachable', {
        request: `GET ${NEXT_PATH}`,
        problem: (error as Error).message,
      });
    }
    const receivedAt = now();
    if (response.status !== 200) {
      throw runtimeError('ApiStatus', {
        request: `GET ${NEXT_PATH}`,
        status: response.status,
        body: textOf(response),
      });
    }
    return { invocation: readInvocation(response, receivedAt), body: response.body };
  }

  /** Posts the JSON text of a buffered response. Any HTTP status resolves: what it means is the loop's to say. */
  async respond(invocation: Invocation, json: string): Promise<Receipt> {
    return this.#post(responsePath(invocation.requestId), invocation, '', json);
  }

  /** Opens a streamed response (Developer Guide, "Response streaming for custom runtimes"). */
  respondStreaming(invocation: Invocation, contentType: string): ChunkedRequest {
    const head =
      `POST ${responsePath(invocation.requestId)}${this.#commonHead}${echo(invocation)}` +
      `Content-Type: ${headerText(contentType)}\r\n${headers.responseMode}: streaming\r\nTransfer-Encoding: chunked\r\n` +
      `Trailer: ${headers.errorType}, ${headers.errorBody}\r\n\r\n`;
    return this.#connection.openChunked(head);
  }

  async fail(invocation: Invocation, report: ErrorReport): Promise<Receipt> {
    const extra =
      `${headers.errorType}: ${report.errorType}\r\n` +
      (report.xrayCause ? `${headers.xrayErrorCause}: ${report.xrayCause}\r\n` : '');
    return this.#post(errorPath(invocation.requestId), invocation, extra, report.body);
  }

  async failInit(report: ErrorReport): Promise<Receipt> {
    const extra = `${headers.errorType}: ${report.errorType}\r\n`;
    return this.#post(INIT_ERROR_PATH, undefined, extra, report.body);
  }

  /** Connects ahead of the first poll. */
  connect(): void {
    this.#connection.connect();
  }

  close(): void {
    this.#connection.close();
  }

  async #post(path: string, invocation: Invocation | undefined, extra: string, json: string): Promise<Receipt> {
    const bodyBytes = Buffer.byteLength(json);
    const head =
      `POST ${path}${this.#commonHead}${echo(invocation)}Content-Type: application/json\r\n${extra}` +
      `Content-Length: ${bodyBytes}\r\n\r\n`;
    const response = await this.#connection.request(head, json);
    return { status: response.status, text: response.status >= 300 ? textOf(response) : '', bodyBytes };
  }
}

/** The delivery's own id goes back with its answer, so that a late answer cannot hit a newer delivery of the same request. */
function echo(invocation: Invocation | undefined): string {
  return invocation?.invocationId === undefined ? '' : `${headers.invocationId}: ${invocation.invocationId}\r\n`;
}

function readInvocation(response: HttpResponse, receivedAt: Instant): Invocation {
  const found = response.headers;
  const requestId = utf8(found.get(headers.requestId));
  if (!requestId) throw runtimeError('MissingInvocationHeader', { headers: headers.requestId });
  const deadlineText = found.get(headers.deadlineMs);
  const deadlineEpochMs = Number(deadlineText);
  if (!deadlineText) throw runtimeError('MissingInvocationHeader', { headers: headers.deadlineMs });
  if (!Number.isFinite(deadlineEpochMs)) throw runtimeError('DeadlineInvalid', {});
  return {
    requestId,
    deadlineEpochMs,
    invokedFunctionArn: found.get(headers.invokedFunctionArn) ?? '',
    traceHeader: found.get(headers.traceId) || undefined,
    traceContext: readTraceContext(found),
    tenantId: utf8(found.get(headers.tenantId)),
    clientContextJson: utf8(found.get(headers.clientContext)) || undefined,
    cognitoIdentityJson: utf8(found.get(headers.cognitoIdentity)) || undefined,
    invocationId: found.get(headers.invocationId) || undefined,
    receivedAt,
    eventBytes: response.body.length,
  };
}

/** W3C's own headers or Lambda's spelling of them. No platform sends any yet; the AWS SDK is prepared for it. */
function readTraceContext(found: HttpResponse['headers']): TraceContext | undefined {
  const get = (name: string): string | undefined => found.get(name) ?? found.get(`lambda-runtime-${name}`);
  const traceparent = get('traceparent');
  return traceparent ? { traceparent, tracestate: get('tracestate'), baggage: get('baggage') } : undefined;
}

/** Header text is read as latin1; values that callers choose are UTF-8. */
function utf8(latin1: string | undefined): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range is meant
  if (latin1 === undefined || /^[\x00-\x7f]*$/.test(latin1)) return latin1;
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

/** User text that goes into a header: what would end the line or is outside latin1 is left out. */
function headerText(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

function textOf(response: HttpResponse): string {
  return response.body.toString('utf8', 0, 1024);
}
