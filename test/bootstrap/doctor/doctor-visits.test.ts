// When the doctor comes and what he says later: once everything, then the books when there were losses, and at the end.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDoctor } from '../../../bootstrap/doctor/open-doctor.ts';
import { reportText } from '../../../bootstrap/doctor/report-text.ts';
import { withDoctor } from '../../../bootstrap/doctor-visits.ts';
import { readSettings } from '../../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../../bootstrap/settings/settings-table.ts';
import { SpanAccount } from '../../../instrumentation/span-account.ts';
import type { TracingState } from '../../../instrumentation/tracing.ts';
import { unobserved } from '../../../runtime/lifecycle.ts';

test('after a flush and not before; what he throws is told and nothing else', async () => {
  const told: string[] = [];
  const observer = {
    ...unobserved,
    flush: async (): Promise<void> => {
      told.push('flush');
    },
  };
  const watched = withDoctor(
    observer,
    () => {
      told.push('open');
      return {
        visit(reason) {
          told.push(reason);
          if (reason === 'crash') throw new Error('no');
        },
      };
    },
    (message) => told.push(message),
  );
  watched.initEnded({ startedAt: 0, endedAt: 1, steps: [] });
  assert.deepEqual(told, []);
  await watched.flush('invocation', 0);
  await watched.flush('crash', 0);
  assert.deepEqual(told, [
    ...['flush', 'open', 'invocation', 'flush', 'crash'],
    'doctor could not finish its report: Error: no',
  ]);
});

function openWith(accounts: readonly SpanAccount[]) {
  const reports: string[] = [];
  const doctor = openDoctor({
    env: {},
    file: {},
    settings: readSettings(settingsTable, {}).settings,
    choice: undefined,
    inspect: (): TracingState => ({
      scope: undefined,
      delivery: { accounts, destinations: [], takeSeen: () => [] },
      initOwnMs: 1,
    }),
    steps: [{ name: 'node boot', startedAt: 0, endedAt: 40 }],
    require: { cache: {} },
    report: (message) => reports.push(message),
  });
  return { doctor, reports };
}

test('one report, then the books whenever more is lost, and at shutdown', () => {
  const account = new SpanAccount('otlp', { begun: 20, settled: 0, inFlight: 0 });
  const { doctor, reports } = openWith([account]);
  account.settle(4);
  doctor.visit('invocation', 2);
  assert.match(
    reports.splice(0).join('|'),
    /^doctor: a report .*\n {2}otlp {2}20 begun, 4 sent, none dropped, 0 resent, 16 waiting$/s,
  );
  doctor.visit('invocation', 2);
  assert.deepEqual(reports, []);
  account.drop('refused', 3);
  account.drop('memory', 1);
  account.resend(2);
  doctor.visit('invocation', 2);
  const books = 'doctor: otlp spans: 20 begun, 4 sent, refused 3, memory 1 dropped, 2 resent, 12 waiting';
  assert.deepEqual(reports.splice(0), [books]);
  doctor.visit('invocation', 2);
  assert.deepEqual(reports, []);
  doctor.visit('shutdown', 2);
  assert.deepEqual(reports, [books]);
});

test('chapters in columns, without the empty ones, and no text makes lines of its own', () => {
  const chapters = [
    [
      'one',
      [
        ['a', 'x'],
        ['long', 'y\n  forged  z'],
      ],
    ],
    ['empty', []],
  ] as const;
  assert.equal(reportText('title', chapters), 'title\none\n  a     x\n  long  y   forged  z');
});
