// Draws spans as X-Ray documents the way the exporter does, without a socket, and checks every one against the rules of the service.

import assert from 'node:assert/strict';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { XrayPlacement } from '../../../../instrumentation/export/exporter.ts';
import { buildTrees } from '../../../../instrumentation/export/xray/document.ts';
import type { XrayMode } from '../../../../instrumentation/export/xray/phases.ts';
import { type SplitLimits, splitDocuments } from '../../../../instrumentation/export/xray/split.ts';
import type {
  AwsBlock,
  Cause,
  HttpBlock,
  SqlBlock,
  XrayException,
} from '../../../../instrumentation/export/xray/subsegment.ts';
import type { TranslationSettings } from '../../../../instrumentation/export/xray/translation.ts';
import { validateDatagram } from '../../../../local/sinks/xray-validation.ts';
import { buildSpan, type SpanDescription } from '../../span-builder.ts';

/** A subsegment as it reads on the wire. */
export type Drawn = {
  readonly id: string;
  readonly trace_id?: string;
  readonly type?: string;
  readonly parent_id?: string;
  readonly name: string;
  readonly namespace?: string;
  readonly start_time: number;
  readonly end_time?: number;
  readonly in_progress?: true;
  readonly error?: true;
  readonly throttle?: true;
  readonly fault?: true;
  readonly cause?: Cause;
  readonly http?: HttpBlock;
  readonly aws?: AwsBlock;
  readonly sql?: SqlBlock;
  readonly annotations?: Readonly<Record<string, string | number | boolean>>;
  readonly metadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly subsegments?: readonly Drawn[];
};

export const placement: XrayPlacement = {
  traceId: '1-65f1a2b3-0123456789abcdef01234567',
  parentId: '9f1e2d3c4b5a6978',
  serverSpanId: 'aa00000000000001',
  invocationSpanId: 'aa00000000000002',
};

export const noLimits: SplitLimits = {
  documentCapBytes: 64_000,
  addedDocuments: Number.POSITIVE_INFINITY,
  totalBytes: Number.POSITIVE_INFINITY,
};

export type DrawingOptions = Partial<TranslationSettings> & {
  readonly limits?: SplitLimits;
  readonly mode?: XrayMode;
  readonly placement?: XrayPlacement;
};

export type Drawing = {
  readonly documents: readonly Drawn[];
  readonly texts: readonly string[];
  readonly droppedSpans: number;
};

export function draw(spans: readonly ReadableSpan[], options: DrawingOptions = {}): Drawing {
  const trees = buildTrees(spans, options.placement ?? placement, options.mode ?? 'phases', {
    annotations: { indexedAttributes: [], keepsDots: false },
    metadataCapBytes: 4096,
    workingDirectory: '/var/task',
    liveErrorOf: undefined,
    ...options,
  });
  const { documents, droppedSpans } = splitDocuments(trees, options.limits ?? noLimits);
  const texts = documents.map(({ text }) => text);
  for (const { text, bytes } of documents) assert.equal(bytes, Buffer.byteLength(text), text.slice(0, 2000));
  const parsed = texts.map((text) => {
    const { document, violations } = validateDatagram(Buffer.from(`{"format":"json","version":1}\n${text}`));
    assert.deepEqual(violations, [], text.slice(0, 2000));
    return document as unknown as Drawn;
  });
  return { documents: parsed, texts, droppedSpans };
}

/** One span as the only subsegment of the only document. */
export function drawOne(description: SpanDescription, options?: DrawingOptions): Drawn {
  const { documents } = draw([buildSpan(description)], options);
  assert.equal(documents.length, 1);
  return documents[0]!;
}

/** A subsegment and everything embedded in it. */
export function* withDescendants(document: Drawn): Generator<Drawn> {
  const waiting = [document];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    waiting.push(...(next.subsegments ?? []));
  }
}

export const allOf = (documents: readonly Drawn[]): Drawn[] =>
  documents.flatMap((document) => [...withDescendants(document)]);

/** The exceptions of a cause that has them in full. */
export function exceptionsOf({ cause }: Drawn): readonly XrayException[] {
  assert.ok(typeof cause === 'object', `the cause is ${JSON.stringify(cause)}`);
  return cause.exceptions;
}
