// The life of one outgoing request as a span: begun, connected, answered, over. Requests of all libraries end here; what they are
// is described elsewhere.

import type { Socket } from 'node:net';
import type { CallEnvironment, CallSpan } from '../call-scope.ts';
import type { Carrier } from '../propagation.ts';
import { describeConnection } from './connection-timings.ts';
import { sizeOf } from './plain-http.ts';
import type { CallDescription, ResponseFacts } from './request-facts.ts';

const ERROR = 2;

/** How a request came to its end. `broken`: the response stopped before it was complete. */
export type CallEnd = 'complete' | 'aborted' | 'broken';

/** What happens to the span of an attempt when it is over. */
export interface Ending {
  /** `mayBeRetried`: the SDK may try the same call again. */
  end(span: CallSpan, at: number, mayBeRetried: boolean): void;
}

/** Spans of the calls that are under way, as far as they are remembered: a call whose response nobody reads has no end. */
const openSpanIds = new Set<string>();
const MAX_OPEN_SPAN_IDS = 20_000;

/** Whether a request's headers name a call that is under way: a layer below is at work on the same call. */
export function isOpenCall(carrier: Carrier): boolean {
  const spanIds = [
    carrier.get('traceparent')?.slice(36, 52),
    // Where `OTEL_PROPAGATORS` leaves W3C's out, or the caller has set his own.
    /\bParent=([0-9a-f]{16})\b/.exec(carrier.get('x-amzn-trace-id') ?? '')?.[1],
    carrier.get('b3')?.slice(33, 49),
    carrier.get('x-b3-spanid'),
  ];
  return spanIds.some((spanId) => spanId !== undefined && openSpanIds.has(spanId));
}

export class OutgoingCall {
  readonly span: CallSpan;
  readonly #environment: CallEnvironment;
  readonly #description: CallDescription;
  readonly #ending: Ending;
  readonly #startedAt: number;
  #status: number | undefined;
  #isOver = false;

  constructor(environment: CallEnvironment, span: CallSpan, description: CallDescription, ending: Ending) {
    this.#environment = environment;
    this.span = span;
    this.#description = description;
    this.#ending = ending;
    this.#startedAt = environment.now();
    if (openSpanIds.size >= MAX_OPEN_SPAN_IDS) openSpanIds.delete(openSpanIds.values().next().value!);
    openSpanIds.add(span.spanContext().spanId);
  }

  connected(socket: Socket | undefined | null): void {
    describeConnection(this.span, socket);
  }

  /** `contentLength` is the header as it was sent, if it was. */
  sent(contentLength: string | undefined): void {
    const size = sizeOf(contentLength);
    if (size !== undefined && !this.span.ended) this.span.attributes['http.request.body.size'] = size;
  }

  speaks(protocolVersion: string): void {
    if (!this.span.ended) this.span.attributes['network.protocol.version'] = protocolVersion;
  }

  responded(response: ResponseFacts): void {
    if (this.#isOver || this.span.ended) return;
    const { span } = this;
    const { attributes } = span;
    const { status, protocolVersion } = response;
    this.#status = status;
    attributes['http.response.status_code'] = status;
    if (protocolVersion !== undefined) attributes['network.protocol.version'] = protocolVersion;
    const size = sizeOf(response.header('content-length'));
    if (size !== undefined) attributes['http.response.body.size'] = size;
    const waitedMs = this.#environment.now() - this.#startedAt;
    attributes['spanstrap.http.first_byte_ms'] = Math.round(waitedMs * 1000) / 1000;
    if (status >= 400) {
      attributes['error.type'] = String(status);
      span.setStatus({ code: ERROR });
    }
    this.#description.responded?.(span, response);
  }

  /** The call failed with what its caller gets to see. */
  failed(error: unknown): void {
    if (this.#isOver) return;
    const { code, name, message } = (error ?? {}) as { code?: unknown; name?: unknown; message?: unknown };
    this.span.setAttribute('error.type', typeof code === 'string' && code !== '' ? code : String(name ?? 'Error'));
    this.span.setStatus({ code: ERROR, message: String(message ?? error) });
    this.span.recordException(error instanceof Error ? error : String(message ?? error));
    this.#end(true);
  }

  /** The caller gave it up, which is no error (OpenTelemetry semantic conventions, "HTTP client span", Status). */
  ended(how: CallEnd): void {
    if (this.#isOver) return;
    if (how === 'broken') {
      this.span.setAttribute('error.type', 'ECONNRESET');
      this.span.setStatus({ code: ERROR, message: 'the response broke off' });
    } else if (how === 'aborted') this.span.setAttribute('spanstrap.http.is_aborted', true);
    this.#end(how === 'broken' || (this.#status !== undefined && isRetryableStatus(this.#status)));
  }

  #end(mayBeRetried: boolean): void {
    this.#isOver = true;
    openSpanIds.delete(this.span.spanContext().spanId);
    const { attempt } = this.#description;
    const mayGoOn = mayBeRetried && attempt !== undefined && !attempt.isLast;
    this.#ending.end(this.span, this.#environment.now(), mayGoOn);
  }
}

/** Throttling comes as 400 in the JSON protocols; a retry of any other 4xx is recognised by its number all the same. */
const isRetryableStatus = (status: number): boolean => status >= 400;
