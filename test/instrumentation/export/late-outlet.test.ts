import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanBatch } from '../../../instrumentation/export/exporter.ts';
import { LateOutlet } from '../../../instrumentation/export/late-outlet.ts';
import { buildSpan } from '../span-builder.ts';

const batch = (name: string): SpanBatch => ({ spans: [buildSpan({ name })], xray: undefined, isSampledForOtlp: true });

function stand(problem?: Error) {
  const log: string[] = [];
  const outlet = new LateOutlet(() => {
    log.push('opened');
    if (problem !== undefined) throw problem;
    return {
      add: ({ spans }) => log.push(`add ${spans[0]?.name}`),
      flush: async (reason, deadlineEpochMs) => void log.push(`flush ${reason} ${deadlineEpochMs}`),
      open: () => log.push('exporters'),
    };
  });
  return { log, outlet };
}

test('it is opened by the first flush that has something, and gets what waited, in order', async () => {
  const { log, outlet } = stand();
  await outlet.flush('invocation', 1);
  assert.deepEqual(log, []);
  outlet.add(batch('a'));
  outlet.add(batch('b'));
  await outlet.flush('invocation', 2);
  outlet.add(batch('c'));
  await outlet.flush('shutdown', 3);
  assert.deepEqual(log, ['opened', 'add a', 'add b', 'flush invocation 2', 'add c', 'flush shutdown 3']);
});

test('opened ahead, it has its exporters', async () => {
  const { log, outlet } = stand();
  outlet.openAhead();
  outlet.add(batch('a'));
  await outlet.flush('invocation', 1);
  assert.deepEqual(log, ['opened', 'exporters', 'add a', 'flush invocation 1']);
});

test('one that cannot be opened keeps what waits: every flush tries again and says why', async () => {
  const { log, outlet } = stand(new Error('no such bundle'));
  outlet.openAhead();
  outlet.add(batch('a'));
  for (let n = 0; n < 2; n++) await assert.rejects(outlet.flush('invocation', 1), /no such bundle/);
  assert.deepEqual(log, ['opened', 'opened', 'opened']);
});
