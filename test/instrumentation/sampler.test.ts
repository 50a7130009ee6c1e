import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import { createTraceId } from '../../instrumentation/ids.ts';
import { createSampler, type SamplerName } from '../../instrumentation/sampler.ts';
import { fc } from '../support/property.ts';

const TRACE_ID = '5bef4de7ad49b0e87f6ef6c87fc2e700';
const decisions: readonly (readonly [SamplerName, number, root: boolean, sampled: boolean, unsampled: boolean])[] = [
  ['always_on', 0, true, true, true],
  ['always_off', 1, false, false, false],
  ['traceidratio', 1, true, true, true],
  ['traceidratio', 0, false, false, false],
  ['parentbased_always_on', 0, true, true, false],
  ['parentbased_always_off', 1, false, true, false],
  ['parentbased_traceidratio', 1, true, true, false],
  ['parentbased_traceidratio', 0, false, true, false],
];
for (const [name, ratio, root, sampled, unsampled] of decisions) {
  test(`${name} with ${ratio}, whatever X-Ray says`, () => {
    const sampler = createSampler(name, ratio);
    for (const xray of [true, false, undefined]) {
      assert.equal(sampler.isSampled(TRACE_ID, undefined, xray), root);
      assert.equal(sampler.isSampled(TRACE_ID, true, xray), sampled);
      assert.equal(sampler.isSampled(TRACE_ID, false, xray), unsampled);
    }
  });
}

test('xray takes X-Ray’s decision, whatever the parent says', () => {
  const sampler = createSampler('xray', 1);
  for (const parent of [true, false, undefined]) {
    assert.equal(sampler.isSampled(TRACE_ID, parent, true), true);
    assert.equal(sampler.isSampled(TRACE_ID, parent, false), false);
    assert.equal(sampler.isSampled(TRACE_ID, parent, undefined), false);
  }
});

const traceId = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 32, maxLength: 32 });
const ratio = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.constantFrom(0, 1, 0.5, Number.MIN_VALUE, 1 - Number.EPSILON),
);

test('the ratio decides as OpenTelemetry’s own sampler does', () => {
  fc.assert(
    fc.property(
      fc.oneof(traceId, fc.constantFrom('f'.repeat(32), `${'f'.repeat(8)}${'0'.repeat(24)}`)),
      ratio,
      (id, share) => {
        fc.pre(!/^0+$/.test(id));
        const { decision } = new TraceIdRatioBasedSampler(share).shouldSample(ROOT_CONTEXT, id);
        const expected = decision === SamplingDecision.RECORD_AND_SAMPLED;
        assert.equal(createSampler('traceidratio', share).isSampled(id, undefined, undefined), expected);
        assert.equal(createSampler('parentbased_traceidratio', share).isSampled(id, undefined, undefined), expected);
      },
    ),
    { numRuns: 2000 },
  );
});

test('the ratio holds for the ids that are made here', () => {
  const sampler = createSampler('traceidratio', 0.25);
  let sampled = 0;
  for (let i = 0; i < 20_000; i++) if (sampler.isSampled(createTraceId(), undefined, undefined)) sampled++;
  // Five standard deviations of 20 000 draws are 306.
  assert.ok(Math.abs(sampled - 5000) < 310, `${sampled}`);
});
