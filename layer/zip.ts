// Zip files that are the same bytes for the same contents: sorted names, one fixed time, unix modes, no data descriptors.
// Deflate is fflate's: zlib's output differs with the CPU's vector instructions, and is 1 % larger here.

import { crc32 } from 'node:zlib';

export type ZipEntry = {
  /** Relative, with slashes, ASCII. */
  readonly name: string;
  /** Unix permission bits. */
  readonly mode: number;
  readonly contents: Uint8Array;
  /** Raw deflate stream of `contents`. */
  readonly deflated: Uint8Array;
};

/** 1980-01-01 00:00, the earliest time a zip can say: month 1, day 1. */
const DOS_DATE = (1 << 5) | 1;
const DOS_TIME = 0;
const VERSION_DEFLATE = 20;
const MADE_BY_UNIX = (3 << 8) | VERSION_DEFLATE;
const METHOD_STORED = 0;
const METHOD_DEFLATED = 8;
const REGULAR_FILE = 0o100000;
const MAX_UINT32 = 0xffff_ffff;

type Written = {
  readonly entry: ZipEntry;
  readonly checksum: number;
  readonly data: Uint8Array;
  readonly method: number;
  readonly offset: number;
};

/** The fields that the local and the central header have in common, from "version needed" to "extra length". */
const writeCommonFields = (header: Buffer, at: number, { entry, checksum, data, method }: Written): void => {
  header.writeUInt16LE(VERSION_DEFLATE, at);
  header.writeUInt16LE(0, at + 2);
  header.writeUInt16LE(method, at + 4);
  header.writeUInt16LE(DOS_TIME, at + 6);
  header.writeUInt16LE(DOS_DATE, at + 8);
  header.writeUInt32LE(checksum, at + 10);
  header.writeUInt32LE(data.length, at + 14);
  header.writeUInt32LE(entry.contents.length, at + 18);
  header.writeUInt16LE(Buffer.byteLength(entry.name), at + 22);
  header.writeUInt16LE(0, at + 24);
};

const localHeader = (written: Written): Buffer => {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  writeCommonFields(header, 4, written);
  return Buffer.concat([header, Buffer.from(written.entry.name, 'latin1')]);
};

const centralHeader = (written: Written): Buffer => {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(MADE_BY_UNIX, 4);
  writeCommonFields(header, 6, written);
  header.writeUInt32LE(((REGULAR_FILE | written.entry.mode) << 16) >>> 0, 38);
  header.writeUInt32LE(written.offset, 42);
  return Buffer.concat([header, Buffer.from(written.entry.name, 'latin1')]);
};

/** The zip as chunks, in order. Throws when a name is not ASCII or the 4 GiB of the plain format do not suffice. */
export const makeZip = (entries: readonly ZipEntry[]): Uint8Array[] => {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const chunks: Uint8Array[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const entry of sorted) {
    if (!/^[\x20-\x7e]+$/.test(entry.name))
      throw new RangeError(`zip entry ${JSON.stringify(entry.name)} is not plain ASCII`);
    const isSmaller = entry.deflated.length < entry.contents.length;
    const written: Written = {
      entry,
      checksum: crc32(entry.contents),
      data: isSmaller ? entry.deflated : entry.contents,
      method: isSmaller ? METHOD_DEFLATED : METHOD_STORED,
      offset,
    };
    const header = localHeader(written);
    chunks.push(header, written.data);
    central.push(centralHeader(written));
    offset += header.length + written.data.length;
  }
  const centralBytes = central.reduce((sum, { length }) => sum + length, 0);
  if (offset + centralBytes > MAX_UINT32 || sorted.length > 0xffff)
    throw new RangeError('too large for a zip without zip64');
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(sorted.length, 8);
  end.writeUInt16LE(sorted.length, 10);
  end.writeUInt32LE(centralBytes, 12);
  end.writeUInt32LE(offset, 16);
  chunks.push(...central, end);
  return chunks;
};
