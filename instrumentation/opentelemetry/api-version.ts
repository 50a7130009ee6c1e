// Finds out of which version a copy of `@opentelemetry/api` is: of a package from its package.json, of a bundle from its text. Asked
// when a function registers an SDK of its own, and never otherwise.

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CodePlace } from './api-globals.ts';

/** How far from the place the rest of the function may be, in characters. */
const NEIGHBOURHOOD = 1500;

const VERSION = String.raw`(1\.\d+\.\d+)`;
const QUOTE = '["\'`]';

export function findApiVersion({ file, line, column }: CodePlace): string | undefined {
  try {
    const path = file.startsWith('file:') ? fileURLToPath(file) : file;
    return versionOfPackage(path) ?? versionInText(readFileSync(path, 'utf8'), line, column);
  } catch {
    return undefined;
  }
}

function versionOfPackage(path: string): string | undefined {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (name === '@opentelemetry/api') return version;
      // A package.json below it only states a module type.
      if (name !== undefined) return undefined;
    } catch {}
  }
  return undefined;
}

/** `api.version !== VERSION` stands at the place; what the right side is stands before it somewhere. */
function versionInText(text: string, line: number, column: number): string | undefined {
  const lines = text.split('\n');
  const offset = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0) + column - 1;
  const near = text.slice(Math.max(0, offset - NEIGHBOURHOOD), offset + NEIGHBOURHOOD);
  const literal = new RegExp(`\\.version\\s*!==?\\s*${QUOTE}${VERSION}${QUOTE}`).exec(near)?.[1];
  if (literal !== undefined) return literal;
  const [, object, name] = /\.version\s*!==?\s*(?:([\w$]+)\.)?([\w$]+)/.exec(near.slice(-NEIGHBOURHOOD - 200)) ?? [];
  if (name === undefined) return undefined;
  const owner = object === undefined ? String.raw`(?<![\w$.])` : String.raw`[\w$]\.`;
  const assignment = new RegExp(`${owner}${name.replaceAll('$', '\\$')}\\s*=\\s*${QUOTE}${VERSION}${QUOTE}`, 'g');
  const before = [...text.matchAll(assignment)];
  // Bundles with several copies have several: the nearest one before the place is this copy's.
  return (before.findLast(({ index }) => index < offset) ?? before[0])?.[1];
}
