// `spanstrap doctor`: mistakes, what it finds in a log, and the report of a function on the built layer.

import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { runCli } from '../../local/cli.ts';
import { ownTexts } from '../../local/doctor-command.ts';
import { LAYER_FOLDER } from '../support/built-layer.ts';
import { makeFolder } from '../support/temporary-folder.ts';

const otherLayer = path.join(import.meta.dirname, '../fixtures/emulator/layer');

async function doctor(
  ...argv: string[]
): Promise<{ readonly code: number; readonly out: string; readonly error: string }> {
  let [out, error] = ['', ''];
  const code = await runCli(['doctor', ...argv], {
    out: (text) => {
      out += text;
    },
    error: (text) => {
      error += text;
    },
    readInput: () => Promise.resolve(''),
    columns: 80,
    isColored: false,
  });
  return { code, out, error };
}

const makeFunction = (t: TestContext): string =>
  makeFolder(t, {
    'index.mjs': 'export const handler = async ({ fail }) => { if (fail) throw new Error("no"); return "ok"; };',
  });

test('the report, and what else the runtime had to say', async (t) => {
  const dir = makeFunction(t);
  const { code, out, error } = await doctor(
    '--dir',
    dir,
    '--layer',
    LAYER_FOLDER,
    '--env',
    'SPANSTRAP_FLUSH_MODE=snyc',
  );
  assert.deepEqual([code, error], [0, '']);
  assert.match(out, /^doctor: a report .*\nversions\n {2}spanstrap /);
  assert.match(out, /\n {2}X-Ray +on: daemon at .*; \d+ spans delivered/);
  assert.match(out, /\n {2}OTLP +off: OTEL_EXPORTER_OTLP_ENDPOINT is not set\n/);
  assert.match(out, /\nSPANSTRAP_FLUSH_MODE is "snyc", which is not /);
  assert.match(out, /\ndoctor: xray spans: (\d+) begun, \1 sent/);
});

test('an init that fails, and is tried again by Lambda, is reported once', async (t) => {
  const dir = makeFunction(t);
  const { code, out } = await doctor('--dir', dir, '--layer', LAYER_FOLDER, '--handler', 'nowhere.handler');
  assert.equal(code, 1);
  assert.equal(out.split('doctor: a report').length, 2, out);
  assert.match(out, /\nthe function failed \(init-error\): .*Cannot find module 'nowhere'/);
});

test('--json: one object; a function that fails: exit code 1, with its error', async (t) => {
  const dir = makeFunction(t);
  const { code, out } = await doctor('--dir', dir, '--layer', LAYER_FOLDER, '--json', '--event', '{"fail":true}');
  assert.equal(code, 1);
  const object = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual(Object.keys(object), ['status', 'error', 'report', 'lines', 'logs']);
  assert.equal((object.error as { errorMessage: string }).errorMessage, 'no');
  assert.match(object.report as string, /^doctor: a report /);
});

test('mistakes are told as those of other commands', async (t) => {
  const dir = makeFunction(t);
  const cases: readonly (readonly [argv: readonly string[], message: RegExp])[] = [
    [['--bogus'], /Unknown option '--bogus'\ntry: spanstrap doctor --help\n$/],
    [['--dir', '/nowhere'], /--dir \/nowhere is not a folder/],
    [['--dir', dir, '--layer', dir], /there is no layer at/],
    [
      ['--dir', dir, '--layer', LAYER_FOLDER, '--memory', 'much'],
      /--memory much is not a number.*\ntry: spanstrap doctor/,
    ],
    [['--dir', dir, '--layer', otherLayer], /the function’s log has no report\ntry: a layer of this version/],
    [['--dir', dir, '--layer', LAYER_FOLDER, '--env', 'SPANSTRAP_LOG_LEVEL=error'], /the function’s log has no report/],
  ];
  for (const [argv, message] of cases) {
    const { code, out, error } = await doctor(...argv);
    assert.deepEqual([code, out], [2, ''], argv.join(' '));
    assert.match(error, message);
  }
  assert.match((await doctor('--help')).out, /Usage: spanstrap doctor/);
});

test('the runtime’s own lines in both log formats, and no others', () => {
  assert.deepEqual(
    ownTexts([
      '2024-01-01T00:00:00.000Z\tr-1\tWARN\tspanstrap: one\rtwo',
      '2024-01-01T00:00:00.000Z\tr-1\tWARN\tanother: no',
      '{"level":"WARN","source":"spanstrap","message":"three\\nfour"}',
      '{"level":"WARN","message":"no"}',
      '{ no JSON',
      'null',
    ]),
    ['one\ntwo', 'three\nfour'],
  );
});
