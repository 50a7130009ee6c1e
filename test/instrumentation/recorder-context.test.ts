// Where the context of an invocation comes from beside its event, and what of it is active in the handler.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { propagation } from '@opentelemetry/api';
import { spanOf } from '../../instrumentation/active-context.ts';
import { baggageOf } from '../../instrumentation/outgoing/propagation.ts';
import type { ContextExtractor } from '../../instrumentation/recording.ts';
import { createSampler } from '../../instrumentation/sampler.ts';
import {
  defaultRules,
  httpEvent,
  named,
  OTHER_TRACE,
  RecordingStand,
  ROOT,
  SAMPLED,
  sqsRecord,
  TRACE_ID,
  TRACEPARENT,
  UNSAMPLED,
  W3C_PARENT,
} from './recording-stand.ts';

const THIRD_TRACE = '11112222333344445555666677778888';
const THIRD_PARENT = '1111222233334444';
const thirdParty = (headers: Record<string, string> = {}): ContextExtractor => {
  const all: Record<string, string> = { traceparent: `00-${THIRD_TRACE}-${THIRD_PARENT}-01`, ...headers };
  return () => ({ get: (name) => all[name] });
};

/** The trace of the invocation, and who its parent is. */
async function placeOf(stand: RecordingStand): Promise<unknown[]> {
  const [server] = await stand.flush();
  return [server!.spanContext().traceId, server!.parentSpanContext?.spanId];
}

test('a user’s extractor comes before the event, and is asked with both', async () => {
  const stand = new RecordingStand();
  const event = httpEvent({ traceparent: TRACEPARENT });
  stand.recorder.useExtractor((seen, { requestId }) => {
    assert.deepEqual([seen, requestId], [event, 'r-1']);
    return thirdParty()(seen, stand.invocation());
  });
  stand.invoke({ event });
  assert.deepEqual(await placeOf(stand), [THIRD_TRACE, THIRD_PARENT]);
});

test('an extractor that finds nothing leaves it to the event', async () => {
  const stand = new RecordingStand();
  stand.recorder.useExtractor(() => undefined);
  stand.invoke({ event: httpEvent({ traceparent: TRACEPARENT }) });
  assert.deepEqual(await placeOf(stand), [OTHER_TRACE, W3C_PARENT]);
});

test('what an extractor finds is the parent of a message’s processing, too', async () => {
  const stand = new RecordingStand({ messagingContext: 'parent' });
  stand.recorder.useExtractor(thirdParty());
  stand.invoke({ event: { Records: [sqsRecord('m-1', TRACEPARENT)] } });
  const spans = await stand.flush();
  assert.equal(named(spans, 'orders').parentSpanContext?.spanId, THIRD_PARENT);
  assert.equal(named(spans, 'process order-queue').links[0]?.context.spanId, W3C_PARENT);
});

test('W3C headers of the platform: after the event’s own, before X-Ray; user code sees ours', async () => {
  const traceContext = {
    traceparent: `00-${THIRD_TRACE}-${THIRD_PARENT}-01`,
    tracestate: 'a=b',
    baggage: 'tenant=acme',
  };
  const alone = new RecordingStand();
  let baggage = '';
  const observation = alone.invoke({
    traceContext,
    handler: () => {
      baggage = baggageOf(alone.active.active());
    },
  });
  const spans = await alone.flush();
  assert.equal(named(spans, 'orders').parentSpanContext?.spanId, THIRD_PARENT);
  assert.deepEqual(observation.traceContext, {
    traceparent: `00-${THIRD_TRACE}-${named(spans, 'Invocation').spanContext().spanId}-01`,
    tracestate: 'a=b',
    baggage: 'tenant=acme',
  });
  assert.equal(baggage, 'tenant=acme');

  const both = new RecordingStand();
  both.invoke({ event: httpEvent({ traceparent: TRACEPARENT }), traceContext });
  assert.deepEqual(await placeOf(both), [OTHER_TRACE, W3C_PARENT]);
  assert.equal(new RecordingStand().invoke().traceContext, undefined);
});

test('baggage and tracestate are active in the handler, recorded or not', () => {
  for (const hasOtlp of [true, false]) {
    const stand = new RecordingStand({ hasOtlp });
    stand.invoke({
      traceHeader: UNSAMPLED,
      event: httpEvent({ traceparent: TRACEPARENT, tracestate: 'congo=t61rcWkgMzE', baggage: 'tenant=acme' }),
      handler: () => {
        const active = stand.active.active();
        assert.equal(baggageOf(active), 'tenant=acme');
        assert.notEqual(propagation.getBaggage(active), undefined);
        assert.equal(spanOf(active)?.spanContext().traceState?.serialize(), 'congo=t61rcWkgMzE');
        assert.equal(spanOf(active)?.spanContext().traceId, OTHER_TRACE);
      },
    });
  }
});

test('every span of the invocation carries the caller’s tracestate and its flag of a random trace id', async () => {
  const stand = new RecordingStand();
  stand.invoke({ event: httpEvent({ traceparent: TRACEPARENT.replace(/01$/, '03'), tracestate: 'a=b' }) });
  for (const span of await stand.flush()) {
    assert.equal(span.spanContext().traceFlags, 3, span.name);
    assert.equal(span.spanContext().traceState?.serialize(), 'a=b', span.name);
  }
});

test('an invocation outside of Lambda’s trace does not hand on Lambda’s parent as its own', () => {
  const stand = new RecordingStand({ hasOtlp: false, contextRules: { ...defaultRules, formats: new Set() } });
  stand.invoke({
    traceHeader: UNSAMPLED,
    handler: () => assert.equal(spanOf(stand.active.active()), undefined),
  });
});

test('samplers that ask the parent: X-Ray’s yes counts where X-Ray is the parent, its no never does', async () => {
  const keep = { ...defaultRules, xrayParent: 'keep' } as const;
  for (const [name, traceHeader, isRecorded] of [
    ['parentbased_always_off', SAMPLED, true],
    ['parentbased_always_off', UNSAMPLED, false],
    ['parentbased_always_on', UNSAMPLED, true],
    ['xray', SAMPLED, true],
    ['xray', UNSAMPLED, false],
    ['xray', `Root=${ROOT}`, false],
  ] as const) {
    const stand = new RecordingStand({ hasXray: false, sampler: createSampler(name, 1), contextRules: keep });
    stand.invoke({ traceHeader });
    await stand.recorder.flush('invocation', 5);
    assert.equal(stand.batches.length > 0, isRecorded, `${name} ${traceHeader}`);
  }
});

test('a header with Root alone: its trace id, no parent, nothing for X-Ray', async () => {
  const stand = new RecordingStand();
  const observation = stand.invoke({ traceHeader: `Root=${ROOT};Lineage=1:a:0` });
  await stand.recorder.flush('invocation', 5);
  const [{ spans, xray } = assert.fail('nothing was recorded')] = stand.batches;
  assert.equal(xray, undefined);
  assert.equal(named(spans, 'orders').spanContext().traceId, TRACE_ID);
  assert.equal(named(spans, 'orders').parentSpanContext, undefined);
  assert.equal(observation.traceHeader, `Root=${ROOT};Lineage=1:a:0`);
  assert.equal(named(spans, 'orders').attributes['aws.xray.parent_id'], undefined);
});
