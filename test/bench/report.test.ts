// Tables, the JSON object and the chart, over made-up figures.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { judge, readBudgets } from './budgets.ts';
import { drawChart, makeBars } from './chart.ts';
import { Figures } from './figures.ts';
import { type BenchResult, baseOf, describeResult, formatNumber, layOut, toJson } from './report.ts';
import { describeBriefly, putResults } from './results-document.ts';
import type { StoredResult } from './stored-result.ts';
import { makeCatalogue } from './variants.ts';

const { variants } = makeCatalogue({ layer: '/l', ric: { args: ['r.mjs'] }, peers: { folder: '/p' } });

function makeResult(): BenchResult {
  const figures = new Figures();
  figures.set('start.initMs', 'floor', [20, 21, 22]);
  figures.set('start.initMs', 'ric', [30, 31, 32]);
  figures.set('start.initMs', 'xray', [24, Number.NaN, 26]);
  figures.set('start.initMs', 'ric-sentry', [900, 930, 960]);
  figures.set('warm.p50Us', 'ric', [200, 210, 220]);
  figures.set('event.p50Us', 'ric, 6 MB in', [40_000.4]);
  return {
    date: '2026-01-31T10:00Z',
    node: '24.21.0',
    machine: { cpu: 'A & B <1>', cores: 2, memoryGib: 8, system: 'linux 6 x64', isPinned: true },
    loadAverage: 0.2,
    rounds: 3,
    memoryMb: 512,
    titles: Object.fromEntries(variants.map(({ name, title }) => [name, title])),
    figures,
    judgements: judge(figures, readBudgets()),
    skipped: [{ name: 'ric-lumigo', reason: 'the process ended with 1:\n  at x\nTypeError: no' }],
  };
}

const stored = (): StoredResult => JSON.parse(JSON.stringify(toJson(makeResult()))) as StoredResult;

test('numbers have three digits', () => {
  assert.deepEqual([0.1234, 1.005, 12.34, 123.4, 12_345.6, Number.NaN].map(formatNumber), [
    '0.12',
    '1.00',
    '12.3',
    '123',
    '12,346',
    '-',
  ]);
});

test('columns are as wide as their widest cell', () => {
  assert.equal(
    layOut([
      ['a', 'bb'],
      ['cccc', 'd'],
    ]),
    'a     bb\ncccc   d',
  );
});

test('the report names machine, variants with ratios, budgets, and what was left out with its reason', () => {
  const text = describeResult(makeResult(), variants);
  assert.match(text, /Node 24\.21\.0, A & B <1>, 2 cores/);
  assert.match(text, /spanstrap, X-Ray +25\.0 +0\.81/);
  assert.match(text, /6 MB in +40,000/);
  assert.match(text, /B1 +INIT, X-Ray, \/ floor +1\.19 .*over|B1 +INIT, X-Ray, \/ floor +1\.19 .*ok/);
  assert.match(text, /skipped: ric-lumigo: the process ended with 1: TypeError: no/);
});

test('like is compared with like', () => {
  assert.equal(baseOf('xray', 'ric'), 'ric');
  assert.equal(baseOf('xray-otlp-http', 'ric'), 'ric-http');
  assert.equal(baseOf('orders-compiled', 'ric'), 'orders-ric');
  assert.equal(baseOf('xray-otlp, 6 MB in', 'floor'), 'floor, 6 MB in');
});

suite('the JSON object', () => {
  test('values per round with null for a failed one, medians, ratios, budgets', () => {
    const json = JSON.parse(JSON.stringify(toJson(makeResult())));
    assert.deepEqual(json.values['start.initMs'].xray, [24, null, 26]);
    assert.deepEqual(json.medians['start.initMs'].xray, { median: 25, low: 24, high: 26, n: 2 });
    assert.equal(json.ratioToRic['start.initMs'].xray.n, 2);
    assert.equal(json.ratioToFloor['start.initMs'].floor.median, 1);
    assert.equal(json.ratioToFloor['warm.p50Us'].ric, undefined);
    assert.equal(json.budgets[0].id, 'B1');
  });

  test('figures survive it', () => {
    const { figures } = makeResult();
    const again = Figures.fromJSON(JSON.parse(JSON.stringify(figures)));
    assert.deepEqual(again.get('start.initMs', 'xray'), [24, Number.NaN, 26]);
    assert.deepEqual(again.names, figures.names);
  });
});

suite('the chart', () => {
  test('a bar for what was measured, shortest first', () => {
    const bars = makeBars(stored());
    assert.deepEqual(
      bars.map(({ label, ms, kind }) => [label, ms, kind]),
      [
        ['spanstrap, X-Ray', 25, 'ours'],
        ['aws-lambda-ric, untraced', 31, 'base'],
        ['aws-lambda-ric, Sentry', 930, 'other'],
      ],
    );
  });

  test('well-formed, within its frame, with machine and date, in two colour schemes', () => {
    const svg = drawChart(stored());
    const tags = [...svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)];
    const open: string[] = [];
    for (const [, isEnd, name, isEmpty] of tags) {
      if (isEnd === '/') assert.equal(open.pop(), name);
      else if (isEmpty !== '/') open.push(name!);
    }
    assert.deepEqual(open, []);
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!;
    for (const [, x, y, length, thickness] of svg.matchAll(
      /x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g,
    )) {
      assert.ok(Number(x) + Number(length) <= Number(width));
      assert.ok(Number(y) + Number(thickness) <= Number(height));
    }
    assert.match(svg, /A &#38; B &#60;1&#62;/);
    assert.match(svg, /2026-01-31/);
    assert.match(svg, /prefers-color-scheme: dark/);
  });
});

suite('results in a document', () => {
  const marked = '# P\n\n<!-- results: made by test/bench/chart.ts -->\nformer text\n<!-- end of results -->\n\nend\n';

  test('replace what stands between the marks and nothing else', () => {
    const once = putResults(marked, stored());
    assert.ok(once.startsWith('# P\n') && once.endsWith('<!-- end of results -->\n\nend\n'));
    assert.ok(!once.includes('former text'));
    assert.match(once, /\| spanstrap, X-Ray \| 25\.0 \| 0\.81 \|/);
    assert.equal(putResults(once, stored()), once);
  });

  test('without marks there is an error', () => {
    assert.throws(() => putResults('# P\n', stored()), /no place for results/);
  });

  test('the README has few columns, and names the budgets that are not met', () => {
    const brief = putResults(marked, stored(), describeBriefly);
    assert.match(brief, /\| spanstrap, X-Ray \| 25\.0 \| 0\.81 \|/);
    assert.doesNotMatch(brief, /budget \| measured/);
    const verdicts = stored().budgets.filter(({ measured }) => measured.median !== undefined);
    assert.match(brief, new RegExp(`of the project's ${verdicts.length} performance budgets were met`));
  });

  for (const name of ['docs/performance.md', 'README.md']) {
    test(`${name} has the marks`, () => {
      const document = readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
      assert.doesNotThrow(() => putResults(document, stored()));
    });
  }
});
