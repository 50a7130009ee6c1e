import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { errorsPage } from '../../layer/docs-errors.ts';
import { type ErrorEntry, errorTable } from '../../runtime/error-table.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');

test('docs/errors.md is what the table gives: run `node layer/docs-errors.ts > docs/errors.md` after a change', () => {
  assert.equal(page, errorsPage());
});

test('every code of the table is documented once, and the page has no other', () => {
  const documented = [...page.matchAll(/^### (SS_\w+)$/gm)].map(([, code]) => code);
  const codes = Object.values<ErrorEntry>(errorTable).map(({ code }) => code);
  assert.deepEqual(documented.toSorted(), codes.toSorted());
});
