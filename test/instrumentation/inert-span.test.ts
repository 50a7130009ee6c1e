import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Span } from '@opentelemetry/api';
import { InertSpan } from '../../instrumentation/inert-span.ts';

test('an inert span takes everything, records nothing and keeps its ids', () => {
  const spanContext = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), traceFlags: 0 };
  const span: Span = new InertSpan(spanContext);
  const chained = span
    .setAttribute('a', 1)
    .setAttributes({ a: 1 })
    .addEvent('e')
    .addLink({ context: spanContext })
    .addLinks([])
    .setStatus({ code: 2 })
    .updateName('other');
  assert.equal(chained, span);
  span.recordException(new Error('x'));
  span.end();
  assert.equal(span.isRecording(), false);
  assert.equal(span.spanContext(), spanContext);
});
