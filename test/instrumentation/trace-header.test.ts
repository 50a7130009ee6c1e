import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatTraceHeader,
  parseTraceHeader,
  rootOf,
  TRACE_HEADER_MAX_CHARS,
  withParent,
} from '../../instrumentation/trace-header.ts';

const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
const TRACE_ID = '65f1a2b30123456789abcdef01234567';
const PARENT = '53995c3f42cd8ad8';
const OTHER = 'aaaaaaaaaaaaaaa1';

const read = (text: string | undefined) => {
  const header = parseTraceHeader(text);
  return header && { root: header.root, parentId: header.parentId, sampled: header.sampled };
};

// The first rows are what OpenTelemetry's own X-Ray propagator agrees with, in other words and with other ids.
const accepted: readonly (readonly [string, string, ReturnType<typeof read>])[] = [
  ['sampled', `Root=${ROOT};Parent=${PARENT};Sampled=1`, { root: ROOT, parentId: PARENT, sampled: true }],
  ['not sampled', `Root=${ROOT};Parent=${PARENT};Sampled=0`, { root: ROOT, parentId: PARENT, sampled: false }],
  ['any order', `Sampled=1;Parent=${PARENT};Root=${ROOT}`, { root: ROOT, parentId: PARENT, sampled: true }],
  [
    'unknown keys',
    `Foo=Bar;Root=${ROOT};Parent=${PARENT};Sampled=1;Bar`,
    { root: ROOT, parentId: PARENT, sampled: true },
  ],
  ['Self in front', `Self=1-1-1;Root=${ROOT};Sampled=1`, { root: ROOT, parentId: undefined, sampled: true }],
  ['spaces', ` Root = ${ROOT} ;\tParent= ${PARENT};  Sampled =1 `, { root: ROOT, parentId: PARENT, sampled: true }],
  ['letter case of keys', `root=${ROOT};PARENT=${PARENT};sAmPled=1`, { root: ROOT, parentId: PARENT, sampled: true }],
  ['undecided', `Root=${ROOT};Parent=${PARENT};Sampled=?`, { root: ROOT, parentId: PARENT, sampled: undefined }],
  ['no decision', `Root=${ROOT};Parent=${PARENT}`, { root: ROOT, parentId: PARENT, sampled: undefined }],
  ['a long decision', `Root=${ROOT};Sampled=12345`, { root: ROOT, parentId: undefined, sampled: undefined }],
  ['an empty decision', `Root=${ROOT};Sampled=`, { root: ROOT, parentId: undefined, sampled: undefined }],
  ['Root alone', `Root=${ROOT}`, { root: ROOT, parentId: undefined, sampled: undefined }],
  [
    'Root and Lineage',
    `Root=${ROOT};Lineage=a87bd80c:1|68fd508a:5`,
    { root: ROOT, parentId: undefined, sampled: undefined },
  ],
  ['short Parent', `Root=${ROOT};Parent=abc;Sampled=1`, { root: ROOT, parentId: undefined, sampled: true }],
  ['zero Parent', `Root=${ROOT};Parent=${'0'.repeat(16)}`, { root: ROOT, parentId: undefined, sampled: undefined }],
  ['Parent not hex', `Root=${ROOT};Parent=53995c3f42cd8adg`, { root: ROOT, parentId: undefined, sampled: undefined }],
  [
    'repeated fields',
    `Root=1-0-0;Sampled=0;Root=${ROOT};Sampled=1`,
    { root: ROOT, parentId: undefined, sampled: true },
  ],
  ['empty fields', `;;Root=${ROOT};;=;Sampled=1;`, { root: ROOT, parentId: undefined, sampled: true }],
  [
    'an epoch of zero',
    'Root=1-00000000-0123456789abcdef01234567',
    {
      root: '1-00000000-0123456789abcdef01234567',
      parentId: undefined,
      sampled: undefined,
    },
  ],
];
for (const [what, text, expected] of accepted) {
  test(`reads a header: ${what}`, () => assert.deepEqual(read(text), expected));
}

const refused: readonly (readonly [string, string | undefined])[] = [
  ['nothing', undefined],
  ['empty text', ''],
  ['garbage', 'not a header'],
  ['Root without value', 'Root='],
  ['no Root', `Parent=${PARENT};Sampled=1`],
  ['version 2', `Root=2-65f1a2b3-0123456789abcdef01234567;Parent=${PARENT};Sampled=1`],
  ['a Root of 34 characters', `Root=${ROOT.slice(0, 34)};Parent=${PARENT}`],
  ['a Root of 36 characters', `Root=${ROOT}8;Parent=${PARENT}`],
  ['wrong delimiters', 'Root=1*65f1a2b3*0123456789abcdef01234567'],
  ['a Root of 35 characters with its dashes elsewhere', 'Root=1-65f1a2b30-123456789abcdef01234567'],
  ['a Root that is not hex', 'Root=1-65f1a2b3-0123456789abcdef0123456x'],
  ['an all-zero trace id', `Root=1-00000000-${'0'.repeat(24)};Parent=${PARENT}`],
  ['a line break', `Root=${ROOT};Foo=a\r\nX-Evil: 1`],
  ['a control character', `Root=${ROOT};Foo=\u0000`],
  ['letters beyond ASCII', `Root=${ROOT};Foo=ä`],
  ['over-long text', `Root=${ROOT};Foo=${'x'.repeat(TRACE_HEADER_MAX_CHARS)}`],
];
for (const [what, text] of refused) {
  test(`refuses a header: ${what}`, () => assert.equal(parseTraceHeader(text), undefined));
}

test('the ids come out in lower case, the Root as it was', () => {
  const root = ROOT.toUpperCase();
  const header = parseTraceHeader(`Root=${root};Parent=${PARENT.toUpperCase()}`);
  assert.equal(header?.root, root);
  assert.equal(header?.traceId, TRACE_ID);
  assert.equal(header?.parentId, PARENT);
});

test('a header of the greatest length is read', () => {
  const start = `Root=${ROOT};Foo=`;
  const text = start + 'x'.repeat(TRACE_HEADER_MAX_CHARS - start.length);
  assert.equal(parseTraceHeader(text)?.root, ROOT);
});

test('trace ids split and join', () => {
  assert.equal(rootOf(TRACE_ID), ROOT);
  assert.equal(formatTraceHeader(TRACE_ID, PARENT, false), `Root=${ROOT};Parent=${PARENT};Sampled=0`);
});

const rewritten: readonly (readonly [string, string, boolean | undefined, string])[] = [
  ['replaces Parent', `Root=${ROOT};Parent=${PARENT};Sampled=1`, undefined, `Root=${ROOT};Parent=${OTHER};Sampled=1`],
  ['replaces both', `Sampled=?;Parent=x;Root=${ROOT}`, true, `Sampled=1;Parent=${OTHER};Root=${ROOT}`],
  ['adds Parent after Root', `Root=${ROOT};Lineage=a:1`, undefined, `Root=${ROOT};Parent=${OTHER};Lineage=a:1`],
  ['adds both after Root', `Self=1;Root=${ROOT};L=1`, false, `Self=1;Root=${ROOT};Parent=${OTHER};Sampled=0;L=1`],
  ['adds Sampled', `Parent=x;Root=${ROOT}`, true, `Parent=${OTHER};Root=${ROOT};Sampled=1`],
  [
    'keeps odd fields',
    ` a ;;Root=${ROOT} ; = ;Lineage=x=y|z`,
    undefined,
    ` a ;;Root=${ROOT} ;Parent=${OTHER}; = ;Lineage=x=y|z`,
  ],
];
for (const [what, text, sampled, expected] of rewritten) {
  test(`withParent ${what}`, () => assert.equal(withParent(parseTraceHeader(text)!, OTHER, sampled), expected));
}

const hex = (chars: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${chars}}$`)).filter((id) => /[^0]/.test(id));
const blanks = fc.constantFrom('', ' ', '  ', '\t');
const fieldText = fc.stringMatching(/^[!-:<>-~]{1,20}$/);
const unknownField = fc
  .tuple(fieldText, fieldText)
  .filter(([key]) => !['root', 'parent', 'sampled'].includes(key.toLowerCase()))
  .map(([key, value]) => `${key}=${value}`);
const knownField = (key: string, value: string) =>
  fc
    .tuple(blanks, blanks, blanks, blanks, fc.constantFrom(key, key.toLowerCase(), key.toUpperCase()))
    .map(([a, b, c, d, name]) => `${a}${name}${b}=${c}${value}${d}`);

test('property: any order, spacing and unknown fields are read, and survive a new parent in their place', () => {
  const headers = fc
    .record({ epoch: hex(8), random: hex(24), parentId: hex(16), sampled: fc.constantFrom('0', '1', '?') })
    .chain((ids) => {
      const root = `1-${ids.epoch}-${ids.random}`;
      const known = fc.tuple(
        knownField('Root', root),
        knownField('Parent', ids.parentId),
        knownField('Sampled', ids.sampled),
      );
      return fc
        .tuple(known, fc.array(unknownField, { maxLength: 5 }))
        .chain(([fields, unknown]) =>
          fc.shuffledSubarray([...fields, ...unknown], { minLength: fields.length + unknown.length }),
        )
        .map((fields) => ({ ...ids, root, fields }));
    });
  fc.assert(
    fc.property(headers, hex(16), fc.boolean(), ({ root, parentId, sampled, fields }, newParent, newSampled) => {
      const header = parseTraceHeader(fields.join(';'))!;
      assert.equal(header.root, root);
      assert.equal(header.traceId, root.slice(2).replace('-', ''));
      assert.equal(header.parentId, parentId);
      assert.equal(header.sampled, sampled === '?' ? undefined : sampled === '1');

      const isField = (field: string, key: string): boolean => field.split('=')[0]!.trim().toLowerCase() === key;
      const expected = fields.map((field) => {
        if (isField(field, 'parent')) return `Parent=${newParent}`;
        return isField(field, 'sampled') ? `Sampled=${newSampled ? 1 : 0}` : field;
      });
      const text = withParent(header, newParent, newSampled);
      assert.deepEqual(text.split(';'), expected);
      assert.equal(parseTraceHeader(text)?.parentId, newParent);
    }),
  );
});

test('property: the form that Lambda writes is read as any other one, and gets a new parent as any other one', () => {
  const lineage = fc.option(fc.stringMatching(/^[\w:.|-]{0,30}$/), { nil: undefined });
  fc.assert(
    fc.property(
      hex(8),
      hex(24),
      hex(16),
      fc.boolean(),
      lineage,
      hex(16),
      (epoch, random, parent, sampled, rest, newParent) => {
        const text = `Root=1-${epoch}-${random};Parent=${parent};Sampled=${sampled ? 1 : 0}${rest === undefined ? '' : `;Lineage=${rest}`}`;
        const usual = parseTraceHeader(text)!;
        const unusual = parseTraceHeader(`${text};x=y`)!;
        assert.deepEqual({ ...usual, text: '' }, { ...unusual, text: '' });
        assert.equal(`${withParent(usual, newParent)};x=y`, withParent(unusual, newParent));
      },
    ),
  );
});

test('property: no text throws, and what is accepted may stand in an HTTP header', () => {
  const almost = fc
    .array(fc.constantFrom('Root=', ROOT, ';', '=', 'Parent', PARENT, 'Sampled=1', ' ', '\n', 'é', '-', '0'), {
      maxLength: 20,
    })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), almost), hex(16), (text, parent) => {
      const header = parseTraceHeader(text);
      if (header === undefined) return;
      assert.match(header.traceId, /^[0-9a-f]{32}$/);
      assert.match(withParent(header, parent), /^[\t -~]*$/);
    }),
  );
});
