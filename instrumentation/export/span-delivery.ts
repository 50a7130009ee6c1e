// Everything that gets spans out of the process, put together: what is done at which moment of an invocation and of the process.
// Loaded at the first flush or at the first emergency.

import type { Attributes } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { FlushReason } from '../../runtime/lifecycle.ts';
import { closeInvocation, type EndingScope, endPhases, isRecordedSpan, takeEnded } from '../invocation-end.ts';
import type { InvocationRecord } from '../invocation-record.ts';
import type { SpanAccount } from '../span-account.ts';
import { recoverSpans } from '../spool/recovery.ts';
import { SpoolFile } from '../spool/spool-file.ts';
import { spoolLines } from '../spool/spool-lines.ts';
import type { FlightTimes } from '../watchdog/flight-board.ts';
import type { Watchdog } from '../watchdog/watchdog.ts';
import { attributesOf, statusOf } from './abrupt-end.ts';
import type { AbruptEnd, Delivery, DeliverySurroundings } from './delivery.ts';
import type { Destination } from './destination.ts';
import type { SpanBatch } from './exporter.ts';
import { InvocationWatch, momentsOf } from './invocation-watch.ts';
import { Outlet, type OutletOptions } from './outlet.ts';
import { endedSnapshot } from './span-snapshot.ts';
import { TimeoutNotices } from './timeout-notices.ts';

export type SpanDeliveryOptions = DeliverySurroundings & {
  /** Of X-Ray and of what the sampler decides on, as far as either is wanted. */
  readonly accounts: readonly SpanAccount[];
  readonly outlet: Omit<OutletOptions, 'untraced' | 'changed' | 'fault'>;
  /** How long before its deadline an invocation counts as late; undefined: by the rule in invocation-watch.ts. */
  readonly deadlineMarginMs: number | undefined;
  /** undefined: a blocked event loop is not told of. */
  readonly watchdog: Watchdog | undefined;
  /** One line of the tracer's own for the operator. */
  report(message: string): void;
};

/** An environment that is shut down this close to a deadline is shut down because of it. */
const TIMED_OUT_MS = 100;
/** Spans that are never ended must not pile up: the oldest are taken as they are when there are more. */
const MOST_OPEN_SPANS = 512;
const countSpans = (batches: readonly SpanBatch[]): number =>
  batches.reduce((count, { spans }) => count + spans.length, 0);
