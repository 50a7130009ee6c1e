// What an ExportTraceServiceResponse says (opentelemetry-proto, collector/trace/v1/trace_service.proto): two fields in one message. The
// official reader comes in one package with the official serializer; it is the oracle in protobuf-spans.test.ts.

import type { PartialSuccess } from './partial-success.ts';

/** @throws Error when it is not such a message */
export function decodePartialSuccess(message: Uint8Array): PartialSuccess {
  const answer: Writable<PartialSuccess> = {};
  readFields(message, (tag, value) => {
    if (tag !== 0x0a) return;
    const said: Writable<NonNullable<PartialSuccess['partialSuccess']>> = {};
    readFields(value as Uint8Array, (inner, innerValue) => {
      if (inner === 0x08) said.rejectedSpans = innerValue as number;
      if (inner === 0x12) said.errorMessage = Buffer.from(innerValue as Uint8Array).toString('utf8');
    });
    answer.partialSuccess = said;
  });
  return answer;
}

type Writable<T> = { -readonly [key in keyof T]: T[key] };

/** Gives numbers, and the bytes of what has a length, each with its tag: the field's number times eight and its type. */
function readFields(message: Uint8Array, take: (tag: number, value: number | Uint8Array) => void): void {
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = message[at++];
      if (byte === undefined) throw new Error('the message ends within a number');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = readVarint();
    switch (tag & 7) {
      case 0:
        take(tag >>> 0, readVarint());
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = readVarint();
        if (at + length > message.length) throw new Error('the message ends within a field');
        take(tag >>> 0, message.subarray(at, at + length));
        at += length;
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw new Error(`the message has a field of type ${tag & 7}`);
    }
  }
}
