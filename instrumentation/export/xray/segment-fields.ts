// What a segment says of itself beyond what subsegments can: the function as Lambda would name it on its own segment. Source: X-Ray
// Developer Guide, "X-Ray segment documents".

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { usableLinks } from '../usable-links.ts';
import { toJsonValue } from './json-value.ts';
import { type SpanAttributes, takeText } from './span-attributes.ts';
import type { SegmentLink, SubsegmentFields } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';

const ORIGIN = 'AWS::Lambda::Function';
const MAX_LINKS = 100;
const EMPTY_OBJECT_CHARS = 2;
/** A link whose attributes are longer goes without them: they must not cost the document. */
const LINK_MAX_CHARS = 200;

/** Adds to `fields`, whose `aws` block is there already. */
export function addSegmentFields(fields: SubsegmentFields, span: ReadableSpan, attributes: SpanAttributes): void {
  const { attributes: resource } = span.resource;
  fields.origin = ORIGIN;
  const version = resource['service.version'];
  if (typeof version === 'string') fields.service = { version: cutText(version, GENERIC_TEXT_CHARS) };
  const user = takeText(attributes, ['enduser.id', 'user.id']);
  if (user !== undefined) fields.user = cutText(user, GENERIC_TEXT_CHARS);
  const links = usableLinks(span)
    .slice(0, MAX_LINKS)
    .flatMap((link) => segmentLink(link) ?? []);
  if (links.length > 0) fields.links = links;
  const functionName = resource['faas.name'];
  if (typeof functionName === 'string') fields.aws = { ...fields.aws, resource_names: [functionName] };
}

function segmentLink({ context, attributes = {} }: ReadableSpan['links'][number]): SegmentLink | undefined {
  const traceId = context.traceId.toLowerCase();
  const id = context.spanId.toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(traceId) || !/^[0-9a-f]{16}$/.test(id)) return undefined;
  const link = { trace_id: `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`, id };
  const shown = toJsonValue(attributes) as Record<string, unknown>;
  const { length } = JSON.stringify(shown);
  return length > EMPTY_OBJECT_CHARS && length <= LINK_MAX_CHARS ? { ...link, attributes: shown } : link;
}
