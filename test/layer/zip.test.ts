// The zip writer, with fflate's reader and the system's unzip as oracles.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { unzipSync } from 'fflate';
import { deflate } from '../../layer/deflate.ts';
import { makeZip, type ZipEntry } from '../../layer/zip.ts';

const entry = async (name: string, mode: number, contents: Uint8Array): Promise<ZipEntry> => ({
  name,
  mode,
  contents,
  deflated: await deflate(contents),
});

const zip = (entries: readonly ZipEntry[]): Buffer => Buffer.concat(makeZip(entries));

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const sample = (): Promise<ZipEntry[]> =>
  Promise.all([
    entry('spanstrap/start.cjs', 0o644, text('x'.repeat(10_000))),
    entry('bootstrap', 0o755, text('#!/bin/sh\n')),
    entry('bin/node', 0o755, text('binary'.repeat(999))),
    entry('empty', 0o644, new Uint8Array()),
  ]);

test('what goes in comes out, for any names and contents', async () => {
  const name = fc.stringMatching(/^[a-z.@_-]{1,12}(?:\/[a-z.]{1,12}){0,2}$/);
  const files = fc.uniqueArray(fc.record({ name, contents: fc.uint8Array({ maxLength: 3000 }) }), {
    selector: (file) => file.name,
  });
  await fc.assert(
    fc.asyncProperty(files, async (wanted) => {
      const entries = await Promise.all(wanted.map((file) => entry(file.name, 0o644, file.contents)));
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

test('the order in which files are given does not matter, nor does the time', async () => {
  const entries = await sample();
  assert.deepEqual(zip(entries), zip(entries.toReversed()));
  assert.deepEqual(zip(entries), zip(await sample()));
});

test('unzip accepts it, with names sorted and modes kept', {
  skip: spawnSync('unzip', ['-v']).error && 'unzip is not installed',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spanstrap-zip-'));
  try {
    const file = join(folder, 'a.zip');
    writeFileSync(file, zip(await sample()));
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

test('contents that deflate makes larger are stored', async () => {
  const { length } = zip([await entry('a', 0o644, text('ab'))]);
  assert.equal(length, 30 + 1 + 2 + 46 + 1 + 22);
});

test('a name that zip readers would decode differently is refused', async () => {
  assert.throws(
    () => zip([{ name: 'ä', mode: 0o644, contents: text('x'), deflated: text('xx') }]),
    /"ä" is not plain ASCII/,
  );
});
