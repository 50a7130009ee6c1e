// Figures that are not of one process among others: a small function's share of the processor, recognition of events, sizes.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireCommand } from '../../layer/command.ts';
import { openCpuShare } from './cpu-share.ts';
import type { Cores } from './machine.ts';
import { type Measurement, makeJob, runJobs } from './measurement.ts';
import type { Variant } from './variant.ts';

const SHARE_MEMORY_MB = 128;
const ROUNDS_PER_SHARE_ROUND = 4;
const RECOGNITION_ROUNDS = 5;
const RECOGNITION = fileURLToPath(new URL('recognition-process.ts', import.meta.url));

/** Figures `share.*`: start with the processor share of a function of 128 MB. */
export async function measureShare(bench: Measurement, variants: readonly Variant[]): Promise<void> {
  const share = openCpuShare(SHARE_MEMORY_MB);
  if ('missing' in share) {
    bench.skipped.push({ name: 'share', reason: share.missing });
    return;
  }
  using group = share;
  const jobs = variants
    .filter(({ name }) => ['floor', 'xray', 'xray-otlp', 'ric'].includes(name))
    .map((variant) => makeJob(variant, bench.layer, { subject: variant.name, cgroupProcs: group.procs }));
  const rounds = Math.max(3, Math.ceil(bench.rounds / ROUNDS_PER_SHARE_ROUND));
  await runJobs(bench, 'share', jobs, ['share.initMs', 'share.coldMs', 'share.firstFlushMs'], rounds);
}

/** Figures `recognition.*` of the source text, run by the layer's Node. */
export async function measureRecognition(bench: Measurement, cores: Cores | undefined): Promise<void> {
  const pin = cores === undefined ? [] : ['taskset', '-c', String(cores.runtime)];
  const found: { p99Us: number; largeMs: number }[] = [];
  for (let round = 0; round < RECOGNITION_ROUNDS; round++) {
    bench.say(`recognition: round ${round + 1} of ${RECOGNITION_ROUNDS}`);
    const output = await requireCommand(
      [...pin, process.execPath, '--no-warnings', RECOGNITION],
      `node ${RECOGNITION}`,
    );
    found.push(JSON.parse(output) as { p99Us: number; largeMs: number });
  }
  for (const reading of ['p99Us', 'largeMs'] as const) {
    bench.figures.set(
      `recognition.${reading}`,
      'recogniser',
      found.map((one) => one[reading]),
    );
  }
}

const startScripts = ['spanstrap/start.cjs', 'spanstrap/runtime.cjs'];

/** Figures `sizes.*` of the layers in `dist`, by architecture, and of the larger one. */
export function readSizes({ figures, skipped }: Measurement, dist: string): void {
  const layers = existsSync(dist) ? readdirSync(dist).filter((name) => /^layer-\w+$/.test(name)) : [];
  const sizes = layers.flatMap((name) => {
    const architecture = name.slice('layer-'.length);
    const zip = readdirSync(dist).find((file) => file.endsWith(`-${architecture}.zip`));
    if (zip === undefined) return [];
    const tree = join(dist, name);
    const files = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return {
      architecture,
      zipBytes: statSync(join(dist, zip)).size,
      unpackedBytes: files.reduce((sum, { parentPath, name: file }) => sum + statSync(join(parentPath, file)).size, 0),
      startScriptBytes: startScripts.reduce((sum, path) => sum + statSync(join(tree, path)).size, 0),
    };
  });
  if (sizes.length < 2)
    skipped.push({ name: 'sizes of the other architecture', reason: `it is not built in ${dist}: ./build.sh` });
  for (const reading of ['zipBytes', 'unpackedBytes', 'startScriptBytes'] as const) {
    for (const size of sizes) figures.set(`sizes.${reading}`, size.architecture, [size[reading]]);
    if (sizes.length > 0) figures.set(`sizes.${reading}`, 'largest', [Math.max(...sizes.map((size) => size[reading]))]);
  }
}
