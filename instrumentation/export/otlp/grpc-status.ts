// How a gRPC call ended: status code, message, and the time after which the server wants to be asked again. Source: gRPC over
// HTTP2, "Responses"; google/rpc/status.proto and error_details.proto; OpenTelemetry protocol specification, "Failures".

import type { Verdict } from './delivery.ts';

/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const RETRYABLE = new Set([1, 4, 10, 11, 14, 15]);
const RESOURCE_EXHAUSTED = 8;

/** What HTTP statuses stand for when a proxy or load balancer answered and not the server (gRPC, "HTTP to gRPC Status Code Mapping"). */
const RETRYABLE_HTTP = new Set([429, 502, 503, 504]);

export type CallEnd = {
  /** `:status` of the answer. */
  readonly httpStatus: number;
  /** The trailers, or the headers of an answer that has nothing else. */
  readonly trailers: Readonly<Record<string, unknown>>;
};

/** undefined: the call succeeded. */
export function judgeCall({ httpStatus, trailers }: CallEnd): Verdict | undefined {
  const code = trailers['grpc-status'];
  if (code === undefined) {
    const error = `answered HTTP ${httpStatus} without a gRPC status: is this a gRPC endpoint?`;
    return { kind: RETRYABLE_HTTP.has(httpStatus) ? 'again' : 'refused', error };
  }
  const status = Number(code);
  if (status === 0) return undefined;
  const error = `answered gRPC status ${status} ${decodeMessage(trailers['grpc-message'])}`.trimEnd();
  const afterMs = readRetryDelay(trailers['grpc-status-details-bin']);
  if (RETRYABLE.has(status) || (status === RESOURCE_EXHAUSTED && afterMs !== undefined)) {
    return afterMs === undefined ? { kind: 'again', error } : { kind: 'again', error, afterMs };
  }
  // A message that is too large comes as RESOURCE_EXHAUSTED without a delay.
  if (status === RESOURCE_EXHAUSTED && /larger than max/.test(error)) return { kind: 'too large', error };
  return { kind: 'refused', error };
}

function decodeMessage(message: unknown): string {
  const text = typeof message === 'string' ? message.slice(0, 600) : '';
  try {
    return decodeURIComponent(text).slice(0, 200);
  } catch {
    return text.slice(0, 200);
  }
}

/** Milliseconds of the `google.rpc.RetryInfo` among the details of a status in base64; undefined when there is none. */
export function readRetryDelay(detailsBase64: unknown): number | undefined {
  if (typeof detailsBase64 !== 'string') return undefined;
  try {
    for (const [field, any] of fieldsOf(Buffer.from(detailsBase64, 'base64'))) {
      if (field !== STATUS_DETAILS || typeof any === 'number') continue;
      const fields = new Map(fieldsOf(any));
      const [type, value] = [fields.get(1), fields.get(2)];
      if (!(type instanceof Buffer) || !type.toString().endsWith('/google.rpc.RetryInfo')) continue;
      const delay = value instanceof Buffer ? new Map(fieldsOf(value)).get(1) : undefined;
      const duration = delay instanceof Buffer ? new Map(fieldsOf(delay)) : new Map();
      return Number(duration.get(1) ?? 0) * 1000 + Number(duration.get(2) ?? 0) / 1e6;
    }
  } catch {
    // Details that cannot be read are no wish.
  }
  return undefined;
}

const STATUS_DETAILS = 3;

/** The fields of a protobuf message that has varints and length-delimited fields only, as a status and its details have. */
function* fieldsOf(message: Buffer): Generator<[field: number, value: number | Buffer]> {
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++];
      if (byte === undefined) throw new RangeError('the message ends inside a number');
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = readVarint();
    const [field, wireType] = [tag >>> 3, tag & 7];
    if (wireType === 0) yield [field, readVarint()];
    else if (wireType === 2) {
      const length = readVarint();
      if (at + length > message.length) throw new RangeError('the message ends inside a field');
      yield [field, message.subarray(at, at + length)];
      at += length;
    } else throw new TypeError(`wire type ${wireType}`);
  }
}
