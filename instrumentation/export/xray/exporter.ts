// Spans to X-Ray: documents over UDP to the daemon beside the function. The entry of a bundle of its own, loaded at the first
// flush.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { clearTimeout, setTimeout, wallNow } from '../../../runtime/untouched.ts';
import type { Exporter, ExportOutcome, SpanBatch } from '../exporter.ts';
import { parseDaemonAddress } from './daemon-address.ts';
import { builtinParts, DaemonSocket, type DaemonSocketParts, TOO_LARGE } from './daemon-socket.ts';
import { buildTrees } from './document.ts';
import type { XrayMode } from './phases.ts';
import { datagramOf, type FailedDocument, SendingRound, TIMED_OUT } from './sending-round.ts';
import { DOCUMENT_MIN_BYTES, type SplitLimits, splitDocuments, type XrayDocument } from './split.ts';
import type { TranslationSettings } from './translation.ts';

export type { XrayMode } from './phases.ts';

export type XrayExporterOptions = {
  /** The text of `AWS_XRAY_DAEMON_ADDRESS`. */
  readonly daemonAddress: string;
  /** How the phases are drawn; `phases` when absent. */
  readonly mode?: XrayMode;
  /** Cap of one document, 2048 to 65 477; 64 000 when absent. */
  readonly documentCapBytes?: number;
  /** Documents that splitting may add to one batch's own; 1000 when absent. */
  readonly addedDocuments?: number;
  /** Cap of all documents of one batch together; 400 000 when absent. */
  readonly totalBytes?: number;
  /** Cap of one subsegment's metadata; 4096 when absent. */
  readonly metadataCapBytes?: number;
  /** Attributes that become annotations on every span. */
  readonly indexedAttributes?: readonly string[] | 'all';
  /** Keep `.` in annotation keys; otherwise it becomes `_`. */
  readonly keepsAnnotationDots?: boolean;
  /** Named in causes; the process's own when absent. */
  readonly workingDirectory?: string;
  /** The Error an `exception` event was made of: it alone knows its causes. */
  liveErrorOf?(event: ReadableSpan['events'][number]): unknown;
  /** One line about what is wrong and has no place in an outcome: a span that cannot be translated. */
  reportProblem(message: string): void;
  /** Node's own when absent; others in tests. */
  readonly socketParts?: DaemonSocketParts;
};

const DEFAULT_CAP_BYTES = 64_000;
// Bytes are what X-Ray runs out of; the count only bounds the time of a flush: 1000 datagrams are 12 ms.
const DEFAULT_ADDED_DOCUMENTS = 1000;
const DEFAULT_TOTAL_BYTES = 400_000;
const DEFAULT_METADATA_CAP_BYTES = 4096;

export function createXrayExporter(options: XrayExporterOptions): Exporter {
  const daemon = parseDaemonAddress(options.daemonAddress);
  if ('error' in daemon) return new UnusableExporter(daemon.error);
  return new XrayExporter(options, new DaemonSocket(daemon, options.socketParts ?? builtinParts));
}

/** Stands where the daemon's address cannot be read: says so in every outcome. */
class UnusableExporter implements Exporter {
  readonly name = 'X-Ray';
  readonly #error: string;

  constructor(error: string) {
    this.#error = error;
  }

  async export(batches: readonly SpanBatch[]): Promise<ExportOutcome> {
    return { sentSpans: 0, droppedSpans: spansOf(batches), error: this.#error };
  }
}

type Drawing = {
  readonly documents: readonly XrayDocument[];
  /** Spans that are in no document. */
  readonly droppedSpans: number;
  readonly dropReason: 'too_large' | 'unsendable';
};

type Sent = {
  /** Nobody listens: nothing has arrived. */
  readonly isRefused: boolean;
  readonly failed: readonly FailedDocument[];
  readonly sentSpans: number;
};

class XrayExporter implements Exporter {
  readonly name = 'X-Ray';
  readonly #options: XrayExporterOptions;
  readonly #socket: DaemonSocket;
  readonly #translation: TranslationSettings;
  #limits: SplitLimits;
  #hasReportedTranslation = false;
  /** Nobody said otherwise the last time. A process that exits gets to know nothing. */
  #isThere = false;

  constructor(options: XrayExporterOptions, socket: DaemonSocket) {
    this.#options = options;
    this.#socket = socket;
    this.#translation = {
      annotations: {
        indexedAttributes: options.indexedAttributes ?? [],
        keepsDots: options.keepsAnnotationDots ?? false,
      },
      metadataCapBytes: options.metadataCapBytes ?? DEFAULT_METADATA_CAP_BYTES,
      workingDirectory: options.workingDirectory ?? currentDirectory(),
      liveErrorOf: options.liveErrorOf,
    };
    this.#limits = {
      documentCapBytes: options.documentCapBytes ?? DEFAULT_CAP_BYTES,
      addedDocuments: options.addedDocuments ?? DEFAULT_ADDED_DOCUMENTS,
      totalBytes: options.totalBytes ?? DEFAULT_TOTAL_BYTES,
    };
  }

  async export(batches: readonly SpanBatch[], deadlineEpochMs: number): Promise<ExportOutcome> {
    if (!hasPlaced(batches)) return { sentSpans: 0, droppedSpans: 0 };
    if (!this.#socket.isResolved && !(await beforeDeadline(this.#socket.resolve(), deadlineEpochMs, false))) {
      return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: `${this.#daemon} does not resolve` };
    }
    const drawing = this.#draw(batches);
    const { documents } = drawing;
    if (documents.length === 0) return outcomeOf(drawing, 0);
    const round = new SendingRound(this.#socket, documents);
    const isRefused = await round.send(deadlineEpochMs);
    const failed = round.failed();
    const first = { isRefused, failed, sentSpans: countSpans(documents) - countFailed(failed) };
    const sent = isRefused || failed.length === 0 ? first : await this.#sendAgain(first, deadlineEpochMs);
    this.#isThere = !sent.isRefused;
    if (sent.isRefused) {
      this.#socket.moved();
      return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: `nobody listens at ${this.#daemon}` };
    }
    const outcome = outcomeOf(drawing, sent.sentSpans);
    if (sent.failed.length === 0) return outcome;
    const reasons = [...new Set(sent.failed.map(({ failure }) => failure))].join(', ');
    const error = `${sent.failed.length} documents could not be sent to the X-Ray daemon: ${reasons}`;
    return { ...outcome, dropReason: 'refused', error };
  }

  /**
   * Without waves: nobody is left to wait, and the daemon's socket is likely to be empty. Nobody is left to hear either that it has
   * gone: it must have been there at the end of the invocation before, so that nothing of that one waits any more.
   */
  exportAtExit(batches: readonly SpanBatch[]): boolean {
    const isOfOne = batches.every(({ invocation }) => invocation === batches[0]?.invocation);
    if (!this.#socket.isResolved || !this.#isThere || !isOfOne) return false;
    for (const document of this.#draw(batches).documents) this.#socket.send(datagramOf(document), () => {});
    return true;
  }

  get #daemon(): string {
    return `the host in AWS_XRAY_DAEMON_ADDRESS ${JSON.stringify(this.#options.daemonAddress)}`;
  }

  #draw(batches: readonly SpanBatch[]): Drawing {
    const documents: XrayDocument[] = [];
    let droppedSpans = 0;
    let dropReason: Drawing['dropReason'] = 'too_large';
    for (let index = 0; index < batches.length; index += 1) {
      const { spans: all, xray, hiddenFromXray } = batches[index]!;
      if (xray === undefined) continue;
      const spans = hiddenFromXray === undefined ? all : all.filter((span) => !hiddenFromXray.has(span));
      // A late span alone, which another tracer draws.
      if (spans.length === 0) continue;
      try {
        const trees = buildTrees(spans, xray, this.#options.mode ?? 'phases', this.#translation);
        const split = splitDocuments(trees, this.#limits);
        for (let at = 0; at < split.documents.length; at += 1) documents.push(split.documents[at]!);
        droppedSpans += split.droppedSpans;
      } catch (error) {
        droppedSpans += spans.length;
        dropReason = 'unsendable';
        this.#reportTranslation(error);
      }
    }
    return { documents, droppedSpans, dropReason };
  }

  #reportTranslation(error: unknown): void {
    if (this.#hasReportedTranslation) return;
    this.#hasReportedTranslation = true;
    this.#options.reportProblem(`spans could not be written as X-Ray documents and are dropped: ${error}`);
  }

  /** Tries once more what may get there all the same: in smaller documents, or through a new socket. */
  async #sendAgain({ failed, sentSpans }: Sent, deadlineEpochMs: number): Promise<Sent> {
    const late = failed.filter(({ failure }) => failure === TIMED_OUT);
    const tooLarge = failed.filter(({ failure }) => failure === TOO_LARGE);
    const broken = failed.filter((one) => !late.includes(one) && !tooLarge.includes(one));
    if (broken.length > 0) this.#socket.discard();
    const again = [...broken.map(({ document }) => document), ...this.#splitSmaller(tooLarge)];
    if (again.length === 0) return { isRefused: false, failed, sentSpans };
    const round = new SendingRound(this.#socket, again);
    const isRefused = await round.send(deadlineEpochMs);
    const failedAgain = round.failed();
    const sentNow = countSpans(again) - countFailed(failedAgain);
    return { isRefused, failed: [...late, ...failedAgain], sentSpans: sentSpans + sentNow };
  }

  /** The machine takes smaller datagrams than ours (macOS: 9216 bytes): from now on the cap is half of what it was. */
  #splitSmaller(tooLarge: readonly FailedDocument[]): readonly XrayDocument[] {
    if (tooLarge.length === 0) return [];
    const documentCapBytes = Math.max(DOCUMENT_MIN_BYTES, Math.floor(this.#limits.documentCapBytes / 2));
    this.#limits = { ...this.#limits, documentCapBytes };
    const roots = tooLarge.map(({ document }) => document.root);
    return splitDocuments(roots, { ...this.#limits, totalBytes: Number.POSITIVE_INFINITY }).documents;
  }
}

function outcomeOf({ documents, droppedSpans, dropReason }: Drawing, sentSpans: number): ExportOutcome {
  const outcome = { sentSpans, droppedSpans: droppedSpans + countSpans(documents) - sentSpans };
  return droppedSpans > 0 ? { ...outcome, dropReason } : outcome;
}

/** What `promise` gives, or `otherwise` once the deadline has passed. The timer does not hold the process. */
async function beforeDeadline<T>(promise: Promise<T>, deadlineEpochMs: number, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), Math.max(0, deadlineEpochMs - wallNow()));
    timer.unref();
  });
  const first = await Promise.race([promise, timeUp]);
  clearTimeout(timer);
  return first;
}

function hasPlaced(batches: readonly SpanBatch[]): boolean {
  for (let index = 0; index < batches.length; index += 1) if (batches[index]!.xray !== undefined) return true;
  return false;
}

function countSpans(documents: readonly XrayDocument[]): number {
  let spans = 0;
  for (let index = 0; index < documents.length; index += 1) spans += documents[index]!.spans;
  return spans;
}

const countFailed = (failed: readonly FailedDocument[]): number =>
  failed.reduce((count, { document }) => count + document.spans, 0);

const spansOf = (batches: readonly SpanBatch[]): number =>
  batches.reduce((count, { spans, xray }) => count + (xray === undefined ? 0 : spans.length), 0);

function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    // It was deleted.
    return '/';
  }
}
