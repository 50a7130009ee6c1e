// How an environment ends: who gets SIGTERM, and how much time is left after it.
// Source: Lambda Developer Guide, "Extensions API", Shutdown phase; runtime interface emulator, `rapid/shutdown.go`.

import type { Sandbox } from './sandbox.ts';

export type ShutdownReason = 'spindown' | 'timeout' | 'failure';

export type ShutdownReport = {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly tookMs: number;
  /** The process was asked to end; false: it was killed without a word, because nobody had registered an extension. */
  readonly gotSigterm: boolean;
};

/** With internal extensions only. */
const INTERNAL_BUDGET_MS = 500;
/** With external ones: 2000 ms for all, of which the runtime gets this. */
const RUNTIME_SHARE_MS = 300;
const EXTERNAL_BUDGET_MS = 2000;

/** Ends the environment's process by the rules; resolves when it is gone. */
export async function shutDown(sandbox: Sandbox, reason: ShutdownReason): Promise<ShutdownReport> {
  const startedAt = performance.now();
  const { process, extensions } = sandbox;
  process.thaw();
  const hasExternal = extensions.all.some((extension) => extension.kind === 'external');
  const gotSigterm = extensions.all.length > 0 && process.kill('SIGTERM');
  if (gotSigterm) {
    const timer = setTimeout(() => process.kill('SIGKILL'), hasExternal ? RUNTIME_SHARE_MS : INTERNAL_BUDGET_MS);
    await process.exited;
    clearTimeout(timer);
  }
  process.kill('SIGKILL');
  const exit = await process.exited;
  if (hasExternal) sandbox.tellShutdown(reason, Date.now() + EXTERNAL_BUDGET_MS - RUNTIME_SHARE_MS);
  return { ...exit, tookMs: performance.now() - startedAt, gotSigterm };
}
