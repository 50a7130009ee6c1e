// A Lambda function for a test: a folder with its files, the built layer, the emulator, and sinks for what it traces.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Emulator, startEmulator } from '../../local/emulator/emulator.ts';
import type { EmulatorOptions } from '../../local/emulator/emulator-options.ts';
import { OtlpSink } from '../../local/sinks/otlp-sink.ts';
import { XraySink } from '../../local/sinks/xray-sink.ts';
import { BOOTSTRAP } from './built-layer.ts';

export type FunctionOptions = Partial<EmulatorOptions> & {
  /** Files of the function by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Packages of this project that the function has in its own node_modules. */
  readonly packages?: readonly string[];
  /** False: no OTLP endpoint is set. */
  readonly otlp?: boolean;
  /** False: no daemon address is set. */
  readonly xray?: boolean;
};

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export class FunctionUnderTest {
  readonly emulator: Emulator;
  readonly xray: XraySink;
  readonly otlp: OtlpSink;
  readonly taskRoot: string;

  constructor(parts: Pick<FunctionUnderTest, 'emulator' | 'xray' | 'otlp' | 'taskRoot'>) {
    this.emulator = parts.emulator;
    this.xray = parts.xray;
    this.otlp = parts.otlp;
    this.taskRoot = parts.taskRoot;
  }

  /** Invokes and waits until the environment is idle again: everything that is flushed has arrived. */
  async invoke(...args: Parameters<Emulator['invoke']>): ReturnType<Emulator['invoke']> {
    const result = await this.emulator.invoke(...args);
    await result.idle;
    await this.xray.drain();
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.emulator[Symbol.asyncDispose]();
    await this.xray.close();
    await this.otlp.close();
    rmSync(this.taskRoot, { recursive: true, force: true });
    // Whatever a test is about: the service would refuse such a document.
    assert.deepEqual(this.xray.violations, []);
  }
}

/** Starts everything but the function's process, which comes with the first invocation. */
export async function startFunction(options: FunctionOptions): Promise<FunctionUnderTest> {
  const { files, packages = [], otlp: hasOtlp = true, xray: hasXray = true, environment = {}, ...rest } = options;
  const taskRoot = mkdtempSync(join(tmpdir(), 'function-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(taskRoot, name)), { recursive: true });
    writeFileSync(join(taskRoot, name), content);
  }
  for (const name of packages) {
    const link = join(taskRoot, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(PROJECT, 'node_modules', name), link);
  }
  const xray = new XraySink();
  await xray.open();
  const otlp = new OtlpSink();
  await otlp.open();
  const emulator = await startEmulator({
    bootstrap: BOOTSTRAP,
    taskRoot,
    handler: 'index.handler',
    functionName: 'test-function',
    ...(hasXray ? { xrayDaemonAddress: xray.address } : {}),
    environment: { ...(hasOtlp ? { OTEL_EXPORTER_OTLP_ENDPOINT: otlp.url } : {}), ...environment },
    ...rest,
  });
  return new FunctionUnderTest({ emulator, xray, otlp, taskRoot });
}
