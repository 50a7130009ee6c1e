import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempts } from '../../../../instrumentation/outgoing/aws/attempts.ts';
import type { CallScope, CallSpan } from '../../../../instrumentation/outgoing/call-scope.ts';

const span = (name: string) => ({ name }) as CallSpan;
const scope = (mayResume: boolean) => ({ resumeCall: () => mayResume }) as unknown as CallScope;

test('a further try goes on with the span of the former, once', () => {
  const first = span('first');
  attempts.await({ callId: 'a', number: 1, isLast: false }, { span: first, scope: scope(true) });
  assert.equal(attempts.resume({ callId: 'b', number: 2, isLast: false }), undefined);
  assert.equal(attempts.resume({ callId: 'a', number: 2, isLast: false }), first);
  assert.equal(attempts.resume({ callId: 'a', number: 3, isLast: true }), undefined);
  assert.equal(attempts.resume(undefined), undefined);
});

test('a span that has left already is not taken back', () => {
  attempts.await({ callId: 'c', number: 1, isLast: false }, { span: span('gone'), scope: scope(false) });
  assert.equal(attempts.resume({ callId: 'c', number: 2, isLast: false }), undefined);
});

test('calls that are given up are forgotten, the oldest first', () => {
  for (let at = 0; at < 300; at++) {
    attempts.await({ callId: `call-${at}`, number: 1, isLast: false }, { span: span(`${at}`), scope: scope(true) });
  }
  assert.equal(attempts.resume({ callId: 'call-0', number: 2, isLast: false }), undefined);
  assert.equal(attempts.resume({ callId: 'call-299', number: 2, isLast: false })?.name, '299');
});
