// The extension inside the runtime's process. It makes Lambda wait before the freeze: woken by INVOKE, it lets the invocation
// be answered, has everything flushed, and only then polls again. The client has its response all the while.

import { type ExtensionsApi, PollRefused, type Registration } from './api/extensions-api.ts';

/** Must not be the name of a file in /opt/extensions, which would make it an external extension. */
export const EXTENSION_NAME = 'spanstrap';

/** Joins the two event streams: the runtime says which invocations are answered, the extension waits for them. */
export class AnsweredInvocations {
  /** Request ids of answers that nobody has waited for yet; the same id may be delivered twice. */
  readonly #unclaimed: string[] = [];
  readonly #waiting: { readonly requestId: string; wake(): void }[] = [];

  add(requestId: string): void {
    const at = this.#waiting.findIndex((waiting) => waiting.requestId === requestId);
    if (at === -1) this.#unclaimed.push(requestId);
    else this.#waiting.splice(at, 1)[0]!.wake();
  }

  /** Resolves when the runtime has answered this delivery; the event may come before or after the runtime's own. */
  wait(requestId: string): Promise<void> {
    const at = this.#unclaimed.indexOf(requestId);
    if (at === -1) return new Promise((wake) => this.#waiting.push({ requestId, wake }));
    this.#unclaimed.splice(at, 1);
    return Promise.resolve();
  }
}

export type ExtensionPolling = {
  flush(deadlineEpochMs: number): Promise<void>;
  /** The process is about to end: the platform must not take it for ready, and deliver the next invocation to it. */
  isEnding(): boolean;
  /** Says why there are no polls any longer: the runtime must flush from now on. */
  onLost(reason: string): void;
};

export type Extension = {
  /** False: Lambda refused, has no Extensions API, or gave the poll up; the runtime flushes before it polls instead. */
  readonly isRegistered: boolean;
  /** Why not, in words, when it is not registered. */
  readonly refusal: string | undefined;
  /** Polls until the API refuses, or the process is about to end; to be called when init is done. */
  poll(options: ExtensionPolling): void;
  answered(requestId: string): void;
};

/** Stands where nothing is to be flushed: the platform has one process less to wait for. */
export const noExtension: Extension = { isRegistered: false, refusal: undefined, poll() {}, answered() {} };

/**
 * Registers for INVOKE, or for no event at all when the platform knows none (concurrent invocations). Never rejects: a
 * registration that fails leaves the runtime without an extension.
 */
export async function registerExtension(api: ExtensionsApi, events: readonly 'INVOKE'[]): Promise<Extension> {
  let registration: Registration;
  try {
    registration = await api.register(EXTENSION_NAME, events);
    if (!registration.registered && events.length > 0 && registration.reason.includes('InvalidEventType')) {
      registration = await api.register(EXTENSION_NAME, []);
      events = [];
    }
  } catch (error) {
    registration = { registered: false, status: 0, reason: (error as Error).message };
  }
  if (!registration.registered) {
    api.close();
    return { ...noExtension, refusal: registration.reason };
  }

  const { extensionId } = registration;
  const invocations = new AnsweredInvocations();
  let hearsInvocations = events.length > 0;
  return {
    get isRegistered() {
      return hearsInvocations;
    },
    refusal: undefined,
    poll({ flush, isEnding, onLost }) {
      void (async () => {
        while (!isEnding()) {
          const event = await api.next(extensionId);
          if (event.type !== 'INVOKE') continue;
          await invocations.wait(event.requestId);
          await flush(event.deadlineEpochMs);
        }
      })().catch((error: unknown) => {
        hearsInvocations = false;
        api.close();
        onLost(error instanceof PollRefused ? error.message : String(error));
      });
    },
    answered(requestId) {
      if (hearsInvocations) invocations.add(requestId);
    },
  };
}
