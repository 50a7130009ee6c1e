// What every measurement is given, and how one run's result becomes the values of figures.

import type { Figures } from './figures.ts';
import type { Job, Runner } from './runner.ts';
import { quantile } from './statistics.ts';
import type { EventPlan, RunResult } from './stub/run-plan.ts';
import { environmentOf, type Skipped, type Variant } from './variant.ts';

export type Measurement = {
  readonly runner: Runner;
  readonly layer: string;
  readonly rounds: number;
  readonly figures: Figures;
  /** What could not be measured, with its reason. */
  readonly skipped: Skipped[];
  say(text: string): void;
};

export type Load = {
  /** Variants with the same name are told apart by it. */
  readonly subject: string;
  readonly event?: EventPlan;
  readonly discarded?: number;
  readonly counted?: number;
  readonly cgroupProcs?: string;
  /** In the place of the variant's own. */
  readonly handler?: string;
  readonly taskRoot?: string;
  readonly variables?: Readonly<Record<string, string>>;
};

export function makeJob(given: Variant, layer: string, load: Load): Job {
  const variant: Variant = {
    ...given,
    handler: load.handler ?? given.handler,
    taskRoot: load.taskRoot ?? given.taskRoot,
  };
  return {
    name: load.subject,
    plan: (addresses) => ({
      command: variant.command,
      cwd: variant.taskRoot,
      environment: { ...environmentOf(variant, layer, addresses), ...load.variables },
      event: load.event ?? { kind: 'http-api' },
      discarded: load.discarded ?? 0,
      counted: load.counted ?? 0,
      cgroupProcs: load.cgroupProcs,
    }),
  };
}

export type Reading = (result: RunResult) => number;

/** One number of a run for each figure. */
export const readings = {
  initMs: ({ initMs }) => initMs,
  coldMs: ({ coldMs }) => coldMs,
  firstFlushMs: ({ firstFlushMs }) => firstFlushMs,
  anonAtStartMib: ({ anonAtStartMib }) => anonAtStartMib,
  rssAtStartMib: ({ rssAtStartMib }) => rssAtStartMib,
  p50Us: ({ warmUs }) => quantile(warmUs, 0.5),
  p99Us: ({ warmUs }) => quantile(warmUs, 0.99),
  afterUs: ({ afterUs }) => quantile(afterUs, 0.5),
  anonAtEndMib: ({ anonAtEndMib }) => anonAtEndMib,
  rssAtEndMib: ({ rssAtEndMib }) => rssAtEndMib,
  peakRssMib: ({ peakRssMib }) => peakRssMib,
  cpuUs: ({ cpuUsPerInvocation }) => cpuUsPerInvocation,
} as const satisfies Record<string, Reading>;

type ReadingName = keyof typeof readings;

/** Group and reading: `start.initMs`. */
export type JobFigure = `${string}.${ReadingName}`;

/** Runs the jobs and sets the wanted figures for each. `sends`: what must have arrived, by the jobs' names. */
export async function runJobs(
  { runner, figures, skipped, say }: Measurement,
  what: string,
  jobs: readonly Job[],
  wanted: readonly JobFigure[],
  rounds: number,
  sends: ReadonlyMap<string, 'datagrams' | 'exports'> = new Map(),
): Promise<void> {
  const { results, failed } = await runner.runRounds(jobs, rounds, (round) =>
    say(`${what}: round ${round + 1} of ${rounds}`),
  );
  for (const { name, reason } of failed) skipped.push({ name: `${what} of ${name}`, reason });
  for (const [name, runs] of results) {
    const expected = sends.get(name);
    if (expected !== undefined && runs.every((run) => run === undefined || run[expected] === 0)) {
      skipped.push({
        name: `${what} of ${name}`,
        reason: `it sent no ${expected}: it does not trace as it is started here`,
      });
      continue;
    }
    for (const figure of wanted) {
      const reading = readings[figure.slice(figure.indexOf('.') + 1) as ReadingName];
      figures.set(
        figure,
        name,
        runs.map((run) => (run === undefined ? Number.NaN : reading(run))),
      );
    }
  }
}
