// How costs grow: with spans per invocation, with the size of the event, with the modules that the function loads.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Measurement, makeJob, runJobs } from './measurement.ts';
import type { Job } from './runner.ts';
import { costPerUnit } from './statistics.ts';
import type { Variant } from './variant.ts';

/** Spans per invocation, and how many invocations are enough to see their processor time. */
const spanLoads = [
  { spans: 1, counted: 500 },
  { spans: 10, counted: 300 },
  { spans: 100, counted: 150 },
  { spans: 1000, counted: 60 },
  { spans: 10_000, counted: 10 },
] as const;

const MIB = 1_048_576;
const eventSizes = [
  { name: '1 KB', bytes: 1000, counted: 100 },
  { name: '100 KB', bytes: 100_000, counted: 60 },
  // What Lambda takes, less the room that a response needs for its own frame.
  { name: '6 MB', bytes: 6 * MIB - 1000, counted: 12 },
] as const;

const moduleCounts = [1, 10, 100, 1000] as const;

const ROUNDS_PER_GROWTH_ROUND = 4;
/** The slope is taken between these two. */
const [FEW_SPANS, MANY_SPANS] = [1, 1000] as const;

const roundsOf = ({ rounds }: Measurement): number => Math.max(3, Math.ceil(rounds / ROUNDS_PER_GROWTH_ROUND));

const named = (variants: readonly Variant[], names: readonly string[]): Variant[] =>
  variants.filter(({ name }) => names.includes(name));

/** Figures `spans.*`, and `spans.cpuUsPerSpan`: each further span. */
export async function measureSpans(bench: Measurement, variants: readonly Variant[]): Promise<void> {
  const traced = named(variants, ['xray', 'xray-otlp']);
  const subjectOf = (variant: Variant, spans: number): string => `${variant.name}, ${spans} spans`;
  const jobs = traced.flatMap((variant) =>
    spanLoads.map(({ spans, counted }) =>
      makeJob(variant, bench.layer, {
        subject: subjectOf(variant, spans),
        handler: 'spans.handler',
        event: { kind: 'spans', spans },
        discarded: Math.ceil(counted / 3),
        counted,
        variables: { SPANSTRAP_MAX_QUEUED_SPANS: '100000' },
      }),
    ),
  );
  await runJobs(
    bench,
    'spans',
    jobs,
    ['spans.p50Us', 'spans.afterUs', 'spans.cpuUs', 'spans.anonAtEndMib'],
    roundsOf(bench),
  );
  for (const variant of traced) {
    const few = bench.figures.get('spans.cpuUs', subjectOf(variant, FEW_SPANS));
    const many = bench.figures.get('spans.cpuUs', subjectOf(variant, MANY_SPANS));
    if (few === undefined || many === undefined) continue;
    const slopes = few.map((cost, round) => costPerUnit(cost, FEW_SPANS, many[round] ?? Number.NaN, MANY_SPANS));
    bench.figures.set('spans.cpuUsPerSpan', variant.name, slopes);
  }
}

/** Figures `event.*`: a large event with a small answer, and the same both ways. */
export async function measureEvents(bench: Measurement, variants: readonly Variant[]): Promise<void> {
  const jobs = named(variants, ['floor', 'xray-otlp', 'ric']).flatMap((variant) =>
    eventSizes.flatMap(({ name, bytes, counted }): Job[] => {
      const load = { event: { kind: 'padded', bytes }, discarded: Math.ceil(counted / 4), counted } as const;
      return [
        makeJob(variant, bench.layer, { ...load, subject: `${variant.name}, ${name} in` }),
        makeJob(variant, bench.layer, {
          ...load,
          subject: `${variant.name}, ${name} both ways`,
          handler: 'echo.handler',
        }),
      ];
    }),
  );
  await runJobs(bench, 'event', jobs, ['event.p50Us', 'event.peakRssMib'], roundsOf(bench));
}

/** Figures `modules.*`: the start of a function with so many files. */
export async function measureModules(bench: Measurement, variants: readonly Variant[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'spanstrap-bench-'));
  try {
    writeModules(folder);
    const jobs = named(variants, ['floor', 'xray-otlp', 'ric']).flatMap((variant) =>
      moduleCounts.map((count) =>
        makeJob(variant, bench.layer, {
          subject: `${variant.name}, ${count} modules`,
          taskRoot: folder,
          handler: `load-${count}.handler`,
        }),
      ),
    );
    await runJobs(bench, 'modules', jobs, ['modules.initMs', 'modules.anonAtStartMib'], roundsOf(bench));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Small files, as unbundled packages are made of. */
function writeModules(folder: string): void {
  const most = Math.max(...moduleCounts);
  for (let number = 0; number < most; number++) {
    const lines = Array.from({ length: 10 }, (_, at) => `exports.step${at} = (value) => value + ${number * at};`);
    writeFileSync(join(folder, `module-${number}.cjs`), `${lines.join('\n')}\n`);
  }
  for (const count of moduleCounts) {
    const load = `for (let number = 0; number < ${count}; number++) require(\`./module-\${number}.cjs\`);\n`;
    const handler = "exports.handler = async () => ({ statusCode: 200, body: 'ok' });\n";
    writeFileSync(join(folder, `load-${count}.cjs`), load + handler);
  }
}
