// A console of its own, patched as the runtime patches the global one, whose lines land in an array.

import { Console } from 'node:console';
import { Writable } from 'node:stream';
import { type ConsoleOptions, installConsole, type LogWriter } from '../../runtime/console.ts';

export type PatchedConsole = Console & { fatal(message?: unknown, ...params: unknown[]): void };

export type Patched = { readonly console: PatchedConsole; readonly log: LogWriter; readonly lines: string[] };

export const REQUEST_ID = '8476a536-e9f4-11e8-9739-2dfe598c3fcd';

export function patchConsole(options: Partial<ConsoleOptions> = {}): Patched {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(`raw ${chunk}`);
      done();
    },
  });
  const console = new Console(sink) as PatchedConsole;
  const log = installConsole({
    format: undefined,
    level: undefined,
    currentInvocation: () => ({ requestId: REQUEST_ID, tenantId: undefined }),
    write: (line) => lines.push(line),
    console,
    ...options,
  });
  return { console, log, lines };
}

/** The JSON record that the calls made. */
export function recordOf(patched: Patched): Record<string, unknown> {
  if (patched.lines.length !== 1) throw new Error(`one line expected, got ${patched.lines.length}`);
  return JSON.parse(patched.lines[0]!);
}
