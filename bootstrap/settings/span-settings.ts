// What limits the spans of the OpenTelemetry SDK (OpenTelemetry specification, "Attribute Limits" and "Span Limits"). Read when the
// SDK is loaded.

import { number, withDefault } from './setting-kinds.ts';

const count = (...env: string[]) => withDefault(128, number(env, 0, 1_000_000));

export const spanSettings = {
  attributeCountLimit: count('OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'),
  attributeValueLengthLimit: number(
    ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
    0,
    1_000_000_000,
  ),
  eventCountLimit: count('OTEL_SPAN_EVENT_COUNT_LIMIT'),
  linkCountLimit: count('OTEL_SPAN_LINK_COUNT_LIMIT'),
  attributePerEventCountLimit: count('OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'),
  attributePerLinkCountLimit: count('OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'),
};
