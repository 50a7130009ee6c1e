// Spans as records of Lambda OTel Lite on standard output or into its named pipe, for its forwarder to pick up; also what takes the
// spans that no network destination took.

import type { Exporter, ExportOutcome, SpanBatch } from '../exporter.ts';
import { encodeSpans } from '../otlp/protobuf-spans.ts';
import { groupIntoRequests, halve, type SpanRequest, spansOf } from '../otlp/requests.ts';
import { NamedPipe } from './named-pipe.ts';
import { formatRecord, type RecordOptions } from './record.ts';

export type StdoutExporterOptions = RecordOptions & {
  /** Takes a line without its end; it is out when the call returns. */
  writeLine(line: string): void;
  /** Present: lines go there, and to standard output when nobody takes them there. */
  readonly pipePath: string | undefined;
  report(message: string): void;
};

/** CloudWatch Logs takes 256 KiB per event, less 26 bytes of its own, and cuts what is longer. */
const LONGEST_LINE = 262_000;
const MAX_SPANS = 1000;

export function createStdoutExporter(options: StdoutExporterOptions): Exporter {
  const pipe = options.pipePath === undefined ? undefined : new NamedPipe(options.pipePath);
  let hasReportedPipe = false;
  let hasReportedEncoding = false;

  const write = (line: string): void => {
    const failure = pipe?.write(line);
    if (pipe !== undefined && failure === undefined) return;
    if (failure !== undefined && !hasReportedPipe) {
      hasReportedPipe = true;
      options.report(`${failure}: spans are written to standard output instead; said once`);
    }
    options.writeLine(line);
  };

  /** undefined: a span among them cannot be turned into bytes. */
  const encode = (request: SpanRequest): string | undefined => {
    try {
      return formatRecord(encodeSpans(spansOf(request)), options);
    } catch (error) {
      if (request.spanCount === 1 && !hasReportedEncoding) {
        hasReportedEncoding = true;
        options.report(`spans that could not be encoded are dropped: ${error}; said once`);
      }
      return undefined;
    }
  };

  const writeAll = (batches: readonly SpanBatch[]): ExportOutcome => {
    let sentSpans = 0;
    let allSpans = 0;
    let error: string | undefined;
    const writeRequest = (request: SpanRequest): void => {
      const line = encode(request);
      const halves = line === undefined || line.length > LONGEST_LINE ? halve(request) : undefined;
      if (halves !== undefined) halves.forEach(writeRequest);
      else if (line !== undefined) {
        write(line);
        sentSpans += request.spanCount;
      }
    };
    for (const request of groupIntoRequests(batches, MAX_SPANS)) {
      allSpans += request.spanCount;
      try {
        writeRequest(request);
      } catch (failure) {
        error = `${failure}`;
      }
    }
    const droppedSpans = allSpans - sentSpans;
    if (error !== undefined) return { sentSpans, droppedSpans, error };
    return droppedSpans === 0 ? { sentSpans, droppedSpans } : { sentSpans, droppedSpans, dropReason: 'unsendable' };
  };

  return {
    name: 'otlp-stdout',
    export: async (batches) => writeAll(batches),
    exportAtExit(batches) {
      writeAll(batches);
      return true;
    },
  };
}
