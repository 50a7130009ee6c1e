// One function with what is done to it; every runtime goes through the same.

import type { EmulatorOptions } from '../../local/emulator/emulator-options.ts';
import type { InvokeOptions } from '../../local/emulator/invocation.ts';

export type PeerCase = {
  /** Unique; docs/differences.md names it. */
  readonly name: string;
  /** Items of the parity list that it shows, `P39`. */
  readonly items: readonly string[];
  /** Folder below test/fixtures/handlers. `_node_modules` in it becomes `node_modules`. */
  readonly folder: string;
  readonly handler: string;
  /** One empty event when not given. */
  readonly invocations?: readonly PeerInvocation[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly options?: Partial<EmulatorOptions>;
  /** The platform gives a file descriptor for log records. */
  readonly hasTelemetryFd?: boolean;
  /** Text of a line to wait for before the end: what is logged after the last answer. */
  readonly until?: string;
};

export type PeerInvocation = { readonly event?: unknown; readonly options?: InvokeOptions };

/** Invocations that differ in `event.kind` only. */
export const kinds = (names: readonly string[], options: InvokeOptions = {}): PeerInvocation[] =>
  names.map((kind) => ({ event: { kind }, options }));
