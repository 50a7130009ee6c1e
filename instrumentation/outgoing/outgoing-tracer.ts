// The bundle that traces outgoing calls, loaded at the first one of a recorded invocation. Here the parts come together: whose call
// it is, what it is, its span, and the headers that hand the trace on.

import type { Context } from '@opentelemetry/api';
import { spanOf } from '../active-context.ts';
import { attempts } from './aws/attempts.ts';
import { type AwsRequest, describeAwsRequest } from './aws/aws-request.ts';
import type { InjectionTarget } from './aws/message-injection.ts';
import { commandOf, createClientPreparation } from './aws/sdk-commands.ts';
import type { CallEnvironment, CallScope, CallSpan } from './call-scope.ts';
import { createDatabaseTracer } from './databases/database-tracer.ts';
import type { DatabaseTracer } from './databases/watch-databases.ts';
import { isTracedAsAwsCall, type Surroundings, tracedElsewhere } from './foreign-tracers.ts';
import type { BeginCall } from './http/begin-call.ts';
import { followHttpRequests } from './http/http-requests.ts';
import { hookHttp2Session } from './http/http2-session.ts';
import { followHttp2Streams } from './http/http2-streams.ts';
import { type Ending, OutgoingCall } from './http/outgoing-call.ts';
import { describePlainRequest } from './http/plain-http.ts';
import type { RequestFacts } from './http/request-facts.ts';
import { followUndiciRequests } from './http/undici-requests.ts';
import type { Http2Tracer } from './http2-hook.ts';
import { handOn } from './propagation.ts';
import type { HttpTracer } from './watch-calls.ts';
import type { ClientTracer } from './watch-modules.ts';

export type OutgoingTracer = HttpTracer & Http2Tracer & ClientTracer & DatabaseTracer;

export type OutgoingOptions = {
  /** Recognise calls of AWS; without it they are HTTP like any other. */
  readonly tracesAws: boolean;
  /** Where messages may have the trace put into them. */
  readonly injectionTargets: readonly InjectionTarget[];
};

export function createOutgoingTracer(environment: CallEnvironment, options: OutgoingOptions): OutgoingTracer {
  const begin: BeginCall = (facts, scope, { isSpanless = false } = {}) => {
    const { carrier } = facts;
    const context = environment.activeContext();
    const surroundings = surroundingsOf(scope, context);
    const other = tracedElsewhere(carrier, scope, surroundings);
    const isElsewhere = isSpanless || other === 'everywhere';
    const aws = options.tracesAws && !isElsewhere ? describeAwsRequest(facts) : undefined;
    if (isElsewhere || (aws !== undefined && surroundings.hasForeignTracer && isTracedAsAwsCall(spanOf(context)))) {
      handOn(carrier, context, environment.spanContextOf(context), scope);
      return undefined;
    }
    const command = commandOf(context);
    const call =
      aws !== undefined && command !== undefined && command.service === aws.service
        ? continueCommand(aws, command)
        : beginCall(facts, scope, context, aws);
    if (other === 'xray') scope.hideFromXray(call.span);
    handOn(carrier, context, call.span.spanContext(), scope);
    return call;
  };

  const surroundingsOf = (scope: CallScope, context: Context): Surroundings => {
    const hasForeignTracer = environment.hasForeignTracer();
    // Where there is none, every span is ours.
    const contexts = hasForeignTracer ? [scope.context] : [scope.context, context];
    return { hasForeignTracer, ourSpanIds: contexts.map((one) => environment.spanContextOf(one)?.spanId) };
  };

  /** One try of a command whose span the SDK's own middleware ends. */
  const continueCommand = (aws: AwsRequest, command: { readonly span: CallSpan; requests: number }): OutgoingCall => {
    const { span } = command;
    if (command.requests++ > 0) span.forgetFailure();
    for (const [key, value] of Object.entries(aws.attributes)) {
      // What the SDK says is nearer the truth than what the request shows.
      if (!(key in span.attributes) || key === 'http.request.resend_count') span.setAttribute(key, value!);
    }
    return new OutgoingCall(environment, span, aws, { end() {} });
  };

  const beginCall = (
    facts: RequestFacts,
    scope: CallScope,
    context: Context,
    aws: AwsRequest | undefined,
  ): OutgoingCall => {
    const description = aws ?? describePlainRequest(facts);
    const { attempt } = description;
    const former = attempts.resume(attempt);
    const span =
      former ??
      scope.startCall({
        name: description.name,
        kind: description.kind,
        startedAt: environment.now(),
        attributes: description.attributes,
        context,
      });
    if (former !== undefined) span.setAttributes(description.attributes);
    if (aws?.readBody !== undefined) facts.readBody((body) => aws.readBody!(span, body));
    const ending: Ending = {
      end(ended, at, mayBeRetried) {
        scope.endCall(ended, at);
        if (mayBeRetried && attempt !== undefined) attempts.await(attempt, { span: ended, scope });
      },
    };
    return new OutgoingCall(environment, span, description, ending);
  };

  return {
    httpRequest: followHttpRequests(begin),
    undiciRequest: followUndiciRequests(begin),
    http2Session: hookHttp2Session(environment, followHttp2Streams(begin)),
    prepareClient: createClientPreparation(environment, options.injectionTargets),
    ...createDatabaseTracer(environment),
  };
}
