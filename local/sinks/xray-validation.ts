// The rules that an X-Ray document and its datagram must keep; every breach comes back as a sentence.
// Source: X-Ray Developer Guide, "Segment documents"; segment JSON schema 1.0.0; the daemon's packet format.

type Report = (path: string, what: string) => void;
type Check = (value: unknown, path: string, report: Report) => void;
type Shape = Readonly<Record<string, Check>>;
type Fields = Record<string, unknown>;

export const DATAGRAM_LIMIT_BYTES = 65_507;

const NAME = /^[\p{L}\p{Z}\p{N}_.:/%&#=+\-@]{1,200}$/u;
const HEX16 = /^(?!0{16}$)[0-9a-f]{16}$/;
const TRACE_ID = /^1-[0-9a-f]{8}-(?!0{24}$)[0-9a-f]{24}$/;
const EARLIEST_SECONDS = Date.UTC(2020) / 1000;
const LATEST_AHEAD_SECONDS = 3600;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const text =
  (maxChars = Number.POSITIVE_INFINITY): Check =>
  (value, path, report) => {
    if (typeof value !== 'string') report(path, `is not a string but ${describe(value)}`);
    else if (value.length > maxChars) report(path, `has ${value.length} characters, ${maxChars} are allowed`);
  };

const matching =
  (pattern: RegExp, rule: string): Check =>
  (value, path, report) => {
    if (typeof value !== 'string' || !pattern.test(value)) report(path, `${describe(value)} is not ${rule}`);
  };

const oneOf =
  (...allowed: unknown[]): Check =>
  (value, path, report) => {
    if (!allowed.includes(value)) report(path, `${describe(value)} is not one of ${JSON.stringify(allowed)}`);
  };

const integer: Check = (value, path, report) => {
  if (!Number.isInteger(value)) report(path, `${describe(value)} is not an integer`);
};

const boolean: Check = (value, path, report) => {
  if (typeof value !== 'boolean') report(path, `${describe(value)} is not a boolean`);
};

const object: Check = (value, path, report) => {
  if (!isFields(value)) report(path, `${describe(value)} is not an object`);
};

const listOf =
  (check: Check): Check =>
  (value, path, report) => {
    if (!Array.isArray(value)) report(path, `${describe(value)} is not a list`);
    else for (const [index, item] of value.entries()) check(item, `${path}[${index}]`, report);
  };

const shaped =
  (shape: Shape, required: readonly string[] = []): Check =>
  (value, path, report) => {
    if (!isFields(value)) return report(path, `${describe(value)} is not an object`);
    for (const [key, item] of Object.entries(value)) {
      const check = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (check) check(item, `${path}.${key}`, report);
      else report(`${path}.${key}`, 'is not a field of this object');
    }
    for (const key of required) if (!(key in value)) report(`${path}.${key}`, 'is missing');
  };

/** Epoch seconds: not absurd, and no finer than microseconds. */
const seconds: Check = (value, path, report) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) return report(path, `${describe(value)} is not a number`);
  if (value < EARLIEST_SECONDS || value > Date.now() / 1000 + LATEST_AHEAD_SECONDS) {
    report(path, `${value} is not in epoch seconds between 2020 and an hour from now`);
  }
  if ((/\.(\d+)$/.exec(String(value))?.[1]?.length ?? 0) > 6) report(path, `${value} is finer than microseconds`);
};

const id = matching(HEX16, 'an id of 16 lower-case hex digits, not all zero');
const traceId = matching(TRACE_ID, 'a trace id (1-8 hex-24 hex, lower case)');

const exception = shaped(
  {
    id,
    message: text(),
    type: text(),
    remote: boolean,
    truncated: integer,
    skipped: integer,
    cause: id,
    stack: listOf(shaped({ path: text(), line: integer, label: text() })),
  },
  ['id'],
);

const causeObject = shaped({ working_directory: text(), paths: listOf(text()), exceptions: listOf(exception) }, [
  'working_directory',
  'exceptions',
]);

const cause: Check = (value, path, report) =>
  typeof value === 'string' ? id(value, path, report) : causeObject(value, path, report);

const annotations: Check = (value, path, report) => {
  if (!isFields(value)) return report(path, `${describe(value)} is not an object`);
  const entries = Object.entries(value);
  if (entries.length > 50) report(path, `has ${entries.length} annotations, 50 are indexed`);
  for (const [key, item] of entries) {
    if (!/^[A-Za-z0-9_]{1,500}$/.test(key)) report(`${path}.${key}`, 'is not an annotation key (letters, digits, _)');
    if (typeof item === 'string') text(1000)(item, `${path}.${key}`, report);
    else if (typeof item !== 'boolean' && !Number.isFinite(item)) {
      report(`${path}.${key}`, `${describe(item)} is not a string, a finite number or a boolean`);
    }
  }
};

const metadata: Check = (value, path, report) => {
  if (!isFields(value)) return report(path, `${describe(value)} is not an object`);
  for (const [namespace, values] of Object.entries(value)) {
    if (namespace.startsWith('AWS.')) report(`${path}.${namespace}`, 'begins with AWS., which is reserved');
    object(values, `${path}.${namespace}`, report);
  }
};

const aws: Check = (value, path, report) => {
  if (!isFields(value)) return report(path, `${describe(value)} is not an object`);
  for (const [key, item] of Object.entries(value)) if (item === null) report(`${path}.${key}`, 'is null');
};

const http = shaped({
  request: shaped({
    method: text(250),
    url: text(250),
    user_agent: text(250),
    client_ip: text(250),
    x_forwarded_for: boolean,
  }),
  response: shaped({ status: integer, content_length: integer }),
});

const sql = shaped({
  url: text(),
  connection_string: text(),
  sanitized_query: text(),
  database_type: text(),
  database_version: text(),
  driver_version: text(),
  user: text(250),
  preparation: oneOf('call', 'statement'),
});

const embedded: Check = (value, path, report) => shaped(subsegmentShape, requiredOfAll)(value, path, report);

const nodeShape: Shape = {
  id,
  name: matching(NAME, 'a name: 1 to 200 letters, digits, spaces or _.:/%&#=+-@'),
  start_time: seconds,
  end_time: seconds,
  in_progress: oneOf(true),
  error: oneOf(true),
  throttle: oneOf(true),
  fault: oneOf(true),
  cause,
  http,
  aws,
  annotations,
  metadata,
  subsegments: listOf(embedded),
};

const subsegmentShape: Shape = {
  ...nodeShape,
  namespace: oneOf('aws', 'remote'),
  sql,
  precursor_ids: listOf(id),
};

const requiredOfAll = ['id', 'name', 'start_time'];

const independent = shaped({ ...subsegmentShape, trace_id: traceId, type: oneOf('subsegment'), parent_id: id }, [
  ...requiredOfAll,
  'trace_id',
  'parent_id',
]);

const segment = shaped(
  {
    ...nodeShape,
    trace_id: traceId,
    parent_id: id,
    origin: text(250),
    user: text(250),
    resource_arn: text(),
    service: shaped({ version: text(), compiler: text(), compiler_version: text() }),
    links: listOf(shaped({ trace_id: traceId, id, attributes: object }, ['trace_id', 'id'])),
  },
  [...requiredOfAll, 'trace_id'],
);

/** Breaches of the rules in one document, parsed; empty when it is good. */
export function validateDocument(document: unknown): string[] {
  const violations: string[] = [];
  const report: Report = (path, what) => violations.push(`${path} ${what}`);
  if (!isFields(document)) return [`the document is not an object but ${describe(document)}`];
  (document.type === 'subsegment' ? independent : segment)(document, 'document', report);
  const seen = new Set<unknown>();
  validateTimes(document, 'document', seen, report);
  return violations;
}

export type ParsedDatagram = {
  /** undefined when the body is not JSON. */
  readonly document: Fields | undefined;
  readonly violations: readonly string[];
};

/** Takes a datagram apart and checks frame, text and document. */
export function validateDatagram(bytes: Buffer): ParsedDatagram {
  const violations: string[] = [];
  if (bytes.length > DATAGRAM_LIMIT_BYTES)
    violations.push(`the datagram has ${bytes.length} bytes, ${DATAGRAM_LIMIT_BYTES} fit`);
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) violations.push('the datagram is not UTF-8');
  const lineEnd = text.indexOf('\n');
  if (lineEnd < 0) return { document: undefined, violations: [...violations, 'the datagram has no header line'] };
  violations.push(...validateHeader(text.slice(0, lineEnd)));
  const body = text.slice(lineEnd + 1);
  if (/[\r\n]/.test(body)) violations.push('the document has line breaks outside of strings');
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch (error) {
    return {
      document: undefined,
      violations: [...violations, `the document is not JSON: ${(error as Error).message}`],
    };
  }
  violations.push(...validateDocument(document));
  if (!isFields(document)) return { document: undefined, violations };
  // The daemon's own log lines take the first id in the text for the document's.
  const first = /"id":"(.*?)"/.exec(body)?.[1];
  if (first !== document.id)
    violations.push(`the first id in the text is ${first}, not the document's own ${document.id}`);
  return { document, violations };
}

function validateHeader(line: string): string[] {
  try {
    const header = JSON.parse(line) as Fields;
    if (header.format === 'json' && header.version === 1) return [];
  } catch {}
  return [`the header line is not {"format":"json","version":1} but ${line.slice(0, 100)}`];
}

function validateTimes(node: Fields, path: string, seen: Set<unknown>, report: Report): void {
  const { id: nodeId, start_time: start, end_time: end } = node;
  if (seen.has(nodeId)) report(`${path}.id`, `${nodeId} is in this document twice`);
  seen.add(nodeId);
  if ('end_time' in node === 'in_progress' in node) report(path, 'has not exactly one of end_time and in_progress');
  if (typeof start === 'number' && typeof end === 'number' && end < start)
    report(path, `ends (${end}) before it starts (${start})`);
  if (!Array.isArray(node.subsegments)) return;
  for (const [index, child] of node.subsegments.entries()) {
    if (isFields(child)) validateTimes(child, `${path}.subsegments[${index}]`, seen, report);
  }
}

function describe(value: unknown): string {
  const json = JSON.stringify(value) ?? String(value);
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}
