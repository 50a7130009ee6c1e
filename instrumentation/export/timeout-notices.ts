// What is told of an invocation that may not live to its end, and of spans that have not ended: X-Ray documents in progress, which
// the final ones replace, one marker span for everybody else, and a record for the next process.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { batchOf } from '../invocation-end.ts';
import type { InvocationRecord } from '../invocation-record.ts';
import type { SpoolFile } from '../spool/spool-file.ts';
import { spoolLines } from '../spool/spool-lines.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import { attributesOf, statusOf } from './abrupt-end.ts';
import { activeHandles } from './active-handles.ts';
import type { AbruptEnd, DeliverySurroundings } from './delivery.ts';
import type { Outlet } from './outlet.ts';
import { endedSnapshot, openSnapshot, UNFINISHED } from './span-snapshot.ts';
import { timeoutMarker } from './timeout-marker.ts';

export class TimeoutNotices {
  readonly #surroundings: DeliverySurroundings;
  readonly #outlet: Outlet;
  readonly #spool: SpoolFile | undefined;
  readonly #watchdog: Watchdog | undefined;
  /** X-Ray has seen these in progress, and takes no second such document. */
  readonly #announced = new WeakSet<ReadableSpan>();

  constructor(
    surroundings: DeliverySurroundings,
    outlet: Outlet,
    spool: SpoolFile | undefined,
    watchdog: Watchdog | undefined,
  ) {
    this.#watchdog = watchdog;
    this.#surroundings = surroundings;
    this.#outlet = outlet;
    this.#spool = spool;
  }

  /** The invocation is answered, and spans of it are open: their children would hang in the air. */
  unended(record: InvocationRecord): void {
    this.#announce(record, [...record.open], []);
  }

  /** Time for a round trip is left. */
  late(record: InvocationRecord): void {
    if (record.isSampledForOtlp && this.#watchdog?.claim('late') !== false) this.#mark(record);
    this.#flush(record);
  }

  /** Time for datagrams is left. */
  last(record: InvocationRecord): void {
    if (this.#watchdog?.claim('last') !== false) {
      this.#announce(record, [...record.phases.all, ...record.open], activeHandles());
    }
    this.#flush(record);
    if (this.#spool !== undefined) this.#writeDown(record, this.#spool);
  }

  #announce(record: InvocationRecord, spans: readonly ReadableSpan[], handles: readonly string[]): void {
    const xray = this.#outlet.destinationOf('xray');
    const open = spans.filter((span) => !this.#announced.has(span));
    if (xray === undefined || open.length === 0) return;
    for (const span of open) this.#announced.add(span);
    const { handler } = record.phases;
    const attributesFor = (span: ReadableSpan) => ({
      [UNFINISHED]: true,
      ...(span === handler && handles.length > 0 && { 'spanstrap.active_handles': [...handles] }),
    });
    xray.addProvisional(
      batchOf(
        record,
        open.map((span) => openSnapshot(span, attributesFor(span))),
      ),
    );
  }

  #mark(record: InvocationRecord): void {
    const { clock, counts } = this.#surroundings;
    const marker = timeoutMarker(record.phases.handler, record.open, clock.hrTime(clock.now()), {
      'faas.invocation_id': record.invocation.requestId,
      'spanstrap.active_handles': activeHandles(),
    });
    counts.otlp.begun++;
    this.#outlet.add({ spans: [marker], xray: undefined, isSampledForOtlp: true });
  }

  #flush({ invocation }: InvocationRecord): void {
    void this.#outlet.flush(invocation.deadlineEpochMs, { withRunning: true, moment: 'running' });
  }

  /** In case that this was the end: what the next process needs to tell of it. */
  #writeDown(record: InvocationRecord, spool: SpoolFile): void {
    const { clock, flight } = this.#surroundings;
    const end: AbruptEnd = { how: 'timeout' };
    const endTime = clock.hrTime(clock.now());
    const ended = [
      ...record.phases.all.map((span) => ({
        ...endedSnapshot(span, endTime, attributesOf(end)),
        status: statusOf(end),
      })),
      ...[...record.open].map((span) => endedSnapshot(span, endTime)),
    ];
    spool.discard();
    for (const destination of this.#outlet.networkDestinations) {
      const batches = [...destination.waiting];
      const batch = batchOf(record, ended);
      if (destination.accepts(batch)) batches.unshift(batch);
      spool.append(spoolLines(destination.account.name, batches).text);
    }
    flight?.write();
  }
}
