// OTLP trace requests from the wire into the JSON shape of OTLP/HTTP, by a descriptor of our own for the protobuf form.
// Independent of OpenTelemetry's serialiser on purpose. Source: opentelemetry-proto, trace/v1/trace.proto and what it imports.

import protobuf from 'protobufjs/light.js';

export type OtlpValue = {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  /** Decimal digits: 64 bits do not fit a number. */
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
  readonly kvlistValue?: { readonly values?: readonly OtlpAttribute[] };
  /** Base64. */
  readonly bytesValue?: string;
};

export type OtlpAttribute = { readonly key: string; readonly value: OtlpValue };

export type OtlpEvent = {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly droppedAttributesCount?: number;
};

export type OtlpLink = {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceState?: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly droppedAttributesCount?: number;
  readonly flags?: number;
};

/** Ids are lower-case hex, times decimal nanoseconds, `kind` and the status code numbers. */
export type OtlpSpan = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags?: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly droppedAttributesCount?: number;
  readonly events?: readonly OtlpEvent[];
  readonly droppedEventsCount?: number;
  readonly links?: readonly OtlpLink[];
  readonly droppedLinksCount?: number;
  readonly status?: { readonly message?: string; readonly code?: number };
};

export type OtlpResource = { readonly attributes?: readonly OtlpAttribute[]; readonly droppedAttributesCount?: number };
export type OtlpScope = {
  readonly name: string;
  readonly version?: string;
  readonly attributes?: readonly OtlpAttribute[];
};
export type OtlpScopeSpans = {
  readonly scope?: OtlpScope;
  readonly spans: readonly OtlpSpan[];
  readonly schemaUrl?: string;
};
export type OtlpResourceSpans = {
  readonly resource?: OtlpResource;
  readonly scopeSpans: readonly OtlpScopeSpans[];
  readonly schemaUrl?: string;
};
export type OtlpTraces = { readonly resourceSpans: readonly OtlpResourceSpans[] };

type FieldList = Readonly<Record<string, readonly [id: number, type: string, rule?: 'repeated']>>;

const fields = (list: FieldList): { fields: Record<string, protobuf.IField> } => ({
  fields: Object.fromEntries(
    Object.entries(list).map(([name, [id, type, rule]]) => [name, { id, type, ...(rule && { rule }) }]),
  ),
});

const root = protobuf.Root.fromJSON({
  nested: {
    Request: fields({ resourceSpans: [1, 'ResourceSpans', 'repeated'] }),
    ResourceSpans: fields({
      resource: [1, 'Resource'],
      scopeSpans: [2, 'ScopeSpans', 'repeated'],
      schemaUrl: [3, 'string'],
    }),
    Resource: fields({ attributes: [1, 'KeyValue', 'repeated'], droppedAttributesCount: [2, 'uint32'] }),
    ScopeSpans: fields({ scope: [1, 'Scope'], spans: [2, 'Span', 'repeated'], schemaUrl: [3, 'string'] }),
    Scope: fields({
      name: [1, 'string'],
      version: [2, 'string'],
      attributes: [3, 'KeyValue', 'repeated'],
      droppedAttributesCount: [4, 'uint32'],
    }),
    Span: fields({
      traceId: [1, 'bytes'],
      spanId: [2, 'bytes'],
      traceState: [3, 'string'],
      parentSpanId: [4, 'bytes'],
      name: [5, 'string'],
      kind: [6, 'int32'],
      startTimeUnixNano: [7, 'fixed64'],
      endTimeUnixNano: [8, 'fixed64'],
      attributes: [9, 'KeyValue', 'repeated'],
      droppedAttributesCount: [10, 'uint32'],
      events: [11, 'Event', 'repeated'],
      droppedEventsCount: [12, 'uint32'],
      links: [13, 'Link', 'repeated'],
      droppedLinksCount: [14, 'uint32'],
      status: [15, 'Status'],
      flags: [16, 'fixed32'],
    }),
    Event: fields({
      timeUnixNano: [1, 'fixed64'],
      name: [2, 'string'],
      attributes: [3, 'KeyValue', 'repeated'],
      droppedAttributesCount: [4, 'uint32'],
    }),
    Link: fields({
      traceId: [1, 'bytes'],
      spanId: [2, 'bytes'],
      traceState: [3, 'string'],
      attributes: [4, 'KeyValue', 'repeated'],
      droppedAttributesCount: [5, 'uint32'],
      flags: [6, 'fixed32'],
    }),
    Status: fields({ message: [2, 'string'], code: [3, 'int32'] }),
    KeyValue: fields({ key: [1, 'string'], value: [2, 'AnyValue'] }),
    AnyValue: {
      ...fields({
        stringValue: [1, 'string'],
        boolValue: [2, 'bool'],
        intValue: [3, 'int64'],
        doubleValue: [4, 'double'],
        arrayValue: [5, 'ArrayValue'],
        kvlistValue: [6, 'KeyValueList'],
        bytesValue: [7, 'bytes'],
      }),
      oneofs: {
        value: {
          oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue', 'kvlistValue', 'bytesValue'],
        },
      },
    },
    ArrayValue: fields({ values: [1, 'AnyValue', 'repeated'] }),
    KeyValueList: fields({ values: [1, 'KeyValue', 'repeated'] }),
  },
});

const request = root.lookupType('Request');
const idFields = new Set(['traceId', 'spanId', 'parentSpanId']);

/** Decodes an ExportTraceServiceRequest. Throws when the bytes are not one. */
export function decodeProtobufTraces(bytes: Uint8Array): OtlpTraces {
  const message = request.toObject(request.decode(bytes), { longs: String, bytes: Buffer as never });
  return { resourceSpans: [], ...(withTextIds(message) as object) };
}

/** Parses the JSON form; ids are put into lower case. Throws SyntaxError. */
export function decodeJsonTraces(text: string): OtlpTraces {
  return JSON.parse(text, (key, value: unknown) =>
    idFields.has(key) && typeof value === 'string' ? value.toLowerCase() : value,
  ) as OtlpTraces;
}

/** Bytes become text, as in the JSON form: ids hex, other bytes base64. */
function withTextIds(value: unknown, key = ''): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString(idFields.has(key) ? 'hex' : 'base64');
  if (Array.isArray(value)) return value.map((item) => withTextIds(item, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, withTextIds(item, name)]));
}

/** Attributes as an ordinary map: integers as numbers, lists as arrays, maps as objects. */
export function flat(attributes: readonly OtlpAttribute[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: OtlpValue | undefined): unknown {
  if (value?.intValue !== undefined) return Number(value.intValue);
  if (value?.arrayValue) return (value.arrayValue.values ?? []).map(plain);
  if (value?.kvlistValue) return flat(value.kvlistValue.values);
  return value?.stringValue ?? value?.boolValue ?? value?.doubleValue ?? value?.bytesValue;
}
