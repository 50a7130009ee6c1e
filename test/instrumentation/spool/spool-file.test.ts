// The file that a process leaves for the next one, on a disk that does not take all of it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { HEAD_BYTES } from '../../../instrumentation/spool/spool-file.ts';

test('a disk that is full in the middle of records: none of them stays, as they are counted as dropped', () => {
  const folder = mkdtempSync(join(tmpdir(), 'spool-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'flight');
  const here = (name: string): string => JSON.stringify(new URL(`../../../instrumentation/${name}`, import.meta.url));
  // A limit of the file's size, in blocks of 512 bytes, stands for the disk.
  const script = `
    const { FlightRecorder } = await import(${here('flight-recorder.ts')});
    const { newSpanCounts } = await import(${here('span-counts.ts')});
    const { SpoolFile } = await import(${here('spool/spool-file.ts')});
    const flight = new FlightRecorder(process.argv[1], newSpanCounts(), () => {});
    flight.begin(undefined);
    const spool = new SpoolFile(flight);
    console.log(spool.append('first\\n'), spool.append('x\\n'.repeat(10_000)), spool.append('last\\n'));`;
  const limited = `ulimit -f ${HEAD_BYTES / 512 + 8}; exec "$0" --input-type=module -e "$1" "$2"`;
  const told = execFileSync('sh', ['-c', limited, process.execPath, script, path], { encoding: 'utf8' });
  assert.equal(told, 'true false true\n');
  assert.equal(readFileSync(path, 'utf8').slice(HEAD_BYTES), 'first\nlast\n');
});
