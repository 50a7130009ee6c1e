// The types of the npm package, as TypeScript projects of every kind see them.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../layer/command.ts';
import { makeFolder } from '../support/temporary-folder.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

const USE = `
  import spanstrap, { annotate, forEachRecord, withSpan } from 'spanstrap';
  annotate('tenant', 'acme');
  spanstrap.metadata('cart', { items: 3 }, 'shop');
  spanstrap.setRoute('/orders/{id}');
  export const price: number = withSpan('price', () => 7);
  export const shipped: Promise<string> = withSpan('ship', async (span) => {
    span.setAttribute('items', 3).addEvent('packed');
    return 'label';
  });
  export const lengths: Promise<number[]> = forEachRecord<{ messageId: string }, number>({}, (record) => record.messageId.length);
  // @ts-expect-error: no value of an annotation
  annotate('cart', {});
  // @ts-expect-error: there is nothing of that name
  spanstrap.unknown();`;

test('the code API has types for CommonJS and ES modules, however they are resolved', async (t) => {
  const names = ['use.ts', 'use.mts', 'use.cts'];
  const folder = makeFolder(t, Object.fromEntries(names.map((name) => [name, USE])));
  const installed = join(folder, 'node_modules/spanstrap');
  mkdirSync(installed, { recursive: true });
  for (const part of ['api', 'package.json']) cpSync(join(PROJECT, part), join(installed, part), { recursive: true });
  for (const [module, resolution] of [
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
    ['commonjs', 'bundler'],
  ] as const) {
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2022', '--types', ''];
    const kind = ['--module', module, '--moduleResolution', resolution];
    const tsc = join(PROJECT, 'node_modules/.bin/tsc');
    const { exitCode, stdout } = await runCommand([tsc, ...options, ...kind, ...names], { cwd: folder });
    assert.equal(exitCode, 0, `${module}: ${stdout}`);
  }
});
