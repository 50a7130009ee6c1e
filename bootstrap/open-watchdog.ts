// Starts the watchdog's thread: what it needs to know, as values that can be copied to it. Part of the bundle `outlet`.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { OtlpHeaders } from '../instrumentation/export/otlp/options.ts';
import type { ExportContext } from './export-context.ts';
import type { BundleName } from './host.ts';

/** What the thread is started with. */
export type WatchdogSetting = {
  readonly board: SharedArrayBuffer;
  /** Of the flight recorder's file. */
  readonly path: string;
  readonly resourceAttributes: ReadableSpan['resource']['attributes'];
  readonly instrumentationScope: ReadableSpan['instrumentationScope'];
  readonly context: Pick<ExportContext, 'env' | 'file' | 'settings' | 'xrayMode'>;
  readonly hasXray: boolean;
  readonly otlp:
    | {
        readonly bundle: BundleName;
        readonly url: string;
        readonly timeoutMs: number;
        readonly headers: OtlpHeaders | undefined;
      }
    | undefined;
};

/** It does little, and what it does must not take the function's memory. */
const LIMITS = { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 };

/** `scriptPath` is the bundle `watchdog`. Neither the thread nor its output holds the process. */
export function openWatchdogThread(scriptPath: string, setting: WatchdogSetting, failed: () => void): void {
  const { Worker } = process.getBuiltinModule('node:worker_threads');
  const thread = new Worker(scriptPath, {
    name: 'spanstrap watchdog',
    workerData: setting,
    // Nothing of the function's own is loaded there, such as modules that NODE_OPTIONS names.
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: LIMITS,
  });
  thread.once('error', failed);
  thread.unref();
}
