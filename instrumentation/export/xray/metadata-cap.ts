// Bringing metadata under a cap of bytes: the largest values first, each replaced by a mark that tells its size.

import { stringifyJson } from '../../../runtime/untouched.ts';
import { type Metadata, OWN_NAMESPACE } from './subsegment.ts';

/** Bytes of `value` as JSON text. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(stringifyJson(value) ?? '');

type Entry = { readonly namespace: Record<string, unknown>; readonly key: string; readonly bytes: number };

/** Changes `metadata` so that its JSON has at most `capBytes`; our own marks are the last to go. */
export function capMetadata(metadata: Metadata, capBytes: number): void {
  markLongTexts(metadata, capBytes);
  let total = jsonBytes(metadata);
  if (total <= capBytes) return;
  const entries = entriesOf(metadata).sort((a, b) => b.bytes - a.bytes);
  for (const { namespace, key, bytes } of entries) {
    if (total <= capBytes) return;
    const replacement = mark(namespace[key], bytes);
    if (bytes <= replacement.length + 2) break;
    namespace[key] = replacement;
    total += replacement.length + 2 - bytes;
  }
  if (total > capBytes) dropKeys(metadata, total, capBytes);
}

/** A text longer than the cap goes before anything is serialised: a megabyte costs milliseconds. */
export const markLongText = (value: unknown, capBytes: number): unknown =>
  typeof value === 'string' && value.length > capBytes ? mark(value, 0) : value;

function markLongTexts(metadata: Metadata, capBytes: number): void {
  for (const namespace of Object.values(metadata)) {
    for (const key of Object.keys(namespace)) namespace[key] = markLongText(namespace[key], capBytes);
  }
}

/** Of a text its own bytes, of anything else those of its JSON. */
const mark = (value: unknown, jsonBytes: number): string =>
  `[dropped: ${typeof value === 'string' ? Buffer.byteLength(value) : jsonBytes} bytes]`;

/** Many small values: keys go from the end, and their number stays. */
function dropKeys(metadata: Metadata, totalBytes: number, capBytes: number): void {
  metadata[OWN_NAMESPACE] ??= {};
  const own = metadata[OWN_NAMESPACE];
  own.dropped_keys = 0;
  let total = totalBytes + Buffer.byteLength(`"${OWN_NAMESPACE}":{},"dropped_keys":999999,`);
  let dropped = 0;
  for (const { namespace, key } of entriesOf(metadata).reverse()) {
    if (total <= capBytes) break;
    total -= jsonBytes(key) + jsonBytes(namespace[key]) + 1;
    delete namespace[key];
    dropped += 1;
  }
  own.dropped_keys = dropped;
  for (const name of Object.keys(metadata)) if (Object.keys(metadata[name]!).length === 0) delete metadata[name];
}

function entriesOf(metadata: Metadata): Entry[] {
  const entries: Entry[] = [];
  for (const [name, namespace] of Object.entries(metadata)) {
    if (name === OWN_NAMESPACE) continue;
    for (const key of Object.keys(namespace)) entries.push({ namespace, key, bytes: jsonBytes(namespace[key]) });
  }
  return entries;
}
