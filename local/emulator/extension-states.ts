// The extensions of one environment as the Extensions API sees them: who may register, and which call is legal when.
// Pure; HTTP and processes are elsewhere. Source: runtime interface emulator, `core/{registrations,internalagent_states}.go`.

import { randomUUID } from 'node:crypto';
import { type Answer, extensionTransitionRefused, forbidden } from './refusals.ts';

export type ExtensionState = 'Started' | 'Registered' | 'Ready' | 'Running' | 'InitError' | 'ExitError';
export type ExtensionStep = 'next' | 'deliver' | 'initError' | 'exitError';
export type ExtensionKind = 'internal' | 'external';
export type ExtensionEvent = 'INVOKE' | 'SHUTDOWN';

export const EXTENSION_LIMIT = 10;

const steps: Readonly<Record<ExtensionState, Partial<Record<ExtensionStep, ExtensionState>>>> = {
  Started: {},
  Registered: { next: 'Ready', initError: 'InitError', exitError: 'ExitError' },
  Ready: { deliver: 'Running', exitError: 'ExitError' },
  Running: { next: 'Ready', exitError: 'ExitError' },
  // Repeating the same error call is harmless; the first one counts.
  InitError: { initError: 'InitError' },
  ExitError: { exitError: 'ExitError' },
};

const aims: Readonly<Record<ExtensionStep, ExtensionState>> = {
  next: 'Ready',
  deliver: 'Running',
  initError: 'InitError',
  exitError: 'ExitError',
};

export class Extension {
  readonly id: string = randomUUID();
  readonly name: string;
  readonly kind: ExtensionKind;
  readonly events: readonly ExtensionEvent[];
  errorType: string | undefined;
  #state: ExtensionState = 'Registered';

  constructor(name: string, kind: ExtensionKind, events: readonly ExtensionEvent[]) {
    this.name = name;
    this.kind = kind;
    this.events = events;
  }

  get state(): ExtensionState {
    return this.#state;
  }

  /** Takes the step, or returns the 403 that refuses it and leaves the state as it is. */
  take(step: ExtensionStep): Answer | undefined {
    const next = steps[this.#state][step];
    if (!next) return extensionTransitionRefused(this.#state, aims[step], this.id);
    this.#state = next;
    return undefined;
  }
}

export type RegistrationRules = {
  /** Names of files in /opt/extensions: whoever registers under one of them is that external extension. */
  readonly externalNames: readonly string[];
  /** Managed Instances: nobody gets INVOKE events. */
  readonly isConcurrent: boolean;
};

export class Extensions {
  readonly #rules: RegistrationRules;
  readonly #byId = new Map<string, Extension>();
  #isClosed = false;

  constructor(rules: RegistrationRules) {
    this.#rules = rules;
  }

  get all(): readonly Extension[] {
    return [...this.#byId.values()];
  }

  get invokeSubscribers(): readonly Extension[] {
    return this.all.filter((extension) => extension.events.includes('INVOKE'));
  }

  /** The runtime's first `next` closes registration. */
  close(): void {
    this.#isClosed = true;
  }

  /** Every registered extension, one with an empty event list included, has polled `next`. */
  get areReady(): boolean {
    return this.all.every((extension) => extension.state !== 'Registered' && extension.state !== 'InitError');
  }

  /** Registers, or returns the 403 that refuses. `body` is the request's body, still text. */
  register(name: string | undefined, body: string): Extension | Answer {
    if (!name) return forbidden('Extension.InvalidExtensionName', 'Empty extension name');
    const events = parseEvents(body);
    if (typeof events === 'string') return forbidden('InvalidRequestFormat', events);
    const kind: ExtensionKind = this.#rules.externalNames.includes(name) ? 'external' : 'internal';
    for (const event of events) {
      if (!this.#mayReceive(kind, event)) {
        return forbidden('Extension.InvalidEventType', `${event}: event type not supported for ${kind} extensions`);
      }
    }
    if (this.#isClosed) return forbidden('Extension.RegistrationClosed', 'Extension registration closed already');
    if (this.all.some((extension) => extension.name === name)) {
      return forbidden('Extension.InvalidExtensionState', 'Extension with this name already registered');
    }
    if (this.#byId.size >= EXTENSION_LIMIT) {
      return forbidden('Extension.TooManyExtensions', `Extension limit (${EXTENSION_LIMIT}) reached`);
    }
    const extension = new Extension(name, kind, events as ExtensionEvent[]);
    this.#byId.set(extension.id, extension);
    return extension;
  }

  /** The extension of an identifier header, or the 403 that refuses it. */
  find(id: string | undefined): Extension | Answer {
    if (!id) return forbidden('Extension.MissingExtensionIdentifier', 'Missing Lambda-Extension-Identifier header');
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) {
      return forbidden('Extension.InvalidExtensionIdentifier', 'Invalid Lambda-Extension-Identifier');
    }
    return this.#byId.get(id) ?? forbidden('Extension.UnknownExtensionIdentifier', `Unknown extension ${id}`);
  }

  #mayReceive(kind: ExtensionKind, event: string): boolean {
    if (event === 'SHUTDOWN') return kind === 'external';
    return event === 'INVOKE' && !this.#rules.isConcurrent;
  }
}

/** The `events` of a register request, or the text that says what is wrong with it. */
function parseEvents(body: string): readonly string[] | string {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch (error) {
    return `the request is not JSON: ${(error as Error).message}`;
  }
  if (typeof request !== 'object' || request === null) return 'the request is not a JSON object';
  const { events = [], configurationKeys } = request as { events?: unknown; configurationKeys?: unknown };
  if (Array.isArray(configurationKeys) && configurationKeys.length > 0) {
    return 'configurationKeys are deprecated; use environment variables instead';
  }
  if (!Array.isArray(events) || !events.every((event) => typeof event === 'string'))
    return 'events is not a list of strings';
  return events;
}
