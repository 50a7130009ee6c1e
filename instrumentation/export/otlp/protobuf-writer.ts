// Fields of protobuf messages (Protocol Buffers, "Encoding"), one message at a time, into one buffer that is used again. A tag is the
// field's number times eight and its type. Which fields there are is the caller's.

import type { HrTime } from '@opentelemetry/api';

const FIRST_BYTES = 16 * 1024;
/** A buffer that one large message made larger than this is not kept. */
const MOST_KEPT_BYTES = 256 * 1024;

/** What a shorter text takes need not be known before it is written. */
const LONG_TEXT_CHARS = 4096;

const TWO_TO_32 = 0x1_0000_0000;

/** Node's own writers, which `write` calls when it has looked at its arguments: in a young process that takes as long again. */
type Bytes = Buffer<ArrayBuffer> & {
  utf8Write(text: string, at: number, size: number): number;
  hexWrite(text: string, at: number, size: number): number;
};
const allocate = (size: number): Bytes => Buffer.allocUnsafeSlow(size) as Bytes;

const double = new Float64Array(1);
/** In the order of the machine, which is little-endian wherever Lambda runs. */
const doubleBytes = new Uint8Array(double.buffer);

// What is written, and where the next byte goes.
let bytes = allocate(0);
let at = 0;

/** Begins a message; one that was not taken is forgotten. */
export function begin(): void {
  if (bytes.length === 0) bytes = allocate(FIRST_BYTES);
  at = 0;
}

/** The message. The bytes are the caller's. */
export function take(): Uint8Array {
  const message = takeFrom(0);
  if (bytes.length > MOST_KEPT_BYTES) bytes = allocate(0);
  return message;
}

/** How much is written. */
export const position = (): number => at;

/** A copy of what was written from there on. */
export const takeFrom = (from: number): Uint8Array => new Uint8Array(bytes.buffer.slice(from, at));

/** Fields that were encoded before. */
export function writeEncoded(fields: Uint8Array): void {
  reserve(fields.length);
  bytes.set(fields, at);
  at += fields.length;
}

/** Room for that many bytes more. */
function reserve(size: number): void {
  if (at + size <= bytes.length) return;
  const larger = allocate(Math.max(bytes.length * 2, at + size));
  bytes.copy(larger, 0, 0, at);
  bytes = larger;
}

/** Begins a message within the message; returns where it begins. */
export function open(tag: number): number {
  // Enough for this one, its length if it is a short one, and a tag of two bytes to follow.
  reserve(8);
  bytes[at] = tag;
  at += 2;
  return at;
}

/** Ends the message that began there: writes its length before it, which seldom is more than the byte left for it. */
export function close(start: number): void {
  const length = at - start;
  if (length < 0x80) {
    bytes[start - 1] = length;
    return;
  }
  const more = varintBytes(length) - 1;
  reserve(more + 8);
  bytes.copyWithin(start + more, start, at);
  at = start - 1;
  writeVarint(length);
  at += length;
}

/** What user code gave instead of a text becomes one. */
export function writeText(tag: number, given: string): void {
  const text = typeof given === 'string' ? given : String(given);
  const { length } = text;
  // Room for what it may take at the most; of a long text that would be too much room.
  const room = length > LONG_TEXT_CHARS ? Buffer.byteLength(text) : 3 * length;
  reserve(room + 16);
  bytes[at++] = tag;
  // As if all of it were ASCII, which it nearly always is.
  const start = at + varintBytes(length);
  writeSize(start, bytes.utf8Write(text, start, room));
}

export function writeId(tag: number, hex: string): void {
  const length = hex.length >> 1;
  reserve(length + 16);
  bytes[at++] = tag;
  const start = at + varintBytes(length);
  writeSize(start, bytes.hexWrite(hex, start, length));
}

/** Writes the number of bytes that were written from `start` on before them, where room for a number was left. */
function writeSize(start: number, size: number): void {
  const bytesOfSize = varintBytes(size);
  if (at + bytesOfSize !== start) bytes.copyWithin(at + bytesOfSize, start, start + size);
  writeVarint(size);
  at += size;
}

export function writeNumber(tag: number, value: number): void {
  reserve(16);
  bytes[at++] = tag;
  if (value >= 0 && value < 0x80) bytes[at++] = value;
  else writeVarint(value);
}

const varintBytes = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;

/** Without room being made for it. Negative numbers are those of 64 bits that they are in two's complement. */
function writeVarint(value: number): void {
  let low = value;
  let high = 0;
  if (value < 0 || value >= TWO_TO_32) {
    high = Math.floor(value / TWO_TO_32);
    low = value - high * TWO_TO_32;
    high >>>= 0;
    low >>>= 0;
    while (high > 0) {
      bytes[at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
  }
  while (low > 0x7f) {
    bytes[at++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  bytes[at++] = low;
}

/** Nanoseconds since 1970 in 64 bits, without the BigInts that it would take to multiply: 10^9 is 2^9 times 1953125. */
export function writeTime(tag: number, time: HrTime): void {
  reserve(16);
  bytes[at++] = tag;
  const parts = time[0] * 1_953_125;
  const high = Math.floor(parts / 0x80_0000);
  const low = (parts - high * 0x80_0000) * 0x200 + time[1];
  writeInt32(low);
  writeInt32(low < TWO_TO_32 ? high : high + 1);
}

function writeInt32(value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
  at += 4;
}

export function writeDouble(tag: number, value: number): void {
  reserve(16);
  bytes[at++] = tag;
  double[0] = value;
  bytes.set(doubleBytes, at);
  at += 8;
}

export function writeBytes(tag: number, value: Uint8Array): void {
  reserve(value.length + 16);
  bytes[at++] = tag;
  writeVarint(value.length);
  bytes.set(value, at);
  at += value.length;
}

/** 32 bits. The tag may have two bytes, the first of them below. */
export function writeFixed32(tag: number, value: number): void {
  reserve(8);
  bytes[at++] = tag;
  if (tag > 0xff) bytes[at++] = tag >> 8;
  writeInt32(value);
}
