// What recognition says about an event, and what it may be told. Types and their defaults; no logic.

import type { Attributes } from '@opentelemetry/api';

export type FaasTrigger = 'http' | 'pubsub' | 'datasource' | 'timer' | 'other';

/** Looks a propagation header up, name in lower case; never throws. */
export type Carrier = { get(name: string): string | undefined };

/** A record that carries the context of its producer, and what the link to it says. */
export type LinkCarrier = { readonly carrier: Carrier; readonly attributes: Attributes };

/** What a result means for the span. */
export type ResultDescription = {
  readonly attributes: Attributes;
  /** Set when the result is an error: the HTTP status as text (`503`), or `batch_item_failure`. */
  readonly errorType: string | undefined;
};

/** Reads a handler's result; may throw when the result is a live object that does. */
export type ResultRule = (result: unknown, isStreamed: boolean, options: TriggerOptions) => ResultDescription;

export type Trigger = {
  /** Stable id of the table's row: `api-gateway-http`, `sqs`, `direct` …; `unknown` when the event could not be read. */
  readonly source: string;
  /** Value of `faas.trigger`, which is not repeated in `attributes`. */
  readonly faasTrigger: FaasTrigger;
  /** Name of the SERVER span when the source dictates one (`GET /orders/{id}`); undefined: the function's name. */
  readonly spanName: string | undefined;
  /** For the SERVER span. */
  readonly attributes: Attributes;
  /** The CONSUMER child of messaging sources, `process <destination>`. */
  readonly consumer: { readonly name: string; readonly attributes: Attributes } | undefined;
  /** Where the caller's context lies when there is one caller (HTTP, SNS, EventBridge, direct …). */
  readonly carrier: Carrier | undefined;
  /** One per record that carries context (SQS, Kinesis, Kafka …), at most `maxLinks`. */
  readonly linkCarriers: readonly LinkCarrier[];
  /** When the oldest record was sent or the gateway took the request, in epoch milliseconds of the sender's clock. */
  readonly sentEpochMs: number | undefined;
  /** How `describeResult` reads what the handler returned; undefined when a result says nothing about the source. */
  readonly resultRule: ResultRule | undefined;
  /**
   * Gives the whole description, where that takes longer than a handler should wait: to be called after the response. Undefined
   * when this is the whole; it gives undefined when the event could not be read.
   */
  readonly later?: (() => Trigger | undefined) | undefined;
};

/** What the invocation brings along beside the event. */
export type Delivery = {
  /** `Lambda-Runtime-Client-Context`, JSON text; parsed when a header is looked up that the event does not have. */
  readonly clientContextJson?: string | undefined;
  /** When the event was received; without it no wait is computed. */
  readonly receivedEpochMs?: number | undefined;
  /** Size of the event's JSON text; without it maps are taken to be of ordinary size. */
  readonly eventBytes?: number | undefined;
};

export type TriggerOptions = {
  /** `OTEL_SEMCONV_STABILITY_OPT_IN`: `http/dup` and `messaging/dup` add the old attribute names. */
  readonly semconvOptIn: readonly string[];
  /** Headers to capture as attributes, in lower case. */
  readonly requestHeaders: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly capturesBodySizes: boolean;
  /** `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`. */
  readonly knownMethods: readonly string[];
  /** Query keys whose value becomes `REDACTED`; case matters. */
  readonly redactedQueryKeys: readonly string[];
  /** How many records of a batch are searched for context; more than 128 counts as 128. */
  readonly maxLinks: number;
  /** Longest message body that is decoded or parsed, in UTF-16 units. */
  readonly maxBodyChars: number;
  /** What all bodies of one event together may take, in UTF-16 units: it bounds the time of recognition. */
  readonly maxParsedChars: number;
  /** `AWS_REGION`, for events that do not name their own. */
  readonly region: string | undefined;
  /** Headers whose presence means "there is a context"; the propagators' own, in lower case. */
  readonly contextKeys: readonly string[];
  /** Whether `_datadog` carriers are opened. */
  readonly readsDatadog: boolean;
  /** Whether a missing status is completed by the gateway's own rules (502, 200). */
  readonly infersHttpStatus: boolean;
  /** When reported `batchItemFailures` make the span an error. */
  readonly batchFailureIsError: 'all' | 'any' | 'never';
};

export const defaultTriggerOptions: TriggerOptions = {
  semconvOptIn: [],
  requestHeaders: [],
  responseHeaders: [],
  capturesBodySizes: false,
  knownMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'],
  redactedQueryKeys: [
    'X-Amz-Signature',
    'X-Amz-Credential',
    'X-Amz-Security-Token',
    'AWSAccessKeyId',
    'Signature',
    'sig',
    'X-Goog-Signature',
  ],
  maxLinks: 10,
  maxBodyChars: 64 * 1024,
  // JSON.parse takes 7 ns per unit of a structured body: 96 Ki units are 0.7 ms.
  maxParsedChars: 96 * 1024,
  region: undefined,
  contextKeys: ['traceparent', 'x-amzn-trace-id'],
  readsDatadog: false,
  infersHttpStatus: true,
  batchFailureIsError: 'all',
};
