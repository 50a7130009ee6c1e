// Spans to X-Ray: documents over UDP to the daemon beside the function. The entry of a bundle of its own, loaded at the first
// flush.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { clearTimeout, setTimeout, wallNow } from '../../../runtime/untouched.ts';
import type { Exporter, ExportOutcome, SpanBatch } from '../exporter.ts';
import { parseDaemonAddress } from './daemon-address.ts';
import { builtinParts, DaemonSocket, type DaemonSocketParts, TOO_LARGE } from './daemon-socket.ts';
import { buildTrees } from './document.ts';
import type { XrayMode } from './phases.ts';
import { DOCUMENT_MIN_BYTES, type SplitLimits, splitDocuments, type XrayDocument } from './split.ts';
import type { TranslationSettings } from './translation.ts';
import { WAVE_PAUSE_MS, wavesOf } from './waves.ts';

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

/** A datagram takes microseconds; one that takes longer than this is not waited for. */
const SEND_TIMEOUT_MS = 50;

const HEADER = '{"format":"json","version":1}\n';

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

type Failed = { readonly document: XrayDocument; readonly failure: string };

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
    if (!batches.some(({ xray }) => xray !== undefined)) return { sentSpans: 0, droppedSpans: 0 };
    if (!this.#socket.isResolved && !(await beforeDeadline(this.#socket.resolve(), deadlineEpochMs, false))) {
      return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: `${this.#daemon} does not resolve` };
    }
    const { documents, droppedSpans, dropReason } = this.#documentsOf(batches);
    const reason = droppedSpans > 0 ? { dropReason } : {};
    if (documents.length === 0) return { sentSpans: 0, droppedSpans, ...reason };
    const { failed, sentSpans } = await this.#sendTwice(documents, deadlineEpochMs);
    this.#isThere = !(await this.#socket.wasRefused());
    if (!this.#isThere) {
      return { sentSpans: 0, droppedSpans: 0, unsent: batches, error: `nobody listens at ${this.#daemon}` };
    }
    const outcome = { sentSpans, droppedSpans: droppedSpans + countSpans(documents) - sentSpans, ...reason };
    if (failed.length === 0) return outcome;
    const reasons = [...new Set(failed.map(({ failure }) => failure))].join(', ');
    const error = `${failed.length} documents could not be sent to the X-Ray daemon: ${reasons}`;
    return { ...outcome, dropReason: 'refused', error };
  }

  /**
   * Without waves: nobody is left to wait, and the daemon's socket is likely to be empty. Nobody is left to hear either that it has
   * gone: it must have been there at the end of the invocation before, so that nothing of that one waits any more.
   */
  exportAtExit(batches: readonly SpanBatch[]): boolean {
    const isOfOne = batches.every(({ invocation }) => invocation === batches[0]?.invocation);
    if (!this.#socket.isResolved || !this.#isThere || !isOfOne) return false;
    for (const { text } of this.#documentsOf(batches).documents) {
      this.#socket.send(Buffer.from(HEADER + text), () => {});
    }
    return true;
  }

  get #daemon(): string {
    return `the host in AWS_XRAY_DAEMON_ADDRESS ${JSON.stringify(this.#options.daemonAddress)}`;
  }

  #documentsOf(batches: readonly SpanBatch[]): {
    readonly documents: readonly XrayDocument[];
    readonly droppedSpans: number;
    readonly dropReason: 'too_large' | 'unsendable';
  } {
    const documents: XrayDocument[] = [];
    let droppedSpans = 0;
    let dropReason: 'too_large' | 'unsendable' = 'too_large';
    for (const { spans: all, xray, hiddenFromXray } of batches) {
      if (xray === undefined) continue;
      const spans = hiddenFromXray === undefined ? all : all.filter((span) => !hiddenFromXray.has(span));
      // A late span alone, which another tracer draws.
      if (spans.length === 0) continue;
      try {
        const trees = buildTrees(spans, xray, this.#options.mode ?? 'phases', this.#translation);
        const split = splitDocuments(trees, this.#limits);
        documents.push(...split.documents);
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

  /** Sends, and sends again what failed: in smaller documents, or through a new socket. */
  async #sendTwice(
    documents: readonly XrayDocument[],
    deadlineEpochMs: number,
  ): Promise<{ failed: readonly Failed[]; sentSpans: number }> {
    const first = await this.#sendAll(documents, deadlineEpochMs);
    const sentSpans = countSpans(documents) - countFailed(first);
    if (first.length === 0) return { failed: first, sentSpans };
    const tooLarge = first.filter(({ failure }) => failure === TOO_LARGE);
    const broken = first.filter(({ failure }) => failure !== TOO_LARGE && failure !== TIMED_OUT);
    const late = first.filter(({ failure }) => failure === TIMED_OUT);
    if (broken.length > 0) this.#socket.discard();
    const again = [...broken.map(({ document }) => document), ...this.#splitSmaller(tooLarge)];
    const second = await this.#sendAll(again, deadlineEpochMs);
    return { failed: [...late, ...second], sentSpans: sentSpans + countSpans(again) - countFailed(second) };
  }

  /** The machine takes smaller datagrams than ours (macOS: 9216 bytes): from now on the cap is half of what it was. */
  #splitSmaller(tooLarge: readonly Failed[]): readonly XrayDocument[] {
    if (tooLarge.length === 0) return [];
    const documentCapBytes = Math.max(DOCUMENT_MIN_BYTES, Math.floor(this.#limits.documentCapBytes / 2));
    this.#limits = { ...this.#limits, documentCapBytes };
    const roots = tooLarge.map(({ document }) => document.root);
    return splitDocuments(roots, { ...this.#limits, totalBytes: Number.POSITIVE_INFINITY }).documents;
  }

  async #sendAll(documents: readonly XrayDocument[], deadlineEpochMs: number): Promise<Failed[]> {
    const failed: Failed[] = [];
    let isLate = false;
    for (const [index, wave] of wavesOf(documents).entries()) {
      if (index > 0 && !isLate) await pause(WAVE_PAUSE_MS);
      const ended: Failed[] = isLate
        ? wave.map((document) => ({ document, failure: TIMED_OUT }))
        : await this.#sendWave(wave, deadlineEpochMs);
      isLate ||= ended.some(({ failure }) => failure === TIMED_OUT);
      failed.push(...ended);
    }
    return failed;
  }

  async #sendWave(documents: readonly XrayDocument[], deadlineEpochMs: number): Promise<Failed[]> {
    const failed: Failed[] = [];
    const pending = new Set(documents);
    const sent = new Promise<true>((resolve) => {
      for (const document of documents) {
        this.#socket.send(Buffer.from(HEADER + document.text), (failure) => {
          if (pending.delete(document) && failure !== undefined) failed.push({ document, failure });
          if (pending.size === 0) resolve(true);
        });
      }
    });
    await beforeDeadline(sent, Math.min(deadlineEpochMs, wallNow() + SEND_TIMEOUT_MS), true);
    const late = [...pending];
    pending.clear();
    for (const document of late) failed.push({ document, failure: TIMED_OUT });
    return failed;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const TIMED_OUT = 'the socket did not take them in time';

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

const countSpans = (documents: readonly XrayDocument[]): number =>
  documents.reduce((count, { spans }) => count + spans, 0);

const countFailed = (failed: readonly Failed[]): number => countSpans(failed.map(({ document }) => document));

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
