// The bar chart of start times, and the tables of README.md and docs/performance.md, made from a result of `npm run bench -- --output`.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeBriefly, putResults } from './results-document.ts';
import type { StoredResult } from './stored-result.ts';

export type Bar = {
  readonly label: string;
  readonly ms: number;
  /** To the official client without tracing; undefined when that was not measured. */
  readonly ratio: number | undefined;
  readonly kind: 'ours' | 'base' | 'other';
};

const FIGURE = 'start.initMs';
const charted = [
  'xray',
  'xray-otlp',
  'ric',
  'ric-xray-sdk',
  'ric-lumigo',
  'ric-opentelemetry',
  'ric-datadog',
  'ric-adot-fast',
  'ric-adot',
  'ric-sentry',
] as const;
const kinds: Readonly<Record<string, Bar['kind']>> = { xray: 'ours', 'xray-otlp': 'ours', ric: 'base' };

/** Shortest first. */
export function makeBars({ titles, medians, ratioToRic }: StoredResult): Bar[] {
  return charted
    .flatMap((name): Bar[] => {
      const ms = medians[FIGURE]?.[name]?.median;
      if (ms === undefined) return [];
      const ratio = ratioToRic[FIGURE]?.[name]?.median;
      return [{ label: titles[name] ?? name, ms, ratio, kind: kinds[name] ?? 'other' }];
    })
    .sort((a, b) => a.ms - b.ms);
}

const WIDTH = 760;
const LABEL_WIDTH = 250;
const VALUE_WIDTH = 120;
const ROW_HEIGHT = 26;
const BAR_HEIGHT = 16;
const TOP = 52;
const BOTTOM = 44;

const escapeXml = (text: string): string => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const coordinate = (value: number): string => String(Number(value.toFixed(1)));

/**
 * Colours are readable on white and on black where the viewer tells the picture nothing, and are the better ones of each where it
 * does.
 */
const style = `
    text { font: 13px system-ui, sans-serif; fill: #59636e; }
    .title { font-size: 15px; font-weight: 600; }
    .note { font-size: 11px; }
    .ours { fill: #1a7f37; } .base { fill: #0969da; } .other { fill: #8c959f; }
    @media (prefers-color-scheme: dark) {
      text { fill: #b1bac4; }
      .ours { fill: #3fb950; } .base { fill: #58a6ff; } .other { fill: #6e7681; }
    }`;

/** A complete SVG document. */
export function drawChart(result: StoredResult): string {
  const bars = makeBars(result);
  const longest = Math.max(...bars.map(({ ms }) => ms), 1);
  const height = TOP + bars.length * ROW_HEIGHT + BOTTOM;
  const rows = bars.map(({ label, ms, ratio, kind }, row) => {
    const y = TOP + row * ROW_HEIGHT;
    const length = ((WIDTH - LABEL_WIDTH - VALUE_WIDTH) * ms) / longest;
    const value = `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms${ratio === undefined ? '' : ` · ${ratio.toFixed(2)}×`}`;
    const textY = coordinate(y + BAR_HEIGHT - 3);
    return [
      `  <text x="${LABEL_WIDTH - 10}" y="${textY}" text-anchor="end">${escapeXml(label)}</text>`,
      `  <rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${coordinate(Math.max(length, 1))}" height="${BAR_HEIGHT}" rx="2"/>`,
      `  <text x="${coordinate(LABEL_WIDTH + length + 8)}" y="${textY}">${escapeXml(value)}</text>`,
    ].join('\n');
  });
  const title = 'Start to the first poll of the Runtime API';
  const { machine, node, rounds, date } = result;
  const notes = [
    `Trivial handler, Node ${node}, medians of ${rounds} interleaved starts; × is the ratio to aws-lambda-ric without tracing.`,
    `${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, ${machine.system}. Not Lambda's own milliseconds.`,
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `  <title>${title}</title>`,
    `  <desc>${escapeXml(bars.map(({ label, ms }) => `${label}: ${ms.toFixed(1)} ms`).join('; '))}</desc>`,
    `  <style>${style}\n  </style>`,
    `  <text class="title" x="10" y="26">${title}</text>`,
    ...rows,
    ...notes.map((note, at) => `  <text class="note" x="10" y="${height - 24 + at * 16}">${escapeXml(note)}</text>`),
    '</svg>\n',
  ].join('\n');
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) {
    process.stderr.write(
      'failed: no result file was named\ntry: npm run bench -- --output result.json, then this with result.json\n',
    );
    process.exitCode = 2;
  } else {
    const result = JSON.parse(readFileSync(file, 'utf8')) as StoredResult;
    const docs = fileURLToPath(new URL('../../docs/', import.meta.url));
    writeFileSync(`${docs}start-time.svg`, drawChart(result));
    const document = `${docs}performance.md`;
    writeFileSync(document, putResults(readFileSync(document, 'utf8'), result));
    const readme = fileURLToPath(new URL('../../README.md', import.meta.url));
    writeFileSync(readme, putResults(readFileSync(readme, 'utf8'), result, describeBriefly));
    process.stdout.write('docs/start-time.svg, docs/performance.md and README.md are written\n');
  }
}
