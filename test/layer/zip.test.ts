// The zip writer, with fflate's reader and the system's unzip as oracles.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { deflateAll } from '../../layer/deflate.ts';
import { deflateBytes } from '../../layer/deflate-bytes.ts';
import { makeZip, type ZipEntry } from '../../layer/zip.ts';

const entry = (name: string, mode: number, contents: Uint8Array): ZipEntry => ({
  name,
  mode,
  contents,
  deflated: deflateBytes(contents),
});

const zip = (entries: readonly ZipEntry[]): Buffer => Buffer.concat(makeZip(entries));

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const sample = (): ZipEntry[] => [
  entry('spanstrap/start.cjs', 0o644, text('x'.repeat(10_000))),
  entry('bootstrap', 0o755, text('#!/bin/sh\n')),
  entry('bin/node', 0o755, text('binary'.repeat(999))),
  entry('empty', 0o644, new Uint8Array()),
];

test('what goes in comes out, for any names and contents', () => {
  const path = fc.stringMatching(/^[a-z.@_-]{1,12}(?:\/[a-z.]{1,12}){0,2}$/);
  // fflate's reader puts the files into a plain object.
  const name = path.filter((one) => one !== '__proto__');
  const files = fc.uniqueArray(fc.record({ name, contents: fc.uint8Array({ maxLength: 3000 }) }), {
    selector: (file) => file.name,
  });
  fc.assert(
    fc.property(files, (wanted) => {
      const entries = wanted.map((file) => entry(file.name, 0o644, file.contents));
      const read = unzipSync(zip(entries));
      const expected = wanted.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      assert.deepEqual(
        Object.keys(read),
        expected.map((file) => file.name),
      );
      for (const file of expected) assert.deepEqual(Buffer.from(read[file.name]!), Buffer.from(file.contents));
    }),
    { numRuns: 100 },
  );
});

test('the order in which files are given does not matter, nor does the time', () => {
  const entries = sample();
  assert.deepEqual(zip(entries), zip(entries.toReversed()));
  assert.deepEqual(zip(entries), zip(sample()));
});

test('unzip accepts it, with names sorted and modes kept', {
  skip: spawnSync('unzip', ['-v']).error && 'unzip is not installed',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spanstrap-zip-'));
  try {
    const file = join(folder, 'a.zip');
    writeFileSync(file, zip(sample()));
    assert.match(execFileSync('unzip', ['-t', file], { encoding: 'utf8' }), /No errors detected/);
    const lines = execFileSync('unzip', ['-Z', '-T', file], { encoding: 'utf8' }).split('\n').slice(2, -2);
    const listed = lines.map((line) => line.split(/\s+/)).map((words) => [words[0], words.at(-2), words.at(-1)]);
    assert.deepEqual(listed, [
      ['-rwxr-xr-x', '19800101.000000', 'bin/node'],
      ['-rwxr-xr-x', '19800101.000000', 'bootstrap'],
      ['-rw-r--r--', '19800101.000000', 'empty'],
      ['-rw-r--r--', '19800101.000000', 'spanstrap/start.cjs'],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('contents that deflate makes larger are stored', () => {
  const { length } = zip([entry('a', 0o644, text('ab'))]);
  assert.equal(length, 30 + 1 + 2 + 46 + 1 + 22);
});

test('a name that zip readers would decode differently is refused', () => {
  assert.throws(
    () => zip([{ name: 'ä', mode: 0o644, contents: text('x'), deflated: text('xx') }]),
    /"ä" is not plain ASCII/,
  );
});

test('files deflated on threads are the same streams, equal contents once', async () => {
  const contents = [text('a'.repeat(5000)), text('b'), new Uint8Array(), text('a'.repeat(5000))];
  const deflated = await deflateAll(contents);
  assert.deepEqual(
    deflated.map((stream) => Buffer.from(stream)),
    contents.map((one) => Buffer.from(deflateBytes(one))),
  );
  assert.equal(deflated[0], deflated[3]);
  assert.equal((await deflateAll([contents[1]!]))[0], deflated[1]);
});
