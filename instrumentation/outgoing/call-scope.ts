// What an outgoing call needs of the invocation it is made in. Types only: the recorder implements it, and the bundle of the
// tracers uses it without loading the recorder a second time.

import type { Attributes, Context, Span, SpanContext, SpanKind } from '@opentelemetry/api';
import type { Instant } from '../../runtime/lifecycle.ts';
import type { OutgoingTrace } from './propagation.ts';

export type CallOptions = {
  readonly name: string;
  readonly kind: SpanKind;
  readonly startedAt: Instant;
  readonly attributes: Attributes;
  /** Where the call is made. */
  readonly context: Context;
};

/** A span of an outgoing call, which its tracer ends. */
export type CallSpan = Span & {
  name: string;
  kind: SpanKind;
  readonly attributes: Attributes;
  readonly ended: boolean;
  readonly startedAt: Instant;
  /** Takes back what a failed try has said: status, `error.type`, exceptions. */
  forgetFailure(): void;
};

/** An invocation that is recorded. */
export interface CallScope extends OutgoingTrace {
  readonly isRecorded: true;
  /** Its spans have left; a span that ends now follows in a batch of its own. */
  readonly isClosed: boolean;
  /** Of the handler: where a call belongs whose own context is lost. */
  readonly context: Context;
  startCall(options: CallOptions): CallSpan;
  /** Ends the span, once. */
  endCall(span: CallSpan, at: Instant): void;
  /** Takes a span that has ended back, because the same call goes on; false when it has left already. */
  resumeCall(span: CallSpan): boolean;
  /** Forgets a span that turned out to stand for nothing. */
  dropCall(span: CallSpan): void;
  /** Another tracer draws this call in X-Ray already. */
  hideFromXray(span: CallSpan): void;
  /** Of the invocation as a whole. */
  readonly span: Span & { readonly attributes: Attributes };
}

/** An invocation that nobody records: its calls only hand its trace on. */
export interface UnrecordedScope extends OutgoingTrace {
  readonly isRecorded: false;
}

/** What all calls of a process share. */
export type CallEnvironment = {
  now(): Instant;
  activeContext(): Context;
  /** The invocation that the running code belongs to. */
  here(): CallScope | UnrecordedScope | undefined;
  /** The invocation that is running, where the running code knows of none; undefined when there may be several. */
  present(): CallScope | UnrecordedScope | undefined;
  runIn<T>(context: Context, work: () => T): T;
  /** A tracer of the user's own has taken the place of ours; what it traces is not traced twice. */
  hasForeignTracer(): boolean;
  /** OpenTelemetry's instrumentations that the user has made, by full name; undefined: not known, his SDK came before us. */
  readonly instrumentations: Set<string> | undefined;
  /** One line of our own for the operator. */
  report(message: string): void;
  spanContextOf(context: Context): SpanContext | undefined;
};
