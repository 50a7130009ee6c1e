// One HTTP request as whatever library makes it shows it, before it is sent. Types only.

import type { Attributes, SpanKind } from '@opentelemetry/api';
import type { CallSpan } from '../call-scope.ts';
import type { Carrier } from '../propagation.ts';

export type RequestFacts = {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Without brackets and port. */
  readonly host: string;
  /** undefined: cannot be told, or the scheme's own. */
  readonly port: number | undefined;
  /** With the query; complete with scheme and host where the request goes through a proxy. */
  readonly path: string;
  readonly carrier: Carrier;
  /** Hands the body over when it is given at once, as text or bytes; never for a stream. */
  readBody(take: (body: string | Uint8Array) => void): void;
};

export type ResponseFacts = {
  readonly status: number;
  readonly protocolVersion: string | undefined;
  /** Name in lower case. */
  header(name: string): string | undefined;
};

/** Which of the calls of an SDK, and which try of it, a request is. */
export type Attempt = {
  readonly callId: string;
  /** From 1. */
  readonly number: number;
  /** Whether the SDK may try again after this one. */
  readonly isLast: boolean;
};

/** What a request is, for its span. */
export type CallDescription = {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly attempt?: Attempt | undefined;
  /** Adds what the response says; the status code is there already. */
  responded?(span: CallSpan, response: ResponseFacts): void;
};
