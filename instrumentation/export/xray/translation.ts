// One span as the fields of one subsegment: the blocks in turn, each taking its attributes, the rest into the metadata.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { wallNow } from '../../../runtime/untouched.ts';
import { ANNOTATION_LIST, type AnnotationSettings, annotationsOf } from './annotations.ts';
import { awsBlockOf } from './aws-block.ts';
import { causeOf, type RecordedExceptions } from './cause.ts';
import { epochSeconds } from './epoch-seconds.ts';
import { flagsOf, isThrottledByAws } from './flags.ts';
import { httpBlockOf } from './http-block.ts';
import { metadataOf, withMark } from './metadata.ts';
import { nameOf, namespaceOf, sanitizeName } from './names.ts';
import { addSegmentFields } from './segment-fields.ts';
import { attributesOf, type SpanAttributes, takeText } from './span-attributes.ts';
import { CLIENT, PRODUCER, SERVER, STATUS_ERROR } from './span-kinds.ts';
import { sqlBlockOf } from './sql-block.ts';
import type { SubsegmentFields } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';

type Events = ReadableSpan['events'];

export type TranslationSettings = {
  readonly annotations: AnnotationSettings;
  /** Cap of one subsegment's metadata, in bytes of JSON. */
  readonly metadataCapBytes: number;
  readonly workingDirectory: string;
  /** The Error behind an `exception` event, for its causes; undefined when it is gone or was none. */
  readonly liveErrorOf: ((event: Events[number]) => unknown) | undefined;
};

/** A span and what is drawn with it. */
export type TranslationInput = {
  readonly span: ReadableSpan;
  /** On the `Invocation`: the SERVER span, which has no document; its content stands here. */
  readonly server: ReadableSpan | undefined;
  /** The name of a phase, which no attribute changes. */
  readonly name: string | undefined;
  /** It is the subsegment, or the segment, that stands for the whole invocation. */
  readonly standsForInvocation: boolean;
  readonly isSegment: boolean;
  /** The id this span had, when X-Ray refuses it or another of the batch has the same. */
  readonly replacedId: string | undefined;
};

/** What every subsegment has, without a name yet. */
export function bareFields(span: ReadableSpan): SubsegmentFields {
  const end = span.ended ? epochSeconds(span.endTime) : 0;
  // A start that is no time would stretch the trace back to 1970.
  const start = epochSeconds(span.startTime) || end || wallNow() / 1000;
  return {
    name: 'span',
    namespace: undefined,
    start_time: start,
    end_time: span.ended ? Math.max(start, end) : undefined,
    in_progress: span.ended ? undefined : true,
    error: undefined,
    throttle: undefined,
    fault: undefined,
    cause: undefined,
    http: undefined,
    aws: undefined,
    sql: undefined,
    annotations: undefined,
    metadata: undefined,
  };
}

/** Fills `fields`. A span that cannot be read to its end (a getter that throws) keeps what was read, and a mark. */
export function translateSpan(
  { fields }: { readonly fields: SubsegmentFields },
  input: TranslationInput,
  settings: TranslationSettings,
  recorded: RecordedExceptions,
): void {
  try {
    translate(fields, input, settings, recorded);
  } catch (error) {
    fields.metadata = withMark(fields.metadata, 'unreadable', cutText(String(error), GENERIC_TEXT_CHARS));
  }
}

function translate(
  fields: SubsegmentFields,
  { span, server, name, standsForInvocation, isSegment, replacedId }: TranslationInput,
  settings: TranslationSettings,
  recorded: RecordedExceptions,
): void {
  const own = attributesOf(span.attributes);
  fields.name = name === undefined ? nameOf(span, own) : sanitizeName(name) || 'span';
  const namespace = namespaceOf(span.kind, own);
  fields.namespace = namespace;
  const attributes = server === undefined ? own : mergedAttributes(span, server);
  const events = server === undefined ? span.events : mergedEvents(span, server);
  const isFailed = span.status.code === STATUS_ERROR || server?.status.code === STATUS_ERROR;

  fields.http = httpBlockOf(server === undefined ? span.kind : SERVER, attributes, events);
  const isThrottled = namespace === 'aws' && isThrottledByAws(attributes.values['error.type'], events);
  Object.assign(fields, flagsOf(fields.http?.response?.status, isFailed, isThrottled));
  if (isFailed || events.length > 0) {
    fields.cause = causeOf(
      {
        events,
        failureMessage: isFailed ? failureMessage(span, server, attributes) : undefined,
        isRemote: span.kind === CLIENT || span.kind === PRODUCER,
        workingDirectory: settings.workingDirectory,
        liveErrorOf: settings.liveErrorOf,
      },
      recorded,
    );
  }
  if (!isForeignCloud(span)) fields.aws = awsBlockOf(attributes, namespace, standsForInvocation);
  if (isSegment) addSegmentFields(fields, span, attributes);
  fields.sql = sqlBlockOf(attributes);
  fields.annotations = annotationsOf(attributes, settings.annotations);
  fields.metadata = metadataOf({
    attributes,
    events,
    links: isSegment ? [] : server === undefined ? span.links : [...span.links, ...server.links],
    marks: marksOf(span, replacedId),
    runtime: standsForInvocation ? runtimeOf(span) : undefined,
    capBytes: settings.metadataCapBytes,
  });
}

/** The `Invocation`'s own attributes win; what either wants annotated is annotated. */
function mergedAttributes(span: ReadableSpan, server: ReadableSpan): SpanAttributes {
  const values: Record<string, unknown> = { ...server.attributes, ...span.attributes };
  const lists = [server.attributes[ANNOTATION_LIST], span.attributes[ANNOTATION_LIST]];
  if (lists.some((list) => list !== undefined)) values[ANNOTATION_LIST] = lists.flat();
  return attributesOf(values);
}

/** Of exceptions one span's are enough: the recorder may have put the same one on both. */
function mergedEvents(span: ReadableSpan, server: ReadableSpan): Events {
  if (server.events.length === 0) return span.events;
  const hasException = span.events.some(({ name }) => name === 'exception');
  return [...span.events, ...server.events.filter(({ name }) => !(hasException && name === 'exception'))];
}

function failureMessage(
  span: ReadableSpan,
  server: ReadableSpan | undefined,
  attributes: SpanAttributes,
): string | undefined {
  const statusText = takeText(attributes, ['http.status_text']);
  return span.status.message || server?.status.message || statusText;
}

/** A resource that says it runs in another provider's cloud has no AWS fields. */
function isForeignCloud({ resource }: ReadableSpan): boolean {
  const provider = resource.attributes['cloud.provider'];
  return provider !== undefined && provider !== 'aws';
}

function marksOf(span: ReadableSpan, replacedId: string | undefined): Record<string, unknown> | undefined {
  const { droppedAttributesCount, droppedEventsCount, droppedLinksCount } = span;
  if (!(droppedAttributesCount || droppedEventsCount || droppedLinksCount || replacedId !== undefined))
    return undefined;
  const marks: Record<string, unknown> = {};
  if (droppedAttributesCount) marks.dropped_attributes = droppedAttributesCount;
  if (droppedEventsCount) marks.dropped_events = droppedEventsCount;
  if (droppedLinksCount) marks.dropped_links = droppedLinksCount;
  if (replacedId !== undefined) marks.replaced_id = replacedId;
  return marks;
}

/** A subsegment has no `aws.xray` block that could name the tracer. */
function runtimeOf({ resource }: ReadableSpan): Record<string, unknown> | undefined {
  const { attributes } = resource;
  const sdk = attributes['telemetry.sdk.name'];
  if (typeof sdk !== 'string') return undefined;
  const runtime: Record<string, unknown> = { sdk, sdk_version: attributes['telemetry.sdk.version'] };
  const distribution = attributes['telemetry.distro.name'];
  if (typeof distribution === 'string') {
    runtime.distribution = distribution;
    runtime.distribution_version = attributes['telemetry.distro.version'];
  }
  return runtime;
}
