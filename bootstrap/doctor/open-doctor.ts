// Entry of the bundle `doctor`: after the first flush a report on the tracer itself, later the books whenever something was lost.
// Loaded only where SPANSTRAP_DOCTOR asks for it, and never before the first response.

import type { SpanAccount } from '../../instrumentation/span-account.ts';
import type { TracingOptions, TracingState } from '../../instrumentation/tracing.ts';
import type { FlushReason, InitStep } from '../../runtime/lifecycle.ts';
import type { Doctor } from '../doctor-visits.ts';
import type { Settings } from '../settings/settings.ts';
import type { Environment } from '../settings/settings-reader.ts';
import { SPANSTRAP_VERSION } from '../version.ts';
import { bookLines, countLosses } from './book-lines.ts';
import { findBundledClients, handlerFiles } from './bundled-clients.ts';
import { costLines, readMemory } from './cost-lines.ts';
import { destinationLines } from './destination-lines.ts';
import { instrumentationLines } from './instrumentation-lines.ts';
import { loadedPackages } from './loaded-packages.ts';
import { type Line, reportText } from './report-text.ts';
import { settingsLines } from './settings-lines.ts';
import { traceLines } from './trace-lines.ts';

export type DoctorOptions = {
  readonly env: Environment;
  /** What the settings file says, under the names of variables. */
  readonly file: Environment;
  readonly settings: Settings;
  /** undefined: nothing is traced. */
  readonly choice: TracingOptions | undefined;
  inspect(): TracingState | undefined;
  readonly steps: readonly InitStep[];
  readonly require: Pick<NodeJS.Require, 'cache'>;
  /** One record in the log. */
  report(message: string): void;
};

const MOMENTS: Readonly<Record<FlushReason, string>> = {
  invocation: 'after the first invocation',
  shutdown: 'at the end of the environment',
  crash: 'at the end of a process that failed',
};

export function openDoctor(options: DoctorOptions): Doctor {
  let isReported = false;
  let toldLosses = 0;
  return {
    visit(reason, flushMs) {
      const state = options.inspect();
      const accounts = state?.delivery?.accounts ?? [];
      const losses = countLosses(accounts);
      if (!isReported) options.report(examine(options, state, reason, flushMs));
      else if (losses > toldLosses || reason !== 'invocation') tellBooks(accounts, options.report);
      isReported = true;
      toldLosses = losses;
    },
  };
}

function tellBooks(accounts: readonly SpanAccount[], report: (message: string) => void): void {
  for (const [name, text] of bookLines(accounts)) report(`doctor: ${name} spans: ${text}`);
}

/** The whole report. */
function examine(
  options: DoctorOptions,
  state: TracingState | undefined,
  reason: FlushReason,
  flushMs: number,
): string {
  const { env, choice, steps, require } = options;
  const { scope, delivery, initOwnMs } = state ?? {};
  const taskRoot = env.LAMBDA_TASK_ROOT ?? '';
  const loaded = Object.keys(require.cache);
  const own = new Set([...loaded, ...handlerFiles(taskRoot, env._HANDLER ?? '')]);
  const { destinations = [], accounts = [] } = delivery ?? {};
  const books: Line[] = accounts.length > 0 ? bookLines(accounts) : [['spans', 'none were begun']];
  return reportText(`doctor: a report on the tracer ${MOMENTS[reason]} (SPANSTRAP_DOCTOR)`, [
    ['versions', versionLines(env)],
    ['destinations', destinationLines({ ...options, destinations })],
    ['trace', traceLines({ ...options, scope })],
    ['settings', settingsLines(env, options.file)],
    [
      'instrumentation',
      choice === undefined
        ? []
        : instrumentationLines({
            isEnabled: choice.calls.isEnabled,
            packages: loadedPackages(loaded),
            bundled: findBundledClients([...own], taskRoot),
            spans: delivery?.takeSeen() ?? [],
          }),
    ],
    ['cost', costLines({ steps, initOwnMs, scope, flushMs, memory: readMemory(process.memoryUsage.rss()) })],
    ['books', books],
  ]);
}

function versionLines({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memoryMb, AWS_REGION: region }: Environment): Line[] {
  const { versions, arch } = process;
  return [
    ['spanstrap', SPANSTRAP_VERSION],
    ['Node', `${versions.node}, V8 ${versions.v8}, ${arch}`],
    ['function', `${memoryMb ?? 'unknown'} MB, ${region ?? 'no region'}`],
  ];
}
