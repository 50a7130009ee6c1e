// Annotations: the few attributes X-Ray indexes. Which, the span says itself (`aws.xray.annotations`), or a setting.

import { setKey } from './json-value.ts';
import { type SpanAttributes, takeTexts } from './span-attributes.ts';
import type { Annotations } from './subsegment.ts';
import { cutText, headOf } from './text-limits.ts';

const ANNOTATION_CHARS = 1000;
const KEY_CHARS = 500;
/** What X-Ray indexes in a whole trace. The rest is as useful in the metadata. */
const MAX_ANNOTATIONS = 50;

/** The attribute with which user code names the keys to annotate. */
export const ANNOTATION_LIST = 'aws.xray.annotations';

export type AnnotationSettings = {
  /** Attributes to annotate on every span: their keys, or all that no block of the document takes. */
  readonly indexedAttributes: readonly string[] | 'all';
  /** Newer backends take `.` in keys; the documentation still allows letters, digits and underscore alone. */
  readonly keepsDots: boolean;
};

/**
 * The annotations, at most 50; undefined when there are none. A listed attribute that is no text, finite number or boolean, or one
 * too many, goes to the metadata.
 */
export function annotationsOf(attributes: SpanAttributes, settings: AnnotationSettings): Annotations | undefined {
  const { indexedAttributes } = settings;
  if (indexedAttributes.length === 0 && attributes.values[ANNOTATION_LIST] === undefined) return undefined;
  const listed = takeTexts(attributes, ANNOTATION_LIST);
  const keys =
    indexedAttributes === 'all'
      ? [...unusedKeys(attributes), ...listed]
      : indexedAttributes.length === 0
        ? listed
        : [...indexedAttributes, ...listed];
  if (keys.length === 0) return undefined;
  const annotations: Annotations = {};
  let count = 0;
  for (const key of keys) {
    if (count === MAX_ANNOTATIONS) break;
    if (!Object.hasOwn(attributes.values, key)) continue;
    const value = annotationValue(attributes.values[key]);
    if (value === undefined) continue;
    attributes.use(key);
    setKey(annotations, annotationKey(key, settings.keepsDots), value);
    count += 1;
  }
  return count === 0 ? undefined : annotations;
}

/** What no block took; JSON for the metadata is not meant to be searched. */
const unusedKeys = (attributes: SpanAttributes): string[] =>
  attributes.keys.filter((key) => !attributes.isUsed(key) && !key.startsWith('aws.xray.metadata.'));

function annotationValue(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'string') return cutText(value, ANNOTATION_CHARS);
  if (typeof value === 'boolean') return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** The key with `_` for every character X-Ray refuses. */
function annotationKey(key: string, keepsDots: boolean): string {
  const clean = key.replace(keepsDots ? /[^A-Za-z0-9_.]/g : /[^A-Za-z0-9_]/g, '_');
  return headOf(clean, KEY_CHARS) || '_';
}
