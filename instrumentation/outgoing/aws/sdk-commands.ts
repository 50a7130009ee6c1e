// Calls of an AWS SDK v3 client that can be reached: the span covers the whole call with its retries, has the operation's own
// name, and the trace goes into messages. The requests of the call are found again on the wire, where they add to this span.

import type { Attributes, Context } from '@opentelemetry/api';
import { isSuppressed, withSpan } from '../../active-context.ts';
import type { CallEnvironment, CallScope, CallSpan } from '../call-scope.ts';
import { baggageOf, traceparentOf, xrayHeaderOf } from '../propagation.ts';
import { BODY_NAMES, describeResource, isProducing, type Parameters } from './aws-resources.ts';
import { describeInputOf, describeOutputOf } from './call-details.ts';
import { type InjectionTarget, injectTrace, type TraceFields } from './message-injection.ts';

/** A call that is under way, in the context of what it does. */
export type OpenCommand = {
  readonly service: string;
  readonly span: CallSpan;
  requests: number;
};

const COMMAND_KEY = Symbol('spanstrap: the command of an AWS SDK client');

export const commandOf = (context: Context): OpenCommand | undefined =>
  context.getValue(COMMAND_KEY) as OpenCommand | undefined;

type Metadata = {
  readonly httpStatusCode?: number;
  readonly requestId?: string;
  readonly extendedRequestId?: string;
  readonly attempts?: number;
};
type Result = { readonly output?: { readonly $metadata?: Metadata } };
type CommandArguments = { readonly input?: unknown };
type Next = (args: CommandArguments) => Promise<Result>;
/** What the SDK tells a middleware of its command: `DynamoDBClient`, `GetItemCommand`. */
type CommandContext = { readonly clientName?: string; readonly commandName?: string };

const CLIENT = 2;
const PRODUCER = 3;
const ERROR = 2;

type Middleware = (next: Next, context: CommandContext) => Next;
type Client = { readonly middlewareStack?: { add(middleware: Middleware, options: object): void } };

/** Returns what puts our middleware into a client's stack, once. */
export function createClientPreparation(
  environment: CallEnvironment,
  targets: readonly InjectionTarget[],
): (client: object) => void {
  const prepared = new WeakSet<object>();
  const middleware: Middleware = (next, context) => (args) => {
    const scope = environment.here();
    if (!scope?.isRecorded || isSuppressed(environment.activeContext())) return next(args);
    return traceCommand(environment, targets, scope, { next, context, args });
  };
  return (client) => {
    const { middlewareStack: stack } = client as Client;
    if (stack === undefined || prepared.has(stack)) return;
    prepared.add(stack);
    stack.add(middleware, { name: 'spanstrap', step: 'initialize', priority: 'high', override: true });
  };
}

function traceCommand(
  environment: CallEnvironment,
  targets: readonly InjectionTarget[],
  scope: CallScope,
  command: { readonly next: Next; readonly context: CommandContext; readonly args: CommandArguments },
): Promise<Result> {
  const { next, args } = command;
  const service = (command.context.clientName ?? '').replace(/Client$/, '');
  const operation = (command.context.commandName ?? '').replace(/Command$/, '');
  const outer = environment.activeContext();
  const isKnown = service !== '' && operation !== '' && commandOf(outer)?.service !== service;
  // A tracer of the user's own may have instrumented the client as well.
  if (!isKnown || environment.hasForeignTracer()) return next(args);
  const span = scope.startCall({
    name: `${service}.${operation}`,
    kind: isProducing(service, operation) ? PRODUCER : CLIENT,
    startedAt: environment.now(),
    context: outer,
    attributes: {
      'rpc.system': 'aws-api',
      'rpc.system.name': 'aws-api',
      'rpc.service': service,
      'rpc.method': operation,
      ...quietly(() => describeInput(service, operation, args.input)),
    },
  });
  const open: OpenCommand = { service, span, requests: 0 };
  const inner = withSpan(outer, span).setValue(COMMAND_KEY, open);
  const input = injectInto(`${service}.${operation}`, args.input, targets, inner, scope, span);
  const end = (): void => {
    // A presigned URL is made without any request: nothing was called.
    if (open.requests === 0 && span.attributes['error.type'] === undefined) scope.dropCall(span);
    else scope.endCall(span, environment.now());
  };
  return environment
    .runIn(inner, () => next(input === args.input ? args : { ...args, input }))
    .then(
      (result) => {
        describeMetadata(span, result?.output?.$metadata);
        span.setAttributes(quietly(() => describeOutputOf(service, result?.output)));
        end();
        return result;
      },
      (error: unknown) => {
        describeError(span, error);
        end();
        throw error;
      },
    );
}

function describeInput(service: string, operation: string, input: unknown): Attributes {
  const values = (typeof input === 'object' && input !== null ? input : {}) as Record<string, unknown>;
  const parameters: Record<string, string | undefined> = {};
  for (const name of [...BODY_NAMES, 'Bucket', 'Key', 'modelId']) {
    if (typeof values[name] === 'string') parameters[name] = values[name];
  }
  const attributes = {
    ...describeResource(service, operation, undefined, parameters as Parameters),
    ...describeInputOf(service, input),
  };
  const { RequestItems, TransactItems } = values;
  if (service === 'DynamoDB' && isObject(RequestItems)) {
    attributes['aws.dynamodb.table_names'] = Object.keys(RequestItems).slice(0, 25);
  }
  if (service === 'DynamoDB' && Array.isArray(TransactItems)) {
    const tables = TransactItems.flatMap((item) => (isObject(item) ? Object.values(item) : [])).flatMap((part) =>
      isObject(part) && typeof part.TableName === 'string' ? [part.TableName] : [],
    );
    if (tables.length > 0) attributes['aws.dynamodb.table_names'] = [...new Set(tables)];
  }
  return attributes;
}

/** Objects of the user's may have getters that throw, which is for the SDK to complain about. */
function quietly(describe: () => Attributes): Attributes {
  try {
    return describe();
  } catch {
    return {};
  }
}

function injectInto(
  call: string,
  input: unknown,
  targets: readonly InjectionTarget[],
  context: Context,
  scope: CallScope,
  span: CallSpan,
): unknown {
  if (!isObject(input)) return input;
  try {
    const spanContext = span.spanContext();
    const state = spanContext.traceState?.serialize();
    const baggage = baggageOf(context);
    const fields: TraceFields = {
      traceparent: traceparentOf(spanContext),
      ...(state ? { tracestate: state } : {}),
      ...(baggage === '' ? {} : { baggage }),
    };
    return injectTrace(call, input, targets, fields, xrayHeaderOf(scope, spanContext));
  } catch {
    // An input with a getter that throws is the SDK's to complain about.
    return input;
  }
}

function describeMetadata(span: CallSpan, metadata: Metadata | undefined): void {
  if (metadata === undefined) return;
  const { httpStatusCode, requestId, extendedRequestId, attempts } = metadata;
  if (httpStatusCode !== undefined) span.setAttribute('http.response.status_code', httpStatusCode);
  if (requestId !== undefined) span.setAttribute('aws.request_id', requestId);
  if (extendedRequestId !== undefined) span.setAttribute('aws.extended_request_id', extendedRequestId);
  if (attempts !== undefined && attempts > 1) span.setAttribute('http.request.resend_count', attempts - 1);
}

function describeError(span: CallSpan, error: unknown): void {
  const { name, message, $metadata } = (error ?? {}) as { name?: unknown; message?: unknown; $metadata?: Metadata };
  describeMetadata(span, $metadata);
  // The caller gave it up.
  if (name === 'AbortError') return;
  span.setAttribute('error.type', String(name ?? 'Error'));
  span.setStatus({ code: ERROR, message: String(message ?? error) });
  span.recordException(error instanceof Error ? error : String(error));
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
