// One invocation that nobody wants recorded: its ids still travel on with outgoing calls.

import type { Context } from '@opentelemetry/api';
import { ROOT_CONTEXT, withSpan } from './active-context.ts';
import type { ScopeFacts } from './arrived-invocation.ts';
import { withBaggage } from './baggage.ts';
import { InertSpan } from './inert-span.ts';
import type { InvocationSurroundings } from './invocation-record.ts';
import type { UnrecordedScope } from './outgoing/call-scope.ts';
import type { OutgoingTrace } from './outgoing/propagation.ts';
import type { Parentage } from './parent.ts';

export class UnrecordedInvocation implements ScopeFacts, UnrecordedScope {
  readonly isRecorded = false;
  readonly traceHeader: string | undefined;
  readonly xrayHeader: string | undefined;
  readonly isSampledForXray = false;
  readonly formats: ReadonlySet<string>;
  readonly inject: OutgoingTrace['inject'];
  /** Of the handler. */
  readonly context: Context;

  constructor(options: InvocationSurroundings, traceHeader: string | undefined, parentage: Parentage) {
    this.traceHeader = traceHeader;
    this.xrayHeader = traceHeader;
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
    this.context = withBaggage(context, baggage, options.parseBaggage);
  }
}
