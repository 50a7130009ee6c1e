// What is inside the layer, by part, against the budgets. A budget that is exceeded fails the build.

import type { LayerFile, LayerPart } from './layer-tree.ts';
import { BuildError, bold, formatBytes, green, red } from './progress.ts';

export type SizeRow = {
  readonly part: string;
  readonly files: number;
  readonly bytes: number;
  readonly zippedBytes: number;
};

export type BudgetRow = { readonly name: string; readonly bytes: number; readonly budgetBytes: number };

export type SizeTable = {
  readonly rows: readonly SizeRow[];
  readonly total: SizeRow;
  readonly budgets: readonly BudgetRow[];
};

/** Zip: Lambda's limit for a direct upload. The others are spanstrap's own. Megabytes are decimal, the stricter reading. */
export const budgets = {
  zipBytes: 50_000_000,
  unpackedBytes: 150_000_000,
  /** JavaScript evaluated before the first `/next`: B14 of the budgets. */
  startScriptBytes: 100_000,
} as const;

const parts: readonly LayerPart[] = ['node', 'runtime', 'code cache', 'packages', 'licences'];

const startScripts: ReadonlySet<string> = new Set(['spanstrap/start.cjs', 'spanstrap/runtime.cjs']);

export type SizedFile = LayerFile & { readonly zippedBytes: number };

export const makeSizeTable = (files: readonly SizedFile[], zipBytes: number): SizeTable => {
  const sum = (name: string, some: readonly SizedFile[]): SizeRow => ({
    part: name,
    files: some.length,
    bytes: some.reduce((bytes, { contents }) => bytes + contents.length, 0),
    zippedBytes: some.reduce((bytes, { zippedBytes }) => bytes + zippedBytes, 0),
  });
  const total = sum('total', files);
  const startScriptBytes = sum(
    '',
    files.filter(({ path }) => startScripts.has(path)),
  ).bytes;
  return {
    rows: parts
      .map((part) =>
        sum(
          part,
          files.filter((file) => file.part === part),
        ),
      )
      .filter((row) => row.files > 0),
    total: { ...total, zippedBytes: zipBytes },
    budgets: [
      { name: 'zip', bytes: zipBytes, budgetBytes: budgets.zipBytes },
      { name: 'unpacked', bytes: total.bytes, budgetBytes: budgets.unpackedBytes },
      { name: 'script at start', bytes: startScriptBytes, budgetBytes: budgets.startScriptBytes },
    ],
  };
};

const formatRow = (part: string, files: string, bytes: string, zipped: string): string =>
  `  ${part.padEnd(16)}${files.padStart(6)}${bytes.padStart(12)}${zipped.padStart(12)}`;

export const formatSizeTable = (title: string, { rows, total, budgets }: SizeTable): string =>
  [
    bold(title),
    formatRow('', 'files', 'unpacked', 'zipped'),
    ...[...rows, total].map(({ part, files, bytes, zippedBytes }) =>
      formatRow(part, String(files), formatBytes(bytes), formatBytes(zippedBytes)),
    ),
    ...budgets.map(({ name, bytes, budgetBytes }) => {
      const verdict = bytes < budgetBytes ? green('ok') : red('over');
      return `  ${name.padEnd(16)}${formatBytes(bytes).padStart(10)} of ${formatBytes(budgetBytes)}  ${verdict}`;
    }),
  ].join('\n');

/** Throws a BuildError that names the budgets exceeded. */
export const checkBudgets = ({ budgets }: SizeTable): void => {
  const exceeded = budgets.filter(({ bytes, budgetBytes }) => bytes >= budgetBytes);
  if (exceeded.length === 0) return;
  const list = exceeded.map(({ name, bytes, budgetBytes }) => `${name} is ${bytes} bytes, budget ${budgetBytes}`);
  throw new BuildError(
    `the layer is over budget: ${list.join('; ')}`,
    'dist/metafile-*.json says what each source adds to a bundle: take the largest out, or load it later',
  );
};
