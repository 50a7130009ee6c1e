// The spans that wait for one destination, bounded by number and by bytes. When there is no room the oldest ordinary spans go
// first; phases, errors and whatever stands between an error and its root stay as long as anything else can go.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { DropReason } from '../span-account.ts';
import type { SpanBatch } from './exporter.ts';
import { keyOf, SpanGroup } from './span-group.ts';
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

export class SpanQueue {
  readonly #options: SpanQueueOptions;
  /** One for each invocation, in order of arrival: mostly one. A Map would be filled and emptied with every invocation. */
  #groups: SpanGroup[] = [];
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
    this.#fill(group, batch);
    this.#bound();
  }

  /** Puts back what was taken and could not be sent, before everything else. */
  putBack(batches: readonly SpanBatch[]): void {
    const groups = new Map<object, SpanGroup>();
    for (const batch of batches) {
      const key = keyOf(batch);
      const group = groups.get(key) ?? new SpanGroup(batch);
      groups.set(key, group);
      this.#fill(group, batch);
    }
    for (const newer of this.#groups) {
      const older = groups.get(newer.key);
      if (older === undefined) groups.set(newer.key, newer);
      else older.append(newer);
    }
    this.#groups = [...groups.values()];
    this.#bound();
  }

  /** Takes out what waits, oldest first; `withRunning`: also what belongs to invocations that still run. */
  take(withRunning: boolean): SpanBatch[] {
    const batches: SpanBatch[] = [];
    const groups = this.#groups;
    let stayed = 0;
    for (let at = 0; at < groups.length; at++) {
      const group = groups[at]!;
      if (group.isRunning && !withRunning) {
        groups[stayed++] = group;
        continue;
      }
      this.#spans -= group.count;
      this.#bytes -= group.bytes;
      batches.push(group.toBatch());
    }
    groups.length = stayed;
    if (this.#spans === 0) this.#neededIds = undefined;
    return batches;
  }

  /** Takes out what waits of one invocation; undefined: nothing does. */
  takeOf(invocation: object): SpanBatch | undefined {
    const at = this.#groups.findIndex(({ key }) => key === invocation);
    if (at === -1) return undefined;
    const [group] = this.#groups.splice(at, 1);
    this.#spans -= group!.count;
    this.#bytes -= group!.bytes;
    if (this.#spans === 0) this.#neededIds = undefined;
    return group!.toBatch();
  }

  /** The latest comes first: most that is added belongs to it, or to nobody that waits. */
  #groupOf(batch: SpanBatch): SpanGroup {
    const key = keyOf(batch);
    const groups = this.#groups;
    for (let at = groups.length - 1; at >= 0; at--) if (groups[at]!.key === key) return groups[at]!;
    const group = new SpanGroup(batch);
    groups.push(group);
    return group;
  }

  #fill(group: SpanGroup, { spans }: SpanBatch): void {
    for (let at = 0; at < spans.length; at++) {
      const span = spans[at]!;
      const bytes = spanBytes(span);
      group.push(span, bytes);
      this.#spans++;
      this.#bytes += bytes;
      const parentId = span.parentSpanContext?.spanId;
      if (parentId === undefined || !this.#isKept(span)) continue;
      this.#neededIds ??= new Set();
      this.#neededIds.add(parentId);
    }
  }

  #isKept(span: ReadableSpan): boolean {
    return (
      // User code may have changed the span since it ended.
      span.status?.code === ERROR ||
      span.instrumentationScope.name === OWN_SCOPE ||
      this.#neededIds?.has(span.spanContext().spanId) === true
    );
  }

  #bound(): void {
    const { maxSpans, maxBytes } = this.#options;
    if (this.#spans > maxSpans) this.#dropWhile('queue_full', () => this.#spans > maxSpans);
    // A single span that is larger than everything that may wait is still tried once.
    const othersBytes = this.sendingBytes;
    if (this.#bytes + othersBytes > maxBytes) {
      this.#dropWhile('memory', () => this.#bytes + othersBytes > maxBytes && this.#spans > 1);
    }
  }

  #dropWhile(reason: DropReason, isTooMuch: () => boolean): void {
    const dropped = new Map<SpanGroup, ReadableSpan[]>();
    while (isTooMuch()) {
      const [group, index] = this.#nextToDrop();
      const spans = dropped.get(group) ?? [];
      dropped.set(group, spans);
      spans.push(this.#remove(group, index));
    }
    for (const [group, spans] of dropped) this.#options.dropped(reason, group.batchWith(spans));
  }

  #nextToDrop(): [SpanGroup, number] {
    for (const group of this.#groups) {
      for (; group.looked < group.length; group.looked++) {
        const span = group.at(group.looked);
        if (span !== undefined && !this.#isKept(span)) return [group, group.looked];
      }
    }
    // Nothing but phases and errors is left.
    const group = this.#groups[0]!;
    return [group, group.indexOfFirst()];
  }

  #remove(group: SpanGroup, index: number): ReadableSpan {
    this.#bytes -= group.bytes;
    const span = group.remove(index);
    this.#spans--;
    this.#bytes += group.bytes;
    if (group.count === 0) this.#groups.splice(this.#groups.indexOf(group), 1);
    return span;
  }
}
