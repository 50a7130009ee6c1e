// docs/outgoing-calls.md names what the sources write.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BODY_NAMES } from '../../../instrumentation/outgoing/aws/aws-resources.ts';
import { readSources } from '../../support/source-files.ts';

const page = readFileSync(new URL('../../../docs/outgoing-calls.md', import.meta.url), 'utf8');

/** What looks like a key of an attribute and is something else: values, names of channels. */
const OTHERS = /^aws\.(?:bedrock|dynamodb|eventbridge|kinesis|sns)$|^http\.client\./;

test('every attribute that an outgoing call can have stands in the page', () => {
  const files = readSources(['instrumentation']).filter(({ path }) => path.startsWith('instrumentation/outgoing/'));
  assert.ok(files.length > 30);
  const names = files.flatMap(({ text }) =>
    [
      ...text.matchAll(
        /'((?:spanstrap|aws|db|http|rpc|network|server|messaging|faas|gen_ai|cloud|url)\.[a-z0-9_.]+)'/g,
      ),
    ].map(([, name]) => name!),
  );
  assert.ok(names.length > 50);
  const missing = new Set(names.filter((name) => !OTHERS.test(name) && !page.includes(`\`${name}\``)));
  assert.deepEqual([...missing].sort(), []);
});

test('so does every field that is read in a body', () => {
  for (const name of BODY_NAMES) assert.ok(page.toLowerCase().includes(`\`${name.toLowerCase()}\``), name);
});
