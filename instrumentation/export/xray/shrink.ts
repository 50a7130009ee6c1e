// Making one subsegment smaller that is too large for any datagram by itself: step by step, what is missed least first. What was
// cut says so.

import { withMark } from './metadata.ts';
import { capMetadata, jsonBytes } from './metadata-cap.ts';
import type { SubsegmentFields, XrayException } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';

const QUERY_CHARS = 4096;
const KEPT_FRAMES = 10;
const KEPT_EXCEPTIONS = 3;
const ANNOTATION_CHARS = 1000;
const KEPT_ANNOTATIONS = 50;

/** One step: changes the fields in place; `excessBytes` is what is still too much. */
type Step = (fields: SubsegmentFields, excessBytes: number) => void;

const STEPS: readonly Step[] = [
  ({ sql }) => {
    if (sql?.sanitized_query !== undefined) sql.sanitized_query = cutText(sql.sanitized_query, QUERY_CHARS);
  },
  (fields) => {
    for (const { exception, stack } of stacksOf(fields)) {
      if (stack.length <= KEPT_FRAMES) continue;
      exception.truncated = (exception.truncated ?? 0) + stack.length - KEPT_FRAMES;
      exception.stack = stack.slice(0, KEPT_FRAMES);
    }
  },
  (fields) => {
    const exceptions = exceptionsOf(fields);
    const last = exceptions[KEPT_EXCEPTIONS - 1];
    if (last === undefined || exceptions.length <= KEPT_EXCEPTIONS) return;
    last.skipped = (last.skipped ?? 0) + exceptions.length - KEPT_EXCEPTIONS;
    exceptions.length = KEPT_EXCEPTIONS;
  },
  (fields) => {
    cutTexts(fields.annotations, ANNOTATION_CHARS);
    for (const block of [fields.cause, fields.http, fields.aws, fields.sql]) cutTexts(block, GENERIC_TEXT_CHARS);
  },
  (fields, excessBytes) => {
    if (fields.metadata !== undefined)
      capMetadata(fields.metadata, Math.max(0, jsonBytes(fields.metadata) - excessBytes));
  },
  (fields) => {
    fields.metadata = undefined;
  },
  ({ annotations }) => {
    if (annotations === undefined) return;
    for (const key of Object.keys(annotations).slice(KEPT_ANNOTATIONS)) delete annotations[key];
  },
  // Fifty annotations at their limits, or an `aws` block of long lists, can still be too much.
  (fields) => cutTexts(fields.annotations, GENERIC_TEXT_CHARS),
  (fields) => {
    fields.annotations = undefined;
    fields.aws = undefined;
  },
  (fields) => {
    fields.cause = undefined;
    fields.sql = undefined;
    fields.http = undefined;
  },
];

/** Shrinks `fields` in place until `measure`, their size in bytes, is at most `maxBytes` or there is nothing left to cut. */
export function shrinkFields(fields: SubsegmentFields, maxBytes: number, measure: () => number): void {
  // The mark of what happened must fit too.
  const wanted = maxBytes - MARK_BYTES;
  for (const step of STEPS) {
    const bytes = measure();
    if (bytes <= wanted) break;
    step(fields, bytes - wanted);
  }
  fields.metadata = withMark(fields.metadata, 'truncated', true);
}

const MARK_BYTES = Buffer.byteLength(',"metadata":{"spanstrap":{"truncated":true}}');

const exceptionsOf = ({ cause }: SubsegmentFields): XrayException[] =>
  typeof cause === 'object' ? cause.exceptions : [];

function* stacksOf(
  fields: SubsegmentFields,
): Generator<{ exception: XrayException; stack: NonNullable<XrayException['stack']> }> {
  for (const exception of exceptionsOf(fields)) {
    if (exception.stack !== undefined) yield { exception, stack: exception.stack };
  }
}

/** Cuts every text in a block, however deep. Blocks are trees of our own making, at most a few levels deep. */
function cutTexts(block: unknown, maxChars: number): void {
  if (typeof block !== 'object' || block === null) return;
  for (const [key, value] of Object.entries(block)) {
    if (typeof value === 'string') (block as Record<string, unknown>)[key] = cutText(value, maxChars);
    else cutTexts(value, maxChars);
  }
}
