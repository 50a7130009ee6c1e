// The project's own sources as text with their imports: for tests of how the parts depend on each other.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

export type Import = {
  /** As written. */
  readonly specifier: string;
  /** Path of one of the project's own files from the repository's root; undefined for a package or a part of Node. */
  readonly file: string | undefined;
  /** Gone when the types are stripped. */
  readonly isType: boolean;
};

export type SourceFile = {
  /** From the repository's root, with slashes. */
  readonly path: string;
  readonly text: string;
  /** The text without comments and without what stands in quotes. */
  readonly code: string;
  readonly lines: number;
  readonly imports: readonly Import[];
};

const root = join(import.meta.dirname, '../..');

/** All TypeScript and JavaScript files below these folders, but for fixtures. */
export function readSources(folders: readonly string[]): readonly SourceFile[] {
  const paths = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:ts|mjs|cjs|js)$/.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .filter((path) => !/(?:^|\/)(?:fixtures|node_modules)\//.test(path)),
  );
  return paths.sort().map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return {
      path,
      text,
      code: codeOf(text),
      lines: text.split('\n').length - 1,
      imports: importsOf(path, text),
    };
  });
}

/** Blanks comments, texts and regular expressions out. Good enough for Biome's formatting, which these files have. */
function codeOf(text: string): string {
  return text.replace(
    /\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    (found) => found.replace(/[^\n]/g, ' '),
  );
}

const STATIC = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /(typeof\s+)?\bimport\(\s*'([^']+)'\s*\)/g;

function importsOf(path: string, text: string): Import[] {
  return [...text.matchAll(STATIC), ...text.matchAll(DYNAMIC)].map(([, type, specifier]) => ({
    specifier: specifier!,
    file: specifier!.startsWith('.') ? normalize(join(dirname(path), specifier!)) : undefined,
    isType: type !== undefined,
  }));
}
