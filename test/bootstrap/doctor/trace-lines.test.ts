// What the report says of the header that came, of the decisions and of the parent.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TraceFacts, traceLines } from '../../../bootstrap/doctor/trace-lines.ts';
import {
  httpEvent,
  PARENT,
  RecordingStand,
  SAMPLED,
  TRACE_ID,
  TRACEPARENT,
  UNSAMPLED,
  W3C_PARENT,
} from '../../instrumentation/recording-stand.ts';

const choice = { xrayMode: 'phases', hasOpenTelemetry: true, xrayParent: 'root' } as const;
const settings: TraceFacts['settings'] = {
  sampler: 'always_on',
  samplerRatio: 1,
  keepRules: undefined,
  dropsWarmUps: false,
};

function lines(invocation: Parameters<RecordingStand['invoke']>[0], stand = new RecordingStand()): Map<string, string> {
  return new Map(traceLines({ settings, choice, scope: stand.invoke(invocation).scope }));
}

test('sampled: both record it, below the header’s trace', () => {
  const found = lines({ traceHeader: SAMPLED });
  assert.deepEqual(Object.fromEntries(found), {
    header: SAMPLED,
    'X-Ray': 'recorded: the header says Sampled=1',
    OTLP: 'recorded: OTEL_TRACES_SAMPLER is always_on',
    event: 'direct',
    'trace id': TRACE_ID,
    parent: "none, in the header's trace (SPANSTRAP_OTLP_XRAY_PARENT: root)",
  });
});

test('not sampled by X-Ray: why, and OTLP has it all the same', () => {
  const found = lines({ traceHeader: UNSAMPLED });
  assert.match(found.get('X-Ray')!, /^not recorded: the header says Sampled=0 \(Active tracing is off/);
  assert.match(found.get('OTLP')!, /^recorded/);
});

test('no header, and one that cannot be read', () => {
  const without = lines({ traceHeader: undefined });
  assert.match(without.get('header')!, /^none/);
  assert.match(without.get('X-Ray')!, /^not recorded: without a header/);
  assert.match(without.get('parent')!, /^none, in a new trace/);
  assert.equal(lines({ traceHeader: 'nonsense' }).get('header'), 'unreadable: nonsense');
});

test('a caller’s context leads; the header’s trace is linked to', () => {
  const found = lines({ event: httpEvent({ traceparent: TRACEPARENT }) });
  assert.equal(found.get('parent'), `${W3C_PARENT}, from the context that came with the event; 1 other is linked to`);
});

test('X-Ray’s segment as the parent', () => {
  const contextRules = { formats: new Set(['xray'] as const), xrayParent: 'keep', readForeign: undefined } as const;
  const found = lines({}, new RecordingStand({ contextRules }));
  assert.match(found.get('parent')!, new RegExp(`^${PARENT}, X-Ray's segment that the header names`));
});

test('nobody wants it: no parent is made up', () => {
  const stand = new RecordingStand({ sampler: { isSampled: () => false } });
  const { scope } = stand.invoke({ traceHeader: UNSAMPLED });
  const facts = { settings: { ...settings, sampler: 'traceidratio' as const, samplerRatio: 0.1 }, choice, scope };
  const found = traceLines(facts);
  assert.deepEqual(
    found.map(([label]) => label),
    ['header', 'X-Ray', 'OTLP'],
  );
  assert.equal(found[2]![1], 'not recorded: OTEL_TRACES_SAMPLER is traceidratio with 0.1');
});

const keepRules = { errors: true, cold: false, slowMs: 2000 };

test('F172: the rule that kept it, and the rules that did not', () => {
  const stand = new RecordingStand({ sampler: { isSampled: () => false }, keep: keepRules });
  const { scope } = stand.invoke({ traceHeader: UNSAMPLED });
  const facts = { settings: { ...settings, sampler: 'always_off' as const, keepRules }, choice, scope };
  const said = (): string | undefined => new Map(traceLines(facts)).get('OTLP');
  assert.equal(
    said(),
    'not recorded: OTEL_TRACES_SAMPLER is always_off, and it is nothing that SPANSTRAP_OTLP_KEEP keeps (errors,slow=2000ms)',
  );
  Object.assign(scope, { isSampledForOtlp: true, keptBecause: 'deadline' });
  assert.equal(said(), 'kept: it came near to its deadline (SPANSTRAP_OTLP_KEEP); OTEL_TRACES_SAMPLER is always_off');
});

test('several invocations at once, and no tracing at all', () => {
  assert.match(traceLines({ settings, choice, scope: undefined })[0]![1], /^not known/);
  assert.deepEqual(traceLines({ settings, choice: undefined, scope: undefined }), []);
});
