// Runs one case on one runtime and writes down what can be seen from outside: calls, headers, answers, log lines, exit codes.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Emulator, startEmulator } from '../../local/emulator/emulator.ts';
import type { EmulatorOptions } from '../../local/emulator/emulator-options.ts';
import type { InvocationResult } from '../../local/emulator/invocation.ts';
import { headers } from '../../runtime/api/wire.ts';
import { normalize, type Places } from './normal-form.ts';
import type { PeerCase } from './peer-case.ts';

const HANDLERS = join(dirname(dirname(fileURLToPath(import.meta.url))), 'fixtures/handlers');
/** Longer than any case takes; what never ends has a timeout of its own. */
const IDLE_DEADLINE_MS = 20_000;

/** Headers of an answer that the platform or the caller can tell the difference by. */
const shownHeaders = [
  'content-type',
  headers.errorType,
  headers.responseMode,
  'transfer-encoding',
  'trailer',
  headers.invocationId,
];
const shownCalls: readonly string[] = ['next', 'response', 'error', 'init-error'];

export type Observation = readonly string[];

/** Lines `call: …`, `head: …`, `answer 1: …`, `log: …`, `stderr: …`, `exit: …`, in an order that does not depend on timing. */
export async function observe(peerCase: PeerCase, runtime: Partial<EmulatorOptions>): Promise<Observation> {
  const taskRoot = realpathSync(mkdtempSync(join(tmpdir(), 'peer-')));
  cpSync(join(HANDLERS, peerCase.folder), taskRoot, { recursive: true });
  for (const folder of readdirSync(taskRoot, { recursive: true, encoding: 'utf8' })) {
    if (folder.endsWith('_node_modules')) {
      renameSync(join(taskRoot, folder), join(taskRoot, folder.replace(/_node_modules$/, 'node_modules')));
    }
  }
  const output: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  try {
    await using emulator = await startEmulator({
      ...runtime,
      ...peerCase.options,
      taskRoot,
      handler: peerCase.handler.replace('{task}', taskRoot),
      functionName: 'peer-function',
      environment: { ...peerCase.environment, ...runtime.environment },
      onLine: (line, from) => output[from].push(line),
    });
    const places = { taskRoot, runtimeApi: emulator.runtimeApi };
    const answers: string[] = [];
    const exits: string[] = [];
    const results: InvocationResult[] = [];
    for (const [index, { event = {}, options = {} }] of (peerCase.invocations ?? [{}]).entries()) {
      const result = await emulator.invoke(event, { requestId: `request-${index + 1}`, traceHeader: null, ...options });
      results.push(result);
      answers.push(...describeAnswer(index + 1, result, places));
      const idle = await withDeadline(result.idle, `idle after invocation ${index + 1} of ${peerCase.name}`);
      if (idle.exit !== undefined) exits.push(`exit: in invocation ${index + 1}: ${exitOf(idle.exit)}`);
      else if (idle.how === 'reset') exits.push(`exit: in invocation ${index + 1}: reset by ${idle.cause}`);
      // The others would fail in the same way, after two starts each.
      if (result.status === 'init-error') break;
    }
    const { until } = peerCase;
    if (until !== undefined) {
      await emulator.waitFor(() => emulator.logs.some((line) => line.includes(until)), { what: `the line ${until}` });
    }
    const calls = describeCalls(emulator);
    await emulator.shutdown();
    const frames = join(taskRoot, 'frames.bin');
    return [
      ...calls,
      ...results.flatMap(describeHeaders),
      ...answers,
      ...output.stdout.map((line) => `log: ${normalize(line, places)}`),
      ...(existsSync(frames) ? describeFrames(frames, places) : []),
      ...describeErrorOutput(output.stderr, places),
      ...exits,
    ];
  } finally {
    rmSync(taskRoot, { recursive: true, force: true });
  }
}

/** Without the frames of the runtime itself, and without empty lines. */
function describeErrorOutput(lines: readonly string[], places: Places): string[] {
  return lines
    .filter((line) => line.trim() !== '' && (!/^\s+at /.test(line) || line.includes(places.taskRoot)))
    .map((line) => `stderr: ${normalize(line, places)}`);
}

function exitOf({ exitCode, signal }: { exitCode: number | null; signal: string | null }): string {
  return signal === null ? `code ${exitCode}` : `signal ${signal}`;
}

/** The poll that is open at the end is left out: whether it has arrived yet is a matter of timing. */
function describeCalls({ transcript }: Emulator): string[] {
  return transcript
    .filter(({ api, status }) => shownCalls.includes(api) && !(api === 'next' && status === undefined))
    .map(
      ({ method, path, status }) =>
        `call: ${method} ${path.replace('/2018-06-01/runtime', '')} -> ${status ?? 'cut off'}`,
    );
}

function describeHeaders(result: InvocationResult, index: number): string[] {
  const found = result.requestHeaders;
  return shownHeaders
    .filter((name) => found[name] !== undefined)
    .map((name) => `head ${index + 1}: ${name}: ${name === 'trailer' ? `${found[name]}`.toLowerCase() : found[name]}`);
}

function describeAnswer(number: number, result: InvocationResult, places: Places): string[] {
  const text = result.payload.length > 100_000 ? `${result.payload.length} bytes` : result.text;
  const lines = [`answer ${number}: ${result.status} ${normalize(text, places)}`];
  for (const [name, value] of Object.entries(result.trailers)) {
    const shown = name === headers.errorBody ? Buffer.from(value, 'base64').toString('utf8') : value;
    lines.push(`trailer ${number}: ${name}: ${normalize(shown, places)}`);
  }
  if (result.xrayCause !== undefined) {
    const { working_directory: folder, exceptions = [] } = result.xrayCause as XrayCause;
    const [{ type, message, stack } = {}] = exceptions;
    const own = (stack ?? []).filter(({ path }) => path?.includes(places.taskRoot));
    lines.push(
      `cause ${number}: ${normalize(JSON.stringify({ folder, type, message, frames: own.length > 0 }), places)}`,
    );
  }
  return lines;
}

type XrayCause = {
  working_directory?: string;
  exceptions?: { type?: string; message?: string; stack?: { path?: string }[] }[];
};

/** Telemetry frames of a file: type, level and text; the time is checked to be one. */
function describeFrames(path: string, places: Places): string[] {
  const bytes = readFileSync(path);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readInt32BE(at + 4);
    const microseconds = bytes.readBigInt64BE(at + 8);
    const isTime = microseconds > 1_600_000_000_000_000n && microseconds < 4_000_000_000_000_000n;
    const text = bytes.toString('utf8', at + 16, at + 16 + length);
    lines.push(`frame: ${bytes.readUInt32BE(at).toString(16)} ${isTime ? '' : 'no time '}${normalize(text, places)}`);
    at += 16 + length;
  }
  return lines;
}

async function withDeadline<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), IDLE_DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
