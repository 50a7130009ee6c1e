// The text of `X-Amzn-Trace-Id` and `Lambda-Runtime-Trace-Id`: read, and written again with another parent. What the ids mean
// for spans is not decided here. Source: X-Ray Developer Guide, "Tracing header".

/** A header with a valid `Root`; what else it held is kept in `text`. */
export type TraceHeader = {
  /** As received: unknown fields (`Lineage`, `Self`, …) live here, see `withParent`. */
  readonly text: string;
  /** `1-8hex-24hex`, letter case as received. */
  readonly root: string;
  /** OpenTelemetry's form of `root`: 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits; undefined when missing or invalid. */
  readonly parentId: string | undefined;
  /** undefined: missing, `?` (undecided) or anything but `0` and `1`. */
  readonly sampled: boolean | undefined;
};

/** Longer text is refused. Lambda's own headers stay below 256 characters. */
export const TRACE_HEADER_MAX_CHARS = 4096;

const ROOT_CHARS = 35;
const SPAN_ID_CHARS = 16;
const ZERO_SPAN_ID = '0'.repeat(SPAN_ID_CHARS);
const ZERO_TRACE_ID = '0'.repeat(32);

const SPACE = 0x20;
const TAB = 0x09;
const DASH = 0x2d;
const DIGIT_ONE = 0x31;

type Field = 'root' | 'parent' | 'sampled' | undefined;

const isBlank = (code: number): boolean => code === SPACE || code === TAB;

function isHexRange(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const code = text.charCodeAt(at);
    const isDigit = code >= 0x30 && code <= 0x39;
    const letter = code | 0x20;
    if (!isDigit && !(letter >= 0x61 && letter <= 0x66)) return false;
  }
  return true;
}

/** Only what may be put into an outgoing HTTP header again: printable ASCII and tabs. */
function isPrintable(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code > 0x7e || (code < SPACE && code !== TAB)) return false;
  }
  return true;
}

function trim(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

/** Which of the three known fields the key in `text[start, end)` names, in any letter case. */
function fieldAt(text: string, start: number, end: number): Field {
  // Keys that are none of the three must cost nothing: length first, allocation last.
  if (end - start < 4) return undefined;
  const key = trim(text, start, end);
  if (key.length === 4 && key.toLowerCase() === 'root') return 'root';
  if (key.length === 6 && key.toLowerCase() === 'parent') return 'parent';
  if (key.length === 7 && key.toLowerCase() === 'sampled') return 'sampled';
  return undefined;
}

/** `1-8hex-24hex` to 32 lower-case hex; undefined when it is not one, or all zeros. */
function traceIdOf(root: string): string | undefined {
  if (root.length !== ROOT_CHARS) return undefined;
  if (root.charCodeAt(0) !== DIGIT_ONE || root.charCodeAt(1) !== DASH || root.charCodeAt(10) !== DASH) return undefined;
  if (!isHexRange(root, 2, 10) || !isHexRange(root, 11, ROOT_CHARS)) return undefined;
  const traceId = (root.slice(2, 10) + root.slice(11)).toLowerCase();
  return traceId === ZERO_TRACE_ID ? undefined : traceId;
}

function spanIdOf(value: string): string | undefined {
  if (value.length !== SPAN_ID_CHARS || !isHexRange(value, 0, SPAN_ID_CHARS) || value === ZERO_SPAN_ID)
    return undefined;
  return value.toLowerCase();
}

const sampledOf = (value: string): boolean | undefined => (value === '1' ? true : value === '0' ? false : undefined);

/** As Lambda writes it. In the first hundred invocations the reader below takes 9 us, this expression 1. */
const USUAL = /^Root=(1-([\da-f]{8})-([\da-f]{24}));Parent=([\da-f]{16});Sampled=([01])(?:;Lineage=[\w:.|-]*)?$/;
/** Where `Parent` has its value there. */
const USUAL_PARENT_AT = 'Root='.length + ROOT_CHARS + ';Parent='.length;

function readUsual(text: string): TraceHeader | undefined {
  const match = USUAL.exec(text);
  if (match === null) return undefined;
  const [, root = '', seconds = '', random = '', parentId, sampled] = match;
  const traceId = seconds + random;
  if (traceId === ZERO_TRACE_ID || parentId === ZERO_SPAN_ID) return undefined;
  return { text, root, traceId, parentId, sampled: sampled === '1' };
}

/**
 * Reads a trace header: fields in any order, with or without spaces, keys in any letter case; of a repeated field the last
 * counts. Text without a valid `Root`, longer than `TRACE_HEADER_MAX_CHARS` or with characters that no HTTP header may
 * carry gives undefined; nothing throws.
 */
export function parseTraceHeader(text: string | undefined): TraceHeader | undefined {
  if (text === undefined || text.length < ROOT_CHARS || text.length > TRACE_HEADER_MAX_CHARS) return undefined;
  const usual = readUsual(text);
  if (usual !== undefined) return usual;
  if (!isPrintable(text)) return undefined;
  let root = '';
  let parentId: string | undefined;
  let sampled: boolean | undefined;
  let equals = -1;
  for (let start = 0; start < text.length; ) {
    const semicolon = text.indexOf(';', start);
    const end = semicolon === -1 ? text.length : semicolon;
    if (equals < start) equals = text.indexOf('=', start);
    if (equals === -1) break;
    if (equals < end) {
      const field = fieldAt(text, start, equals);
      if (field === 'root') root = trim(text, equals + 1, end);
      else if (field === 'parent') parentId = spanIdOf(trim(text, equals + 1, end));
      else if (field === 'sampled') sampled = sampledOf(trim(text, equals + 1, end));
    }
    start = end + 1;
  }
  const traceId = traceIdOf(root);
  return traceId === undefined ? undefined : { text, root, traceId, parentId, sampled };
}

/**
 * The header's text with `Parent`, and `Sampled` when given, replaced where they stand; missing ones come right after `Root`.
 * Every other field stays as it was, in its place.
 */
export function withParent(header: TraceHeader, parentId: string, sampled?: boolean): string {
  const { text } = header;
  if (sampled === undefined && USUAL.test(text)) {
    return text.slice(0, USUAL_PARENT_AT) + parentId + text.slice(USUAL_PARENT_AT + SPAN_ID_CHARS);
  }
  const parentField = `Parent=${parentId}`;
  const sampledField = sampled === undefined ? '' : `Sampled=${sampled ? '1' : '0'}`;
  let hasParent = false;
  let hasSampled = sampled === undefined;
  let afterRoot = 0;
  let written = '';
  let equals = -1;
  for (let start = 0; start <= text.length; ) {
    const semicolon = text.indexOf(';', start);
    const end = semicolon === -1 ? text.length : semicolon;
    if (start > 0) written += ';';
    if (equals < start && equals !== text.length) {
      equals = text.indexOf('=', start);
      if (equals === -1) equals = text.length;
    }
    const field = equals < end ? fieldAt(text, start, equals) : undefined;
    if (field === 'parent') {
      written += parentField;
      hasParent = true;
    } else if (field === 'sampled' && sampled !== undefined) {
      written += sampledField;
      hasSampled = true;
    } else written += text.slice(start, end);
    if (field === 'root') afterRoot = written.length;
    start = end + 1;
  }
  if (hasParent && hasSampled) return written;
  const added = `${hasParent ? '' : `;${parentField}`}${hasSampled ? '' : `;${sampledField}`}`;
  return written.slice(0, afterRoot) + added + written.slice(afterRoot);
}

/** X-Ray's form of a trace id: `1-8hex-24hex` from 32 hex digits. */
export const rootOf = (traceId: string): string => `1-${traceId.slice(0, 8)}-${traceId.slice(8)}`;

/** A header of our own, for a trace that began here: `traceId` 32 hex, `parentId` 16 hex. */
export const formatTraceHeader = (traceId: string, parentId: string, sampled: boolean): string =>
  `Root=${rootOf(traceId)};Parent=${parentId};Sampled=${sampled ? '1' : '0'}`;
