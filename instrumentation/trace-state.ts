// A caller's `tracestate`, handed on as it came: what it says is other vendors' business. Source: W3C Trace Context, section 3.3.

import type { TraceState } from '@opentelemetry/api';

/** OpenTelemetry's own limits: of a longer one nothing is kept, and more members are none. */
const MAX_CHARS = 512;
const MAX_MEMBERS = 32;

/** Key and value of a member; a key with `@` names a tenant and a vendor. Blanks around a member do not count. */
const MEMBER = /^\s*([a-z][\w\-*/]{0,255}|[a-z\d][\w\-*/]{0,240}@[a-z][\w\-*/]{0,13})=([ -<>-~]{0,255}[!-<>-~])\s*$/;
const MEMBERS = /^[\t -~]+$/;

/** undefined: there is none, or it cannot stand in a header. */
export function createTraceState(text: string | undefined): TraceState | undefined {
  return text !== undefined && text.length <= MAX_CHARS && MEMBERS.test(text)
    ? new ReceivedTraceState(text)
    : undefined;
}

class ReceivedTraceState implements TraceState {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  serialize(): string {
    return this.#text;
  }

  get(key: string): string | undefined {
    return this.#members().get(key);
  }

  /** A member that changes comes first. */
  set(key: string, value: string): TraceState {
    return this.#with([[key, value], ...this.#others(key)]);
  }

  unset(key: string): TraceState {
    return this.#with(this.#others(key));
  }

  #others(key: string): [string, string][] {
    return [...this.#members()].filter(([name]) => name !== key);
  }

  #with(members: readonly [string, string][]): TraceState {
    return new ReceivedTraceState(
      members
        .slice(0, MAX_MEMBERS)
        .map(([key, value]) => `${key}=${value}`)
        .join(),
    );
  }

  #members(): Map<string, string> {
    const members = new Map<string, string>();
    for (const text of this.#text.split(',')) {
      const [, key, value] = MEMBER.exec(text) ?? [];
      if (key === undefined || members.has(key) || key !== key.toLowerCase()) continue;
      if (members.size < MAX_MEMBERS) members.set(key, value!);
    }
    return members;
  }
}
