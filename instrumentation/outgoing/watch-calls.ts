// Notices every HTTP request of this process, whatever made it: Node itself says so on its diagnostics channels, for any module
// system and any bundle. Nothing is loaded for it; what traces a call is, when one is made in an invocation that is recorded.

import type { ClientRequest } from 'node:http';
import type { Context, SpanContext } from '@opentelemetry/api';
import { isSuppressed } from '../active-context.ts';
import type { CallEnvironment, CallScope } from './call-scope.ts';
import { subscribeLast } from './last-subscriber.ts';
import type { Carrier, OutgoingTrace } from './propagation.ts';
import type { UndiciRequest } from './request-headers.ts';

/** What the `outgoing` bundle makes. Each takes a call at its very beginning. */
export type HttpTracer = {
  httpRequest(request: ClientRequest, scope: CallScope): void;
  undiciRequest(request: UndiciRequest, scope: CallScope): void;
};

/** How a call hands its trace on that is not recorded. */
export type Propagation = {
  handOn(carrier: Carrier, context: Context, spanContext: SpanContext | undefined, trace: OutgoingTrace): void;
  clientRequestCarrier(request: ClientRequest): Carrier;
  undiciCarrier(request: UndiciRequest): Carrier;
};

type Kind<Request> = {
  readonly channel: string;
  carrier(propagation: Propagation, request: Request): Carrier;
  trace(tracer: HttpTracer, request: Request, scope: CallScope): void;
};

/** `load` is called at every call that is recorded, `propagation` at every other one. */
export function watchCalls(
  environment: CallEnvironment,
  isEnabled: (instrumentation: string) => boolean,
  load: () => HttpTracer,
  propagation: () => Propagation,
): void {
  let isBroken = false;
  const watch = <Request extends { readonly method: string }>(kind: Kind<Request>): void => {
    const attend = (request: Request): void => {
      const scope = environment.here();
      if (scope === undefined || request.method === 'CONNECT') return;
      const context = environment.activeContext();
      if (isSuppressed(context)) return;
      if (scope.isRecorded && !isBroken) {
        kind.trace(load(), request, scope);
      } else {
        const { handOn } = propagation();
        handOn(kind.carrier(propagation(), request), context, environment.spanContextOf(context), scope);
      }
    };
    subscribeLast(kind.channel, (message) => {
      try {
        attend((message as { request: Request }).request);
      } catch (error) {
        // Node would take it for an uncaught exception of the function.
        if (!isBroken) environment.report(`outgoing calls are not traced any more: ${error}`);
        isBroken = true;
      }
    });
  };
  if (isEnabled('http')) {
    watch<ClientRequest>({
      channel: 'http.client.request.created',
      carrier: ({ clientRequestCarrier }, request) => clientRequestCarrier(request),
      trace: (tracer, request, scope) => tracer.httpRequest(request, scope),
    });
  }
  if (isEnabled('undici')) {
    watch<UndiciRequest>({
      channel: 'undici:request:create',
      carrier: ({ undiciCarrier }, request) => undiciCarrier(request),
      trace: (tracer, request, scope) => tracer.undiciRequest(request, scope),
    });
  }
}
