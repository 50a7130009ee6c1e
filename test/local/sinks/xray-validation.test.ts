// One breach of each rule at a time: the good document has none, and each mutation is named.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validateDatagram, validateDocument } from '../../../local/sinks/xray-validation.ts';

const HEADER = '{"format":"json","version":1}\n';

type Fields = Record<string, unknown>;

const child = (fields: Fields = {}): Fields => ({
  id: '0a1b2c3d4e5f6071',
  name: 'DynamoDB',
  namespace: 'aws',
  start_time: 1710334643.15,
  end_time: 1710334643.19,
  aws: { operation: 'GetItem', region: 'eu-west-1', table_name: 'orders', retries: 0 },
  http: { response: { status: 200, content_length: 181 } },
  ...fields,
});

const document = (fields: Fields = {}): Fields => ({
  id: '53995c3f42cd8ad8',
  trace_id: '1-65f1a2b3-0123456789abcdef01234567',
  type: 'subsegment',
  parent_id: '9f1e2d3c4b5a6978',
  name: 'Invocation',
  start_time: 1710334643.120001,
  end_time: 1710334643.3405,
  annotations: { tenant: 'acme', cold_start: true, weight: 1.5 },
  metadata: { default: { cart: { items: 3, gift: null } } },
  fault: true,
  cause: {
    working_directory: '/var/task',
    paths: ['/var/task/index.mjs'],
    exceptions: [
      {
        id: 'aaaaaaaaaaaaaaa1',
        type: 'Error',
        message: 'no',
        cause: 'aaaaaaaaaaaaaaa2',
        stack: [{ path: '/x', line: 6, label: 'f' }],
      },
      { id: 'aaaaaaaaaaaaaaa2', remote: true, truncated: 3, skipped: 1 },
    ],
  },
  subsegments: [
    child(),
    {
      id: '2a1b2c3d4e5f6071',
      name: 'shop@db.internal',
      namespace: 'remote',
      start_time: 1710334643.26,
      in_progress: true,
      cause: 'aaaaaaaaaaaaaaa1',
      sql: { url: 'postgresql://db:5432/shop', sanitized_query: 'SELECT 1', user: 'app', preparation: 'statement' },
    },
  ],
  ...fields,
});

const without = (fields: Fields, ...names: string[]): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));

test('good documents have no violations', () => {
  assert.deepEqual(validateDocument(document()), []);
  assert.deepEqual(validateDocument(document({ name: 'GET /ä b_.:/%&#=+-@' })), []);
  const segment = {
    id: '53995c3f42cd8ad8',
    trace_id: '1-65f1a2b3-0123456789abcdef01234567',
    name: 'orders',
    start_time: 1710334643,
    end_time: 1710334643,
    origin: 'AWS::Lambda::Function',
    service: { version: '1' },
    user: 'u',
    links: [{ trace_id: '1-65f1a2b3-0123456789abcdef01234567', id: '53995c3f42cd8ad8', attributes: {} }],
  };
  assert.deepEqual(validateDocument(segment), []);
});

const breaches: readonly (readonly [name: string, document: unknown, expected: RegExp])[] = [
  ['not an object', [1], /not an object/],
  ['unknown field', document({ kind: 'x' }), /document\.kind is not a field/],
  ['prototype field', document({ constructor: 'x' }), /document\.constructor is not a field/],
  ['missing name', without(document(), 'name'), /document\.name is missing/],
  ['missing trace id', without(document(), 'trace_id'), /document\.trace_id is missing/],
  ['missing parent of a subsegment', without(document(), 'parent_id'), /document\.parent_id is missing/],
  ['name with a tab', document({ name: 'a\tb' }), /document\.name .* is not a name/],
  ['name with a backslash', document({ name: 'a\\b' }), /document\.name .* is not a name/],
  ['empty name', document({ name: '' }), /document\.name .* is not a name/],
  ['long name', document({ name: 'a'.repeat(201) }), /document\.name .* is not a name/],
  ['name of a child', document({ subsegments: [child({ name: 'a?b' })] }), /subsegments\[0\]\.name .* is not a name/],
  ['upper-case id', document({ id: '53995C3F42CD8AD8' }), /document\.id .* is not an id/],
  ['zero id', document({ id: '0'.repeat(16) }), /document\.id .* is not an id/],
  ['OpenTelemetry trace id', document({ trace_id: '65f1a2b30123456789abcdef01234567' }), /is not a trace id/],
  ['both end and progress', document({ in_progress: true }), /exactly one of end_time and in_progress/],
  ['neither end nor progress', without(document(), 'end_time'), /exactly one of end_time and in_progress/],
  ['in_progress false', { ...without(document(), 'end_time'), in_progress: false }, /in_progress false is not one of/],
  ['ends before it starts', document({ end_time: 1710334643 }), /ends .* before it starts/],
  [
    'child ends before it starts',
    document({ subsegments: [child({ end_time: 1710334643.1 })] }),
    /subsegments\[0\] ends/,
  ],
  ['milliseconds', document({ end_time: 1710334643340 }), /not in epoch seconds/],
  ['before 2020', document({ start_time: 1 }), /not in epoch seconds/],
  ['nanoseconds', document({ end_time: 1710334643.1234567 }), /finer than microseconds/],
  ['time as text', document({ end_time: '1710334643.3' }), /document\.end_time .* is not a number/],
  ['null', document({ end_time: null }), /document\.end_time null is not a number/],
  ['null in aws', document({ aws: { retries: null } }), /document\.aws\.retries is null/],
  ['id twice', document({ subsegments: [child({ id: '53995c3f42cd8ad8' })] }), /in this document twice/],
  [
    'trace id inside',
    document({ subsegments: [child({ trace_id: '1-65f1a2b3-0123456789abcdef01234567' })] }),
    /subsegments\[0\]\.trace_id is not a field/,
  ],
  ['type inside', document({ subsegments: [child({ type: 'subsegment' })] }), /subsegments\[0\]\.type is not a field/],
  [
    'parent inside',
    document({ subsegments: [child({ parent_id: '9f1e2d3c4b5a6978' })] }),
    /subsegments\[0\]\.parent_id is not a field/,
  ],
  ['wrong namespace', document({ namespace: 'local' }), /document\.namespace .* is not one of/],
  ['false flag', document({ error: false }), /document\.error false is not one of/],
  ['annotation key', document({ annotations: { 'a.b': 1 } }), /annotations\.a\.b is not an annotation key/],
  ['annotation object', document({ annotations: { a: {} } }), /annotations\.a .* is not a string/],
  ['annotation null', document({ annotations: { a: null } }), /annotations\.a null is not a string/],
  ['long annotation', document({ annotations: { a: 'x'.repeat(1001) } }), /annotations\.a has 1001 characters/],
  [
    '51 annotations',
    document({ annotations: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`k${i}`, i])) }),
    /51 annotations/,
  ],
  ['flat metadata', document({ metadata: { default: 'x' } }), /metadata\.default .* is not an object/],
  ['reserved metadata', document({ metadata: { 'AWS.x': {} } }), /is reserved/],
  ['status as text', document({ http: { response: { status: '200' } } }), /status .* is not an integer/],
  ['long url', document({ http: { request: { url: 'x'.repeat(251) } } }), /url has 251 characters/],
  ['sql preparation', document({ sql: { preparation: 'prepared' } }), /preparation .* is not one of/],
  ['cause id', document({ cause: 'short' }), /document\.cause .* is not an id/],
  ['cause without folder', document({ cause: { exceptions: [] } }), /working_directory is missing/],
  [
    'exception without id',
    document({ cause: { working_directory: '/', exceptions: [{ message: 'x' }] } }),
    /exceptions\[0\]\.id is missing/,
  ],
  [
    'stack line',
    document({ cause: { working_directory: '/', exceptions: [{ id: 'aaaaaaaaaaaaaaa1', stack: [{ line: 'x' }] }] } }),
    /line .* is not an integer/,
  ],
  ['subsegments as object', document({ subsegments: {} }), /document\.subsegments .* is not a list/],
];

for (const [name, broken, expected] of breaches) {
  test(`finds: ${name}`, () => {
    const violations = validateDocument(broken);
    assert.equal(violations.length, 1, violations.join('\n'));
    assert.match(violations[0]!, expected);
  });
}

test('a datagram is a header line and a document', () => {
  const good = validateDatagram(Buffer.from(HEADER + JSON.stringify(document())));
  assert.deepEqual(good.violations, []);
  assert.equal(good.document?.name, 'Invocation');
});

const frames: readonly (readonly [name: string, bytes: Buffer, expected: RegExp])[] = [
  ['no header', Buffer.from(JSON.stringify(document())), /no header line/],
  ['wrong version', Buffer.from(`{"format":"json","version":2}\n${JSON.stringify(document())}`), /header line is not/],
  ['header that is no JSON', Buffer.from(`hello\n${JSON.stringify(document())}`), /header line is not/],
  ['body that is no JSON', Buffer.from(`${HEADER}{"id":`), /not JSON/],
  [
    'pretty-printed',
    Buffer.from(HEADER + JSON.stringify(document(), null, 1).replaceAll('"id": ', '"id":')),
    /line breaks/,
  ],
  [
    'a child before the id',
    Buffer.from(HEADER + JSON.stringify({ subsegments: [child()], ...without(document(), 'subsegments') })),
    /first id in the text/,
  ],
  [
    'not UTF-8',
    Buffer.concat([
      Buffer.from(HEADER + JSON.stringify(document()).slice(0, -1)),
      Buffer.from(',"user":"'),
      Buffer.from([0xff]),
      Buffer.from('"}'),
    ]),
    /not UTF-8/,
  ],
  [
    'too large',
    Buffer.from(HEADER + JSON.stringify(document({ metadata: { default: { x: 'x'.repeat(66_000) } } }))),
    /bytes, 65507 fit/,
  ],
];

for (const [name, bytes, expected] of frames) {
  test(`finds in a datagram: ${name}`, () => {
    assert.match(validateDatagram(bytes).violations.join('\n'), expected);
  });
}
