// What the tracer costs this process.

import { readFileSync } from 'node:fs';
import type { InvocationScope } from '../../instrumentation/arrived-invocation.ts';
import type { InvocationRecord } from '../../instrumentation/invocation-record.ts';
import type { InitStep } from '../../runtime/lifecycle.ts';
import { type Line, showMs } from './report-text.ts';

export type CostFacts = {
  readonly steps: readonly InitStep[];
  /** undefined: nothing is traced. */
  readonly initOwnMs: number | undefined;
  readonly scope: InvocationScope | undefined;
  readonly flushMs: number;
  readonly memory: Memory;
};

/** Bytes. `anonymous`: what belongs to this process alone; undefined where the kernel does not say. */
export type Memory = { readonly rss: number; readonly anonymous: number | undefined };

const MB = 1024 * 1024;

export function costLines({ steps, initOwnMs, scope, flushMs, memory }: CostFacts): Line[] {
  const ended = Math.max(0, ...steps.map(({ endedAt }) => endedAt));
  const parts = steps.map(({ name, startedAt, endedAt }) => `${name} ${showMs(endedAt - startedAt)}`);
  const lines: Line[] = [['init', `${showMs(ended)} (${parts.join(', ')})`]];
  if (initOwnMs !== undefined) lines.push(['tracer in init', showMs(initOwnMs)]);
  const overheadUs = scope?.isRecorded
    ? (scope as InvocationRecord).phases.server.attributes['spanstrap.overhead_us']
    : undefined;
  if (typeof overheadUs === 'number') lines.push(['invocation', `${showMs(overheadUs / 1e3)} of the tracer's own`]);
  lines.push(['flush', `${showMs(flushMs)}, after the response unless SPANSTRAP_FLUSH_MODE says otherwise`]);
  const anonymous = memory.anonymous === undefined ? '' : `, ${showMb(memory.anonymous)} of it anonymous`;
  lines.push(['memory', `${showMb(memory.rss)} resident${anonymous}; function and runtime together`]);
  return lines;
}

export function readMemory(rss: number): Memory {
  try {
    const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? [];
    return { rss, anonymous: kilobytes === undefined ? undefined : Number(kilobytes) * 1024 };
  } catch {
    return { rss, anonymous: undefined };
  }
}

const showMb = (bytes: number): string => `${(bytes / MB).toFixed(1)} MB`;
