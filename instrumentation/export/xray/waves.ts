// Many documents at once: what leaves together, and how long the daemon gets to read it.

import type { XrayDocument } from './split.ts';

/**
 * What goes out at once, and the time the daemon then gets before more follows. Its socket has room for three datagrams of full size
 * (Linux gives it 212 992 bytes), and it keeps 48 documents at least, of any size; what finds no room is gone without a word.
 */
const WAVE_BYTES = 65_536;
const WAVE_DOCUMENTS = 20;
export const WAVE_PAUSE_MS = 2;

/** An ordinary invocation's documents are one wave. */
export function wavesOf(documents: readonly XrayDocument[]): XrayDocument[][] {
  const waves: XrayDocument[][] = [];
  let wave: XrayDocument[] = [];
  let bytes = 0;
  for (const document of documents) {
    const length = Buffer.byteLength(document.text);
    if (bytes + length > WAVE_BYTES || wave.length === WAVE_DOCUMENTS || waves.length === 0) {
      wave = [];
      waves.push(wave);
      bytes = 0;
    }
    wave.push(document);
    bytes += length;
  }
  return waves;
}
