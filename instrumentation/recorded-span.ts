// A span filled from facts: the phases of an invocation. It is both what user code sees as the active span and the record that
// leaves (`ReadableSpan`), so that the SDK need not be loaded for the phases (its evaluation costs 3-5 ms at start).

import type {
  Attributes,
  AttributeValue,
  Exception,
  HrTime,
  Link,
  Span,
  SpanContext,
  SpanKind,
  SpanStatus,
  TimeInput,
} from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { Instant } from '../runtime/lifecycle.ts';
import { ATTRIBUTE_COUNT_LIMIT, cleanAttributes, copyValue, isAnyValue, isSimpleValue } from './attribute-values.ts';
import { type Clock, epochHrTime } from './clock.ts';

type TimedEvent = ReadableSpan['events'][number];

export type RecordedSpanOptions = {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanContext: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly startedAt: Instant;
  readonly attributes: Attributes;
  readonly links?: Link[];
};

/** What all recorded spans of a process share. */
export type RecordingScope = {
  readonly clock: Clock;
  readonly resource: ReadableSpan['resource'];
  readonly instrumentationScope: ReadableSpan['instrumentationScope'];
};

const UNSET = 0;
const OK = 1;
const ERROR = 2;
/** The SDK's own default for events and links of a span; of more, the oldest go. */
const COUNT_LIMIT = 128;

/** The error an exception event was made of, for exporters that want more than its text. */
export const liveErrors = new WeakMap<TimedEvent, unknown>();

export class RecordedSpan implements Span, ReadableSpan {
  kind: SpanKind;
  name: string;
  readonly attributes: Attributes;
  readonly links: Link[];
  readonly events: TimedEvent[] = [];
  readonly startTime: HrTime;
  endTime: HrTime = [0, 0];
  status: SpanStatus = { code: UNSET };
  ended = false;
  droppedAttributesCount = 0;
  droppedEventsCount = 0;
  droppedLinksCount = 0;
  readonly parentSpanContext?: SpanContext;
  /** Where it hangs in X-Ray, when its parent is a span that X-Ray does not get. */
  xrayParentId: string | undefined;
  readonly startedAt: Instant;
  readonly #scope: RecordingScope;
  readonly #spanContext: SpanContext;
  /** Counted when user code sets one: what is said of the span without its doing is not limited. */
  #attributeCount = -1;

  constructor(scope: RecordingScope, options: RecordedSpanOptions) {
    this.#scope = scope;
    this.#spanContext = options.spanContext;
    this.kind = options.kind;
    this.name = options.name;
    this.attributes = options.attributes;
    this.links = options.links ?? [];
    this.startedAt = options.startedAt;
    this.startTime = scope.clock.hrTime(options.startedAt);
    if (options.parent !== undefined) this.parentSpanContext = options.parent;
  }

  get resource(): ReadableSpan['resource'] {
    return this.#scope.resource;
  }

  get instrumentationScope(): ReadableSpan['instrumentationScope'] {
    return this.#scope.instrumentationScope;
  }

  get duration(): HrTime {
    if (!this.ended) return [-1, -1];
    const nanos = (this.endTime[0] - this.startTime[0]) * 1e9 + this.endTime[1] - this.startTime[1];
    return [Math.floor(nanos / 1e9), nanos % 1e9];
  }

  // An own property would be copied into every span; the SDK's type wants a function.
  spanContext(): SpanContext {
    return this.#spanContext;
  }

  isRecording(): boolean {
    return !this.ended;
  }

  setAttribute(key: string, value: AttributeValue): this {
    if (this.ended || value === undefined || key === '') return this;
    const isNew = !Object.hasOwn(this.attributes, key);
    if (this.#attributeCount < 0) this.#attributeCount = Object.keys(this.attributes).length;
    if (isNew && this.#attributeCount >= ATTRIBUTE_COUNT_LIMIT) this.droppedAttributesCount++;
    else if (isAnyValue(value)) {
      this.attributes[key] = copyValue(value);
      if (isNew) this.#attributeCount++;
    }
    return this;
  }

  setAttributes(attributes: Attributes): this {
    for (const key of Object.keys(attributes ?? {})) this.setAttribute(key, attributes[key]);
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    if (isTime(attributesOrTime)) this.#addEvent(name, undefined, isTime(time) ? time : attributesOrTime);
    else this.#addEvent(name, attributesOrTime, time);
    return this;
  }

  addLink(link: Link): this {
    if (this.ended) return this;
    if (this.links.length >= COUNT_LIMIT) {
      this.links.shift();
      this.droppedLinksCount++;
    }
    this.links.push({ context: link.context, ...cleanAttributes(link.attributes, isAnyValue) });
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  setStatus(status: SpanStatus): this {
    if (this.ended || status.code === UNSET || this.status.code === OK) return this;
    this.status =
      status.code === ERROR && typeof status.message === 'string'
        ? { code: ERROR, message: status.message }
        : { code: status.code };
    return this;
  }

  updateName(name: string): this {
    if (!this.ended) this.name = name;
    return this;
  }

  /** Unlike the SDK's, keeps a thrown object that has neither name nor message: exporters look at the object itself. */
  recordException(exception: Exception, time?: TimeInput): void {
    if (exception === undefined || exception === null) return;
    const { code, name, message, stack } =
      typeof exception === 'string'
        ? { message: exception, code: undefined, name: undefined, stack: undefined }
        : (exception as { code?: unknown; name?: unknown; message?: unknown; stack?: unknown });
    const attributes: Attributes = {
      'exception.type': (code ? String(code) : name) || undefined,
      'exception.message': message || undefined,
      'exception.stacktrace': stack || undefined,
    };
    const event = this.#addEvent('exception', attributes, time);
    if (event !== undefined) liveErrors.set(event, exception);
  }

  /** User code may not end a phase: its end is a fact that the runtime reports. */
  end(): void {}

  /** Ends the span at a fact's instant; an end before the start counts as the start. */
  endAt(at: Instant): void {
    if (this.ended) return;
    this.endTime = this.#scope.clock.hrTimeBehind(this.startTime, this.startedAt, Math.max(at, this.startedAt));
    this.ended = true;
  }

  /** Takes the end back, because what the span stands for goes on. */
  resume(): void {
    this.ended = false;
    this.forgetFailure();
  }

  /** Takes back what a failed try has said: status, `error.type`, exceptions. */
  forgetFailure(): void {
    this.status = { code: UNSET };
    delete this.attributes['error.type'];
    const others = this.events.filter(({ name }) => name !== 'exception');
    this.events.splice(0, this.events.length, ...others);
  }

  #addEvent(name: string, attributes: Attributes | undefined, time: TimeInput | undefined): TimedEvent | undefined {
    if (this.ended) return undefined;
    if (this.events.length >= COUNT_LIMIT) {
      this.events.shift();
      this.droppedEventsCount++;
    }
    const event = { name, time: this.#hrTimeOf(time), ...cleanAttributes(attributes, isSimpleValue) };
    this.events.push(event);
    return event;
  }

  /** What is no time is now: an event that cannot be sent would take its span with it. */
  #hrTimeOf(time: TimeInput | undefined): HrTime {
    const { clock } = this.#scope;
    const now = clock.now();
    const at = hrTimeIn(time, clock, now);
    return at !== undefined && Number.isFinite(at[0]) && Number.isFinite(at[1]) ? at : clock.hrTime(now);
  }
}

function hrTimeIn(time: TimeInput | undefined, clock: Clock, now: Instant): HrTime | undefined {
  if (Array.isArray(time)) return time;
  if (time instanceof Date) return epochHrTime(time.getTime());
  if (typeof time !== 'number') return undefined;
  // The API allows `performance.now()` as well as epoch milliseconds.
  return time <= now ? clock.hrTime(time) : epochHrTime(time);
}

function isTime(value: unknown): value is TimeInput {
  return typeof value === 'number' || value instanceof Date || (Array.isArray(value) && typeof value[0] === 'number');
}
