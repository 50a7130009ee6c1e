import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { allSettings } from '../../bootstrap/settings/all-settings.ts';
import { settingDocs, settingGroups } from '../../bootstrap/settings/settings-docs.ts';
import { documentedElsewhere, settingsPage } from '../../layer/docs-settings.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/settings.md'), 'utf8');

test('docs/settings.md is what the tables give: run `node layer/docs-settings.ts > docs/settings.md` after a change', () => {
  assert.equal(page, settingsPage());
});

test('every variable of every table stands in the page, and in one row', () => {
  for (const { env } of Object.values(allSettings)) {
    for (const variable of env) {
      const rows = page
        .split('\n')
        .filter((line) => new RegExp(`^\\|.*\`${variable}\`.*\\|`).test(line.split(' | ')[0]!));
      assert.ok(page.includes(`\`${variable}\``), variable);
      assert.ok(rows.length <= 1, variable);
    }
  }
  for (const variable of documentedElsewhere) assert.ok(page.includes(`\`${variable}\``), variable);
});

test('every setting has a text that is a sentence, and a group', () => {
  for (const [name, { group, text }] of Object.entries(settingDocs)) {
    assert.match(text, /^[A-Z`].*\.$/s, name);
    assert.ok(Object.hasOwn(settingGroups, group), name);
    assert.doesNotMatch(text, /[|\n]/, `${name}: the text stands in a table`);
  }
});
