// Many documents at once: what leaves together, and how long the daemon gets to read it.

import type { XrayDocument } from './split.ts';

/**
 * What goes out at once, and the time the daemon then gets before more follows. Its socket has room for three datagrams of full size
 * (Linux gives it 212 992 bytes), and it keeps 48 documents at least, of any size; what finds no room is gone without a word.
 */
const WAVE_BYTES = 65_536;
const WAVE_DOCUMENTS = 20;
export const WAVE_PAUSE_MS = 2;

/** Where the wave ends that begins with the document at `start`: at least one document later. An ordinary invocation's are one wave. */
export function waveEnd(documents: readonly XrayDocument[], start: number): number {
  const most = Math.min(documents.length, start + WAVE_DOCUMENTS);
  let bytes = documents[start]!.bytes;
  for (let end = start + 1; end < most; end += 1) {
    bytes += documents[end]!.bytes;
    if (bytes > WAVE_BYTES) return end;
  }
  return most;
}
