// What the package `spanstrap` does inside the layer, in a bundle of its own: annotations, metadata, spans, routes, records.

import type { Attributes, AttributeValue, Context, Link, Span, Tracer } from '@opentelemetry/api';
import { spanOf, withSpan as withActiveSpan } from '../active-context.ts';
import { InertSpan } from '../inert-span.ts';
import { linksOf } from '../message-links.ts';
import type { CallEnvironment, CallScope } from '../outgoing/call-scope.ts';
import type { ContextRules } from '../parent.ts';
import { sayRoute } from '../routes/matched-route.ts';
import type { Recogniser } from '../triggers/recogniser.ts';
import type { TriggerOptions } from '../triggers/trigger.ts';
import { recordsOf } from './event-records.ts';

export type CodeApi = {
  annotate(key: string, value: AttributeValue): void;
  metadata(key: string, value: unknown, namespace?: string): void;
  withSpan<Result>(name: string, work: (span: Span) => Result): Result;
  setRoute(route: string): void;
  forEachRecord(event: unknown, work: (record: unknown, span: Span) => unknown): Promise<unknown[]>;
};

type RecordDescription = {
  readonly name: string;
  readonly attributes: Attributes;
  readonly links: Link[];
};

export type CodeApiOptions = {
  readonly environment: CallEnvironment;
  /** How invocations are recognised. */
  readonly invocations: {
    readonly recognise: Recogniser;
    readonly trigger: TriggerOptions;
    readonly contextRules: ContextRules;
  };
  /** Of the user's own SDK, when he has one: his spans belong there. */
  foreignTracer(): Tracer | undefined;
};

type SpanStart = {
  readonly name: string;
  readonly kind: number;
  readonly attributes?: Attributes;
  readonly links?: Link[];
};

const INTERNAL = 0;
const CONSUMER = 4;
const ERROR = 2;
const ANNOTATION_LIST = 'aws.xray.annotations';
const NO_SPAN = new InertSpan({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 });

export function createCodeApi({ environment, invocations, foreignTracer }: CodeApiOptions): CodeApi {
  /** The active span, or the handler's where the context was lost; undefined: nothing is recorded. */
  const activeSpan = (): (Span & { readonly attributes?: Attributes }) | undefined => {
    const span = spanOf(environment.activeContext());
    if (span?.isRecording()) return span;
    const scope = environment.here();
    return scope?.isRecorded ? spanOf(scope.context) : undefined;
  };

  const run = <Result>(start: SpanStart, work: (span: Span) => Result): Result => {
    const outer = environment.activeContext();
    const tracer = foreignTracer();
    const scope = environment.here();
    if (tracer !== undefined)
      return runUnder(tracer.startSpan(start.name, start, outer), outer, work, (span) => span.end());
    if (!scope?.isRecorded) return work(spanOf(outer) ?? NO_SPAN);
    const { name, kind, attributes = {}, links = [] } = start;
    const span = scope.startCall({ name, kind, startedAt: environment.now(), attributes, context: outer });
    span.addLinks(links);
    return runUnder(span, outer, work, () => (scope as CallScope).endCall(span, environment.now()));
  };

  const runUnder = <Result, Own extends Span>(
    span: Own,
    outer: Context,
    work: (span: Span) => Result,
    end: (span: Own) => void,
  ): Result => {
    const fail = (error: unknown): void => {
      span.setStatus({ code: ERROR, message: messageOf(error) });
      try {
        span.recordException(error instanceof Error ? error : textOf(error));
      } catch {
        // What is thrown may be anything, and must come out as it is.
      }
    };
    const follow = (promise: PromiseLike<unknown>): unknown => {
      const settled = Promise.withResolvers<unknown>();
      settled.promise.catch(() => {});
      const followed: unknown = promise.then(
        (value) => {
          end(span);
          settled.resolve(value);
          return value;
        },
        (error: unknown) => {
          fail(error);
          end(span);
          settled.reject(error);
          return settled.promise;
        },
      );
      // The `then` of some returns nothing.
      return isPromise(followed) ? followed : settled.promise;
    };
    try {
      return environment.runIn(withActiveSpan(outer, span), () => {
        const result = work(span);
        // Queries of some libraries begin only now: they belong to the span.
        if (isPromise(result)) return follow(result) as Result;
        end(span);
        return result;
      });
    } catch (error) {
      fail(error);
      end(span);
      throw error;
    }
  };

  return {
    annotate(key, value) {
      const span = activeSpan();
      if (span === undefined || !isScalar(value)) return;
      span.setAttribute(key, value);
      const listed = (span.attributes?.[ANNOTATION_LIST] as string[] | undefined) ?? [];
      if (!listed.includes(key)) span.setAttribute(ANNOTATION_LIST, [...listed, key]);
    },
    metadata(key, value, namespace = 'default') {
      const span = activeSpan();
      if (span === undefined) return;
      const name = `aws.xray.metadata.${namespace}`;
      span.setAttribute(name, added(span.attributes?.[name], key, value));
    },
    withSpan: (name, work) => run({ name, kind: INTERNAL }, work),
    setRoute(route) {
      const scope = environment.here();
      if (!scope?.isRecorded) return;
      sayRoute(scope.span, route);
    },
    async forEachRecord(event, work) {
      const results: unknown[] = [];
      for (const { record, event: own } of recordsOf(event)) {
        results.push(await run({ ...describe(invocations, own), kind: CONSUMER }, (span) => work(record, span)));
      }
      return results;
    },
  };
}

/**
 * What an event of one record is, as the `CONSUMER` span of its processing says it. Recognition looks into a user's event: what goes wrong there costs its description.
 */
function describe(invocations: CodeApiOptions['invocations'], event: unknown): RecordDescription {
  const { recognise, trigger: options, contextRules } = invocations;
  try {
    const trigger = recognise(event, options, {});
    const { name = `process ${trigger.source}`, attributes = {} } = trigger.consumer ?? {};
    return { name, attributes: { ...attributes }, links: linksOf(trigger, contextRules) };
  } catch {
    return { name: 'process', attributes: {}, links: [] };
  }
}

const isScalar = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';

/** The JSON object in `text` with one more member; a value that JSON cannot hold is kept as its text. */
function added(text: AttributeValue | undefined, key: string, value: unknown): string {
  let members: Record<string, unknown> = {};
  try {
    if (typeof text === 'string') members = JSON.parse(text);
  } catch {}
  let kept = value;
  try {
    if (JSON.stringify(value) === undefined) kept = String(value);
  } catch {
    kept = textOf(value);
  }
  return JSON.stringify({ ...members, [key]: kept });
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'unreadable';
  }
}

function messageOf(error: unknown): string {
  try {
    return textOf((error as { message?: unknown } | null)?.message ?? error);
  } catch {
    return 'unreadable';
  }
}
