// The spans that wait for one destination, bounded by number and by bytes. When there is no room the oldest ordinary spans go
// first; phases, errors and whatever stands between an error and its root stay as long as anything else can go.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { DropReason } from '../span-account.ts';
import type { SpanBatch } from './exporter.ts';
import { spanBytes } from './span-size.ts';

const ERROR = 2;
/** The scope of the runtime's own spans: without the phases everything below them would hang in the air. */
const OWN_SCOPE = 'spanstrap';

export type SpanQueueOptions = {
  readonly maxSpans: number;
  readonly maxBytes: number;
  /** Spans had to go. */
  dropped(reason: DropReason, batch: SpanBatch): void;
};

/** The waiting spans of one invocation, or of one batch that belongs to none. */
type Group = {
  readonly key: object;
  /** What its batches have in common. */
  readonly frame: Omit<SpanBatch, 'spans'>;
  /** In order of their ends; holes where a span was dropped. */
  spans: (ReadableSpan | undefined)[];
  sizes: number[];
  count: number;
  isRunning: boolean;
  /** Spans before this index are dropped, or stay. */
  looked: number;
};

export class SpanQueue {
  readonly #options: SpanQueueOptions;
  /** By invocation, in order of arrival. */
  #groups = new Map<object, Group>();
  /** Ids of spans that must stay because an error is below them: a parent ends after its children, so it is known in time. */
  #neededIds: Set<string> | undefined;
  #spans = 0;
  #bytes = 0;
  /** Of spans that were taken out and are being sent: they take memory as well. */
  sendingBytes = 0;

  constructor(options: SpanQueueOptions) {
    this.#options = options;
  }

  get spans(): number {
    return this.#spans;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** More than half of what may wait does. */
  get isPressed(): boolean {
    const { maxSpans, maxBytes } = this.#options;
    return this.#spans * 2 > maxSpans || this.#bytes * 2 > maxBytes;
  }

  add(batch: SpanBatch): void {
    const group = this.#groupOf(batch);
    group.isRunning = batch.isRunning === true;
    for (const span of batch.spans) this.#push(group, span);
    this.#bound();
  }

  /** Puts back what was taken and could not be sent, before everything else. */
  putBack(batches: readonly SpanBatch[]): void {
    const newer = this.#groups;
    this.#groups = new Map();
    for (const batch of batches) {
      const group = this.#groupOf(batch);
      for (const span of batch.spans) this.#push(group, span);
    }
    for (const [key, group] of newer) {
      const older = this.#groups.get(key);
      if (older === undefined) this.#groups.set(key, group);
      else {
        older.spans = older.spans.concat(group.spans);
        older.sizes = older.sizes.concat(group.sizes);
        older.count += group.count;
        older.isRunning = group.isRunning;
      }
    }
    this.#bound();
  }

  /** Takes out what waits, oldest first; `withRunning`: also what belongs to invocations that still run. */
  take(withRunning: boolean): SpanBatch[] {
    const batches: SpanBatch[] = [];
    for (const [key, group] of this.#groups) {
      if (group.isRunning && !withRunning) continue;
      this.#groups.delete(key);
      this.#spans -= group.count;
      for (const [index, size] of group.sizes.entries()) if (group.spans[index] !== undefined) this.#bytes -= size;
      batches.push({ ...group.frame, spans: group.spans.filter((span) => span !== undefined) });
    }
    if (this.#spans === 0) this.#neededIds = undefined;
    return batches;
  }

  #groupOf(batch: SpanBatch): Group {
    const key = batch.invocation ?? batch;
    let group = this.#groups.get(key);
    if (group === undefined) {
      const { spans: _, ...rest } = batch;
      // What belongs to no invocation is known by the batch that it came in.
      const frame = batch.invocation === undefined ? { ...rest, whole: batch.whole ?? batch } : rest;
      group = { key, frame, spans: [], sizes: [], count: 0, isRunning: false, looked: 0 };
      this.#groups.set(key, group);
    }
    return group;
  }

  #push(group: Group, span: ReadableSpan): void {
    const size = spanBytes(span);
    group.spans.push(span);
    group.sizes.push(size);
    group.count++;
    this.#spans++;
    this.#bytes += size;
    if (!this.#isKept(span)) return;
    const parentId = span.parentSpanContext?.spanId;
    if (parentId === undefined) return;
    this.#neededIds ??= new Set();
    this.#neededIds.add(parentId);
  }

  #isKept(span: ReadableSpan): boolean {
    return (
      span.status.code === ERROR ||
      span.instrumentationScope.name === OWN_SCOPE ||
      this.#neededIds?.has(span.spanContext().spanId) === true
    );
  }

  #bound(): void {
    const { maxSpans, maxBytes } = this.#options;
    if (this.#spans > maxSpans) this.#dropWhile('queue_full', () => this.#spans > maxSpans);
    // A single span that is larger than everything that may wait is still tried once.
    const bytes = (): number => this.#bytes + this.sendingBytes;
    if (bytes() > maxBytes) this.#dropWhile('memory', () => bytes() > maxBytes && this.#spans > 1);
  }

  #dropWhile(reason: DropReason, isTooMuch: () => boolean): void {
    const dropped = new Map<Group, ReadableSpan[]>();
    while (isTooMuch()) {
      const [group, index] = this.#nextToDrop();
      const spans = dropped.get(group) ?? [];
      dropped.set(group, spans);
      spans.push(this.#remove(group, index));
    }
    for (const [group, spans] of dropped) this.#options.dropped(reason, { ...group.frame, spans });
  }

  #nextToDrop(): [Group, number] {
    for (const group of this.#groups.values()) {
      for (; group.looked < group.spans.length; group.looked++) {
        const span = group.spans[group.looked];
        if (span !== undefined && !this.#isKept(span)) return [group, group.looked];
      }
    }
    // Nothing but phases and errors is left.
    const [group] = this.#groups.values();
    return [group!, group!.spans.findIndex((span) => span !== undefined)];
  }

  #remove(group: Group, index: number): ReadableSpan {
    const span = group.spans[index]!;
    group.spans[index] = undefined;
    this.#spans--;
    this.#bytes -= group.sizes[index]!;
    group.count--;
    if (group.count === 0) this.#groups.delete(group.key);
    return span;
  }
}
