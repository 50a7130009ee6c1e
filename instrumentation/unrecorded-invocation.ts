// One invocation that nobody wants recorded: its ids still travel on with outgoing calls.

import type { Context } from '@opentelemetry/api';
import type { InvocationObservation } from '../runtime/lifecycle.ts';
import { ROOT_CONTEXT, withSpan } from './active-context.ts';
import { withBaggage } from './baggage.ts';
import { InertSpan } from './inert-span.ts';
import type { InvocationSurroundings } from './invocation-record.ts';
import type { UnrecordedScope } from './outgoing/call-scope.ts';
import type { OutgoingTrace } from './outgoing/propagation.ts';
import type { Parentage } from './parent.ts';

export class UnrecordedInvocation implements InvocationObservation, UnrecordedScope {
  readonly isRecorded = false;
  readonly traceHeader: string | undefined;
  readonly xrayHeader: string | undefined;
  readonly isSampledForXray = false;
  readonly formats: ReadonlySet<string>;
  readonly inject: OutgoingTrace['inject'];
  readonly #options: InvocationSurroundings;
  readonly #context: Context;

  constructor(options: InvocationSurroundings, traceHeader: string | undefined, parentage: Parentage) {
    this.traceHeader = traceHeader;
    this.xrayHeader = traceHeader;
    this.#options = options;
    this.formats = options.contextRules.formats;
    this.inject = options.inject;
    const { traceId, parent, header, baggage } = parentage;
    const spanId = parent?.spanId ?? (header?.traceId === traceId ? header.parentId : undefined);
    const { traceState } = parent ?? {};
    const context =
      spanId === undefined
        ? ROOT_CONTEXT
        : withSpan(
            ROOT_CONTEXT,
            new InertSpan({ traceId, spanId, traceFlags: 0, isRemote: true, ...(traceState && { traceState }) }),
          );
    this.#context = withBaggage(context, baggage, options.parseBaggage);
  }

  run<T>(handler: () => T): T {
    const { active, runBeside } = this.#options;
    if (runBeside === undefined) return active.runFor(this, this.#context, handler);
    return active.runFor(this, this.#context, () => runBeside(undefined, handler));
  }

  handlerSettled(): void {}

  answered(): void {}
}
