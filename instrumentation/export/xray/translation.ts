// One span as the fields of one subsegment: the blocks in turn, each taking its attributes, the rest into the metadata.

import type { Link } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { wallNow } from '../../../runtime/untouched.ts';
import { usableLinks } from '../usable-links.ts';
import { ANNOTATION_LIST, type AnnotationSettings, annotationsOf } from './annotations.ts';
import { awsBlockOf } from './aws-block.ts';
import { causeOf, type RecordedExceptions } from './cause.ts';
import { concern, concernsOf } from './concerns.ts';
import { epochSeconds } from './epoch-seconds.ts';
import { flagsOf, isThrottledByAws } from './flags.ts';
import { httpBlockOf } from './http-block.ts';
import { metadataOf, withMark } from './metadata.ts';
import { capMetadata } from './metadata-cap.ts';
import { nameOf, namespaceOf, sanitizeName } from './names.ts';
import { writeText } from './node-text.ts';
import { addSegmentFields } from './segment-fields.ts';
import { SpanAttributes, takeText } from './span-attributes.ts';
import { CLIENT, PRODUCER, SERVER, STATUS_ERROR } from './span-kinds.ts';
import { sqlBlockOf } from './sql-block.ts';
import type { SubsegmentFields, SubsegmentNode } from './subsegment.ts';
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

/** Fills the node's fields and writes them down. A span that cannot be read to its end (a getter that throws) keeps what was read, and a mark. */
export function translateSpan(node: SubsegmentNode, settings: TranslationSettings, recorded: RecordedExceptions): void {
  try {
    translate(node, settings, recorded);
  } catch (error) {
    const { fields } = node;
    const reason = cutText(String(error), GENERIC_TEXT_CHARS);
    fields.metadata = withMark(fields.metadata, 'unreadable', reason);
    try {
      writeText(node);
    } catch {
      // What cannot be written is among what was read: it must not cost the spans beside it.
      Object.assign(fields, { ...bareFields(node.source.span), name: fields.name });
      fields.metadata = withMark(undefined, 'unreadable', reason);
      writeText(node);
    }
  }
}

function translate(
  node: SubsegmentNode,
  { annotations, metadataCapBytes, workingDirectory, liveErrorOf }: TranslationSettings,
  recorded: RecordedExceptions,
): void {
  const { fields } = node;
  const { span, server, phaseName, standsForInvocation, isSegment, replacedId } = node.source;
  const own = new SpanAttributes(span.attributes);
  const ownConcerns = concernsOf(own);
  fields.name =
    phaseName === undefined ? nameOf(span, own, (ownConcerns & concern.name) !== 0) : sanitizeName(phaseName) || 'span';
  const namespace = namespaceOf(span.kind, own, (ownConcerns & concern.namespace) !== 0);
  fields.namespace = namespace;
  const attributes = server === undefined ? own : mergedAttributes(own, server);
  const concerns = attributes === own ? ownConcerns : concernsOf(attributes);
  const events = server === undefined ? span.events : mergedEvents(span, server);
  const isFailed = span.status.code === STATUS_ERROR || server?.status.code === STATUS_ERROR;

  if ((concerns & concern.http) !== 0) {
    fields.http = httpBlockOf(server === undefined ? span.kind : SERVER, attributes, events);
  }
  const isThrottled = namespace === 'aws' && isThrottledByAws(attributes.values['error.type'], events);
  const { error, throttle, fault } = flagsOf(fields.http?.response?.status, isFailed, isThrottled);
  fields.error = error;
  fields.throttle = throttle;
  fields.fault = fault;
  if (isFailed || events.length > 0) {
    const failureText = isFailed ? failureMessage(span, server, attributes) : undefined;
    const isRemote = span.kind === CLIENT || span.kind === PRODUCER;
    fields.cause = causeOf({ events, failureMessage: failureText, isRemote, workingDirectory, liveErrorOf }, recorded);
  }
  if (!isForeignCloud(span)) {
    const hasKeys = (concerns & concern.aws) !== 0;
    fields.aws = awsBlockOf(attributes, { isCall: namespace === 'aws', isInvocation: standsForInvocation, hasKeys });
  }
  if (isSegment) addSegmentFields(fields, span, attributes);
  if ((concerns & concern.sql) !== 0) fields.sql = sqlBlockOf(attributes);
  fields.annotations = annotationsOf(attributes, annotations);
  fields.metadata = metadataOf({
    attributes,
    events,
    links: isSegment ? [] : linksOf(span, server),
    marks: marksOf(span, replacedId),
    runtime: standsForInvocation ? runtimeOf(span) : undefined,
    capBytes: metadataCapBytes,
  });
  writeText(node);
  // Where the whole is below the cap the metadata is: only of the others it has to be measured.
  if (fields.metadata === undefined || node.bytes <= metadataCapBytes) return;
  capMetadata(fields.metadata, metadataCapBytes);
  writeText(node);
}

/** The `Invocation`'s own attributes win; what either wants annotated is annotated. */
function mergedAttributes(own: SpanAttributes, server: ReadableSpan): SpanAttributes {
  const serverList = server.attributes[ANNOTATION_LIST];
  const ownList = own.values[ANNOTATION_LIST];
  const isAnnotated = serverList !== undefined || ownList !== undefined;
  if (own.keys.length === 0 && !isAnnotated) return new SpanAttributes(server.attributes);
  const values: Record<string, unknown> = { ...server.attributes, ...own.values };
  if (isAnnotated) values[ANNOTATION_LIST] = [serverList, ownList].flat();
  return new SpanAttributes(values);
}

/** Of exceptions one span's are enough: the recorder may have put the same one on both. */
function mergedEvents(span: ReadableSpan, server: ReadableSpan): Events {
  if (server.events.length === 0) return span.events;
  const hasException = span.events.some(({ name }) => name === 'exception');
  return [...span.events, ...server.events.filter(({ name }) => !(hasException && name === 'exception'))];
}

const linksOf = (span: ReadableSpan, server: ReadableSpan | undefined): readonly Link[] =>
  server === undefined || server.links.length === 0
    ? usableLinks(span)
    : [...usableLinks(span), ...usableLinks(server)];

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
  const { droppedAttributesCount, droppedEventsCount } = span;
  const droppedLinksCount = span.droppedLinksCount + span.links.length - usableLinks(span).length;
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
