// Takes over what dead processes of this environment left in its spool: their spans are sent as if they were this process's, what
// is lost for good is counted, and the invocation that was killed is drawn from what was written down of it. Every file is removed
// before anything of it is sent: nothing is sent twice.

import { closeSync, constants, fstatSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { describeEnd } from '../export/abrupt-end.ts';
import type { AbruptEnd } from '../export/delivery.ts';
import type { SpanBatch } from '../export/exporter.ts';
import type { SpanAccount } from '../span-account.ts';
import { blockAttributes } from './block-report.ts';
import { drawFlight } from './drawn-flight.ts';
import { type FlightStory, readFlight } from './flight-story.ts';
import { deadPaths } from './spool-file.ts';
import type { SpanSurroundings, SpoolRecord } from './spool-record.ts';

export type RecoveryOptions = SpanSurroundings & {
  readonly instrumentationScope: ReadableSpan['instrumentationScope'];
  readonly path: string;
  readonly accounts: readonly SpanAccount[];
  add(batch: SpanBatch): void;
  /** One line for the operator. */
  report(message: string): void;
};

/** The last sign of life came this close to the deadline: that was it. */
const TIMED_OUT_MS = 300;

/** Never throws: a file that cannot be read is left alone. */
export function recoverSpans(options: RecoveryOptions): void {
  for (const path of deadPaths(options.path)) {
    const bytes = takeFile(path);
    if (bytes === undefined) continue;
    try {
      const story = readFlight(bytes, options);
      if (story !== undefined) takeOver(story, options);
    } catch {
      // Whoever wrote it, or wrote into it, was none of ours.
    }
  }
}

/** The content of a file that is ours, and the file is gone. */
function takeFile(path: string): Buffer | undefined {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const { uid } = fstatSync(fd);
      if (uid !== process.getuid?.()) return undefined;
      const bytes = readFileSync(fd);
      unlinkSync(path);
      return bytes;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

function takeOver(story: FlightStory, options: RecoveryOptions): void {
  const end: AbruptEnd = { how: endedByTime(story) ? 'timeout' : 'killed' };
  const records = [...story.records, ...redrawn(story, end, options)];
  const told: string[] = [];
  for (const account of options.accounts) {
    const left = story.accounts.find(({ name }) => name === account.name);
    if (left === undefined) continue;
    account.carryOn(left.losses);
    let recovered = 0;
    for (const { to, batch } of records) {
      if (to !== account.name) continue;
      account.count.begun += batch.spans.length;
      recovered += batch.spans.length;
      options.add(batch);
    }
    const lost = Math.max(0, left.outstanding - left.inFlight - recovered);
    if (account.name === 'otlp' && story.state === 'flying') countMarker(account, story.block?.marker);
    account.count.begun += lost + left.inFlight;
    account.drop('killed', lost);
    account.drop('unknown_fate', left.inFlight);
    if (recovered + lost + left.inFlight > 0) {
      told.push(`${account.name}: ${recovered} spans are sent now, ${lost + left.inFlight} are lost`);
    }
  }
  if (told.length === 0) return;
  const during =
    story.state === 'flying' && story.facts ? `during request ${story.facts[0]}` : 'before it had sent all spans';
  const how = story.state === 'flying' ? `: ${describeEnd(end)}` : '';
  options.report(`the process before this one ended ${during}${how}; ${told.join('; ')}`);
}

/** The one span that is not in the dead process's own books. */
function countMarker(account: SpanAccount, marker: 'sent' | 'lost' | undefined): void {
  if (marker === undefined) return;
  account.count.begun++;
  if (marker === 'sent') account.settle(1);
  else account.drop('killed', 1);
}

/** Only the watchdog knows of a blocked event loop, and it looks shortly before the deadline. */
const endedByTime = ({ facts, block, writtenEpochMs }: FlightStory): boolean =>
  facts !== undefined && (block !== undefined || writtenEpochMs >= facts[4] - TIMED_OUT_MS);

/** The killed invocation's own spans and those that were open in it, unless it left them itself. */
function redrawn(
  { state, facts, open, block, records, writtenEpochMs }: FlightStory,
  end: AbruptEnd,
  options: RecoveryOptions,
): SpoolRecord[] {
  if (state !== 'flying' || facts === undefined) return [];
  const [, , , startedEpochMs, deadlineEpochMs, , serverSpanId] = facts;
  const told = new Set(records.flatMap(({ batch }) => batch.spans.map((span) => span.spanContext().spanId)));
  if (told.has(serverSpanId)) return [];
  const epochMs = end.how === 'timeout' ? deadlineEpochMs : Math.max(startedEpochMs, writtenEpochMs);
  const flight = drawFlight(
    { facts, open: open.filter(([, , , id]) => !told.has(id)) },
    options,
    { end, epochMs },
    block && blockAttributes(block),
  );
  const { xray, isSampledForOtlp } = flight;
  const spans = [flight.server, flight.invocation, ...flight.open];
  const drawn: SpoolRecord[] = [];
  if (xray !== undefined) drawn.push({ to: 'xray', batch: { spans, xray, isSampledForOtlp: false } });
  if (isSampledForOtlp) drawn.push({ to: 'otlp', batch: { spans, xray: undefined, isSampledForOtlp: true } });
  return drawn;
}
