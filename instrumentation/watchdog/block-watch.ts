// The watchdog's own side: looks at the board now and then, and when the main thread has missed its time to tell of an invocation that
// is nearly out of time, tells of it in its place, with the stack of what blocks it.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { setTimeout, wallNow } from '../../runtime/untouched.ts';
import { epochHrTime } from '../clock.ts';
import type { Exporter } from '../export/exporter.ts';
import { timeoutMarker } from '../export/timeout-marker.ts';
import { type BlockReport, blockAttributes } from '../spool/block-report.ts';
import { type DrawingScope, type DrawnFlight, drawFlight } from '../spool/drawn-flight.ts';
import { readFlight } from '../spool/flight-story.ts';
import { BLOCK_AT, HEAD_BYTES } from '../spool/spool-file.ts';
import type { FlightBoard, FlightTimes, Notice } from './flight-board.ts';
import { readMainThreadStack } from './main-thread-stack.ts';

/** How often the board is looked at when nothing is near. */
const LOOK_MS = 250;
/** The main thread may be this late with its own notice. */
const GRACE_MS: Readonly<Record<Notice, number>> = { late: 50, last: 20 };
/** How long its stack is waited for: little, when only datagrams can still be sent. */
const STACK_MS: Readonly<Record<Notice, number>> = { late: 250, last: 25 };

export type BlockWatchOptions = DrawingScope & {
  readonly board: FlightBoard;
  /** Of the file in which the main thread writes down what it does. */
  readonly path: string;
  /** Of the layer's scripts: what they call is the function's. */
  readonly ownFolder: string;
  openXray: (() => Exporter) | undefined;
  openOtlp: (() => Exporter) | undefined;
};

export class BlockWatch {
  readonly #options: BlockWatchOptions;
  #xray: Exporter | undefined;
  #otlp: Exporter | undefined;

  constructor(options: BlockWatchOptions) {
    this.#options = options;
  }

  /** For ever. */
  async run(): Promise<never> {
    for (;;) {
      const waitMs = await this.#look();
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  /** Returns after how many milliseconds to look again. */
  async #look(): Promise<number> {
    const { board } = this.#options;
    const times = board.read();
    if (times === undefined) return LOOK_MS;
    for (const notice of ['late', 'last'] as const) {
      if (board.isClaimed(notice, times.flight)) continue;
      const dueMs = times[`${notice}EpochMs`] + GRACE_MS[notice] - wallNow();
      if (dueMs > 0) return Math.min(dueMs, LOOK_MS);
      try {
        await this.#tell(notice, times.flight, times);
      } catch {
        // There is nobody to tell.
      }
    }
    return LOOK_MS;
  }

  async #tell(notice: Notice, flight: number, times: FlightTimes): Promise<void> {
    const { board, path, ownFolder } = this.#options;
    const story = readFlight(readFileSync(path), this.#options);
    const { facts, open = [], state } = story ?? {};
    // An invocation that nobody records.
    if (facts === undefined || state !== 'flying' || facts[4] !== times.deadlineEpochMs) {
      board.claim(notice, flight);
      return;
    }
    const stack = await stackWithin(STACK_MS[notice], ownFolder);
    if (board.flight !== flight || !board.claim(notice, flight)) return;
    const report = { requestId: facts[0], ...(stack !== undefined && { stack }) };
    const drawn = drawFlight({ facts, open }, this.#options, undefined, blockAttributes(report));
    this.#writeDown(report);
    // X-Ray takes one such document, so both notices are given with it.
    if (notice === 'last' || board.claim('last', flight)) await this.#announce(drawn);
    if (notice === 'late' && drawn.isSampledForOtlp) await this.#mark(drawn, report);
  }

  async #announce({ xray, invocation, open, isSampledForOtlp, deadlineEpochMs }: DrawnFlight): Promise<void> {
    const { openXray } = this.#options;
    if (xray === undefined || openXray === undefined) return;
    this.#xray ??= openXray();
    await this.#xray.export([{ spans: [invocation, ...open], xray, isSampledForOtlp }], deadlineEpochMs);
  }

  async #mark({ invocation, open, requestId, deadlineEpochMs }: DrawnFlight, report: BlockReport): Promise<void> {
    const { board, openOtlp } = this.#options;
    if (openOtlp === undefined) return;
    const marker: ReadableSpan = timeoutMarker(invocation, open, epochHrTime(wallNow()), {
      'faas.invocation_id': requestId,
    });
    this.#otlp ??= openOtlp();
    const { sentSpans } = await this.#otlp.export(
      [{ spans: [marker], xray: undefined, isSampledForOtlp: true }],
      deadlineEpochMs,
    );
    board.markerSent(sentSpans === 1);
    this.#writeDown({ ...report, marker: sentSpans === 1 ? 'sent' : 'lost' });
  }

  /** For the next process, should this one be killed. */
  #writeDown(report: BlockReport): void {
    const room = HEAD_BYTES - BLOCK_AT - 1;
    let { stack } = report;
    let text = JSON.stringify(report);
    while (stack && Buffer.byteLength(text) > room) {
      stack = stack.slice(0, stack.lastIndexOf('\n', stack.length - 2) + 1).trimEnd();
      text = JSON.stringify({ ...report, stack });
    }
    try {
      const fd = openSync(this.#options.path, 'r+');
      try {
        writeSync(fd, `${text}\n`, BLOCK_AT);
      } finally {
        closeSync(fd);
      }
    } catch {
      // The folder is full, or gone.
    }
  }
}

async function stackWithin(timeoutMs: number, ownFolder: string): Promise<string | undefined> {
  try {
    return await readMainThreadStack(new Session(), ownFolder, timeoutMs);
  } catch {
    // This Node has no inspector, or somebody forbids its use.
    return undefined;
  }
}
