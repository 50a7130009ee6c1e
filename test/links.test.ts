// What the texts of the project point to is there: links and anchors of every page, and every file of ours that is named anywhere.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..');
const folders = 'api,bootstrap,docs,examples,instrumentation,layer,local,runtime,test';
const files = globSync([`{${folders}}/**/*.{md,ts,mjs,cjs,sh}`, '*.{md,sh}'], {
  cwd: root,
  exclude: ['**/node_modules/**'],
});
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');
const pages = files.filter((file) => file.endsWith('.md'));

/** As GitHub makes them of headings. */
const anchorsOf = (page: string): Set<string> =>
  new Set(
    read(page)
      .split('\n')
      .filter((line) => /^#+ /.test(line))
      .map((line) =>
        line
          .replace(/^#+ /, '')
          .toLowerCase()
          .replace(/[^\p{L}\p{N}\s_-]/gu, '')
          .replace(/\s/g, '-'),
      ),
  );

test('there is something to look at', () => {
  assert.ok(pages.length > 20 && files.length > 500);
});

for (const page of pages) {
  test(`the links of ${page}`, () => {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? page : path.join(path.dirname(page), file);
      assert.ok(existsSync(path.join(root, linked)), `${target}: there is no ${linked}`);
      if (anchor !== undefined) assert.ok(anchorsOf(linked).has(anchor), `${target}: no such heading`);
    }
  });
}

/** Paths from the root that stand in a text, as in "see docs/errors.md". Those in imports are the compiler's affair. */
const NAMED =
  /(?<![\w./@-])(?:test|local|layer|bootstrap|runtime|instrumentation|docs|examples)\/[\w/.-]+\.(?:ts|md|svg|json|mjs|cjs)\b/g;
/** Made up by tests. */
const INVENTED = new Set(['runtime/a.ts', 'runtime/b.ts', 'runtime/index.mjs', 'test/layer/stand-ins/no-such-file.ts']);

test('files of ours that are named are there', () => {
  const missing = files.flatMap((file) =>
    [...read(file).matchAll(NAMED)]
      .map(([named]) => named)
      .filter((named) => !INVENTED.has(named) && !existsSync(path.join(root, named)))
      .map((named) => `${file}: ${named}`),
  );
  assert.deepEqual(missing, []);
});
