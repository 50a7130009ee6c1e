/** What an annotation or an attribute may be. */
export type Scalar = string | number | boolean;

/** The span that `withSpan` and `forEachRecord` have made. Outside of the layer it takes everything and keeps nothing. */
export interface Span {
  setAttribute(key: string, value: Scalar | readonly Scalar[]): this;
  setAttributes(attributes: Readonly<Record<string, Scalar | readonly Scalar[]>>): this;
  addEvent(name: string, attributes?: Readonly<Record<string, Scalar | readonly Scalar[]>>): this;
  /** Ends of spans that threw are recorded anyway; this is for errors that were dealt with. */
  recordException(error: unknown): void;
  updateName(name: string): this;
  isRecording(): boolean;
  spanContext(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
}

/** Puts a searchable value on the active span: an annotation in X-Ray, an attribute in OpenTelemetry. */
export function annotate(key: string, value: Scalar): void;

/** Puts any value that JSON can hold on the active span, to be read and not searched. `namespace` is X-Ray's, `default` unless given. */
export function metadata(key: string, value: unknown, namespace?: string): void;

/**
 * Runs `work` in a span of that name and returns what it returns. The span ends with it, with the promise if it returns one; what it
 * throws is recorded and thrown on.
 */
export function withSpan<Result>(name: string, work: (span: Span) => Result): Result;

/** Says which route of a router inside the function an HTTP event took, such as `/orders/{id}`. */
export function setRoute(route: string): void;

/**
 * Calls `work` for each record of an event (SQS, SNS, Kinesis, DynamoDB, S3, Kafka, MQ, or a list), one after the other, in a span
 * that links to where the record was sent from. Resolves with the results; rejects with the first error. An event without records
 * is its own only record.
 */
export function forEachRecord<Record = unknown, Result = unknown>(
  event: unknown,
  work: (record: Record, span: Span) => Result | Promise<Result>,
): Promise<Result[]>;

declare const spanstrap: {
  annotate: typeof annotate;
  metadata: typeof metadata;
  withSpan: typeof withSpan;
  setRoute: typeof setRoute;
  forEachRecord: typeof forEachRecord;
};
export default spanstrap;
