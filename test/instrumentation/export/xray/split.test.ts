import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildTrees } from '../../../../instrumentation/export/xray/document.ts';
import { DOCUMENT_MAX_BYTES, splitDocuments } from '../../../../instrumentation/export/xray/split.ts';
import { buildSpan, nextSpanId } from '../../span-builder.ts';
import { allOf, type Drawing, type Drawn, draw, drawOne, noLimits, placement } from './drawing.ts';

const { invocationSpanId, parentId } = placement;
const root = () => buildSpan({ id: invocationSpanId, parent: placement.serverSpanId, name: 'Invocation' });

function assertComplete({ documents, texts }: Drawing, ids: readonly string[], capBytes: number): void {
  for (const text of texts) assert.ok(Buffer.byteLength(text) <= capBytes, `${Buffer.byteLength(text)} bytes`);
  const drawn = allOf(documents);
  assert.deepEqual(drawn.map(({ id }) => id).sort(), [...ids].sort());
  const known = new Set([...ids, parentId]);
  for (const { parent_id } of documents) assert.ok(known.has(parent_id!), `${parent_id} is nowhere`);
}

test('three thousand children: whole, in documents below the cap', () => {
  const spans = [root()];
  for (let index = 0; index < 3000; index += 1)
    spans.push(buildSpan({ parent: invocationSpanId, name: `step ${index}` }));
  const drawing = draw(spans);
  assertComplete(
    drawing,
    spans.map((span) => span.spanContext().spanId),
    64_000,
  );
  assert.ok(Buffer.byteLength(drawing.texts[0]!) > 63_000, 'the first document is not full');
});

test('a chain of ten thousand levels gives full documents, not one per level', () => {
  const spans = [root()];
  for (let index = 0; index < 10_000; index += 1) spans.push(buildSpan({ parent: spans.at(-1)!.spanContext().spanId }));
  const drawing = draw(spans);
  assertComplete(
    drawing,
    spans.map((span) => span.spanContext().spanId),
    64_000,
  );
  assert.ok(drawing.documents.length < 30, `${drawing.documents.length} documents`);
});

test('the largest branches go first, and only as many as must', () => {
  const branch = (size: number) => {
    const top = buildSpan({ parent: invocationSpanId, name: `branch ${size}` });
    const below = Array.from({ length: size }, () => buildSpan({ parent: top.spanContext().spanId }));
    return [top, ...below];
  };
  const { documents } = draw([root(), ...branch(200), ...branch(400), ...branch(300), ...branch(10)], {
    limits: { ...noLimits, documentCapBytes: 64_000 },
  });
  assert.deepEqual(
    documents.map(({ name }) => name),
    ['Invocation', 'branch 400'],
  );
  assert.equal(documents[1]!.parent_id, invocationSpanId);
  assert.deepEqual(
    documents[0]!.subsegments!.map(({ name }) => name),
    ['branch 200', 'branch 300', 'branch 10'],
  );
});

test('a document at the cap stays whole, one byte less splits it', () => {
  const spans = () => {
    const child = (index: number) =>
      buildSpan({ id: `bb0000000000000${index}`, parent: invocationSpanId, name: 'é'.repeat(100) });
    return [root(), ...Array.from({ length: 9 }, (_, index) => child(index + 1))];
  };
  const whole = draw(spans()).texts;
  assert.equal(whole.length, 1);
  // The room kept for the mark of what is dropped.
  const bytes = Buffer.byteLength(whole[0]!) + ',"metadata":{"spanstrap":{"dropped_subsegments":99999999}}'.length;
  assert.equal(draw(spans(), { limits: { ...noLimits, documentCapBytes: bytes } }).texts.length, 1);
  assert.equal(draw(spans(), { limits: { ...noLimits, documentCapBytes: bytes - 1 } }).texts.length, 2);
});

test('beyond the documents it may add, the rest is dropped and counted in the first root', () => {
  const spans = [root(), buildSpan({ name: 'other root' })];
  for (let index = 0; index < 1000; index += 1)
    spans.push(buildSpan({ parent: invocationSpanId, name: `step ${index}` }));
  const { documents, droppedSpans, texts } = draw(spans, { limits: { ...noLimits, addedDocuments: 20 } });
  assert.equal(documents.length, 22);
  assert.equal(documents[1]!.name, 'other root');
  assert.equal(allOf(documents).length + droppedSpans, spans.length);
  assert.ok(droppedSpans > 0);
  assert.deepEqual(documents[0]!.metadata, { spanstrap: { dropped_subsegments: droppedSpans } });
  assert.ok(texts.every((text) => Buffer.byteLength(text) <= 64_000));
});

test('beyond the bytes of all together, the rest is dropped and counted, never a child without its parent', () => {
  const spans = [root()];
  for (let index = 0; index < 5000; index += 1) spans.push(buildSpan({ parent: spans.at(-1)!.spanContext().spanId }));
  const { documents, droppedSpans, texts } = draw(spans, { limits: { ...noLimits, totalBytes: 200_000 } });
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  assert.ok(bytes > 130_000 && bytes <= 200_100, `${bytes} bytes`);
  assert.equal(allOf(documents).length + droppedSpans, spans.length);
  const known = new Set([...allOf(documents).map(({ id }) => id), parentId]);
  for (const { parent_id } of documents) assert.ok(known.has(parent_id!));
});

test('the first document goes whatever the limits say', () => {
  const { documents, droppedSpans } = draw([root(), buildSpan()], {
    limits: { ...noLimits, totalBytes: 1, addedDocuments: 0 },
  });
  assert.deepEqual(
    documents.map(({ name }) => name),
    ['Invocation'],
  );
  assert.equal(droppedSpans, 1);
});

test('caps beyond what a datagram holds, or too small for anything, are brought into bounds', () => {
  const spans = () =>
    Array.from({ length: 2000 }, (_, index) => (index === 0 ? root() : buildSpan({ parent: invocationSpanId })));
  const largest = Math.max(
    ...draw(spans(), { limits: { ...noLimits, documentCapBytes: 1_000_000 } }).texts.map((text) =>
      Buffer.byteLength(text),
    ),
  );
  assert.ok(largest > DOCUMENT_MAX_BYTES - 500 && largest <= DOCUMENT_MAX_BYTES, `${largest} bytes`);
  const small = draw(spans(), { limits: { ...noLimits, documentCapBytes: 1 } }).texts;
  assert.ok(small.every((text) => Buffer.byteLength(text) <= 2048));
});

test('splitting again with a smaller cap leaves out what is a document already, and adds to the count of the dropped', () => {
  const spans = [root()];
  for (let index = 0; index < 1000; index += 1) {
    spans.push(buildSpan({ parent: invocationSpanId, name: `step ${index}` }));
  }
  const trees = buildTrees(spans, placement, 'phases', {
    annotations: { indexedAttributes: [], keepsDots: false },
    metadataCapBytes: 4096,
    workingDirectory: '/',
    liveErrorOf: undefined,
  });
  const first = splitDocuments(trees, { ...noLimits, addedDocuments: 20 });
  const again = splitDocuments([first.documents[0]!.root], {
    ...noLimits,
    documentCapBytes: 32_000,
    addedDocuments: 20,
  });
  assert.ok(again.documents.length === 21 && again.droppedSpans > 0);
  const parsed = [...first.documents.slice(1), ...again.documents].map(({ text }) => JSON.parse(text) as Drawn);
  const ids = allOf(parsed).map(({ id }) => id);
  const droppedSpans = first.droppedSpans + again.droppedSpans;
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length + droppedSpans, spans.length);
  const shrunkRoot = parsed.find(({ id }) => id === invocationSpanId);
  assert.deepEqual(shrunkRoot!.metadata, { spanstrap: { dropped_subsegments: droppedSpans } });
});

const shrunk = (attributes: Record<string, unknown>, extra: Parameters<typeof drawOne>[0] = {}, capBytes = 16_000) =>
  drawOne(
    { attributes, ...extra },
    {
      limits: { ...noLimits, documentCapBytes: capBytes },
      metadataCapBytes: 1_000_000,
      annotations: { indexedAttributes: 'all', keepsDots: false },
    },
  );

test('one node too large: a long query is cut to 4096 characters', () => {
  const drawn = shrunk({ 'db.system': 'mysql', 'db.statement': `SELECT ${'col, '.repeat(40_000)}` });
  assert.equal(drawn.sql!.sanitized_query!.length, 4096);
  assert.ok(drawn.sql!.sanitized_query!.endsWith('…'));
  assert.deepEqual(drawn.metadata, { spanstrap: { truncated: true } });
});

test('one node too large: frames beyond ten, then exceptions beyond three', () => {
  const exception = (frames: number) => ({
    name: 'exception',
    attributes: {
      'exception.message': 'm',
      'exception.stacktrace': `Error: m ${nextSpanId()}\n${Array.from({ length: frames }, (_, line) => `    at f${line} (/var/task/${'d/'.repeat(60)}a.js:${line}:1)`).join('\n')}`,
    },
  });
  const frames = shrunk({}, { events: [exception(500)] }, 8000);
  assert.ok(typeof frames.cause === 'object');
  assert.equal(frames.cause.exceptions[0]!.stack!.length, 10);
  assert.equal(frames.cause.exceptions[0]!.truncated, 490);

  const many = shrunk({}, { events: Array.from({ length: 9 }, () => exception(20)) }, 8000);
  assert.ok(typeof many.cause === 'object');
  assert.equal(many.cause.exceptions.length, 3);
  assert.equal(many.cause.exceptions[2]!.skipped, 6);
  assert.equal(many.cause.exceptions[0]!.truncated, 10);
});

test('one node too large: long messages are cut to 250 characters', () => {
  const events = Array.from({ length: 3 }, (_, index) => ({
    name: 'exception',
    attributes: { 'exception.message': `${index}${'m'.repeat(5000)}` },
  }));
  const drawn = shrunk({}, { events }, 8000);
  assert.ok(typeof drawn.cause === 'object');
  assert.deepEqual(
    drawn.cause.exceptions.map(({ message }) => message!.length),
    [250, 250, 250],
  );
});

test('one node too large: metadata values go, the largest first', () => {
  const drawn = drawOne(
    { attributes: { small: 'kept', large: 'x'.repeat(200_000) } },
    { limits: noLimits, metadataCapBytes: 1_000_000 },
  );
  assert.deepEqual(drawn.metadata, {
    default: { small: 'kept', large: '[dropped: 200000 bytes]' },
    spanstrap: { truncated: true },
  });
});

test('one node too large: annotations are cut, then go', () => {
  const attributes = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`key${index}`, 'é'.repeat(1000)]));
  const cut = shrunk(attributes, {}, 32_000);
  assert.equal(Object.keys(cut.annotations!).length, 50);
  assert.equal(String(cut.annotations!.key0).length, 250);
  const gone = shrunk(attributes, {}, 4000);
  assert.equal(gone.annotations, undefined);
  assert.deepEqual(gone.metadata, { spanstrap: { truncated: true } });
});

test('one node too large in every way still has its name and its times', () => {
  const drawn = shrunk(
    {
      'http.method': '𝒳'.repeat(300),
      'url.full': `http://h/${'𝒳'.repeat(300)}`,
      'user_agent.original': '𝒳'.repeat(300),
      'db.system': 'mysql',
      'db.statement': '𝒳'.repeat(300_000),
    },
    { name: '𝒳'.repeat(300) },
    1,
  );
  assert.equal(drawn.name, '𝒳'.repeat(200));
  assert.ok(drawn.end_time! >= drawn.start_time);
});
