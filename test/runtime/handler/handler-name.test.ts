import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHandlerName } from '../../../runtime/handler/handler-name.ts';
import { fc } from '../../support/property.ts';

for (const [full, folder, module, exportPath] of [
  ['index.handler', '', 'index', 'handler'],
  ['my.module.handler', '', 'my', 'module.handler'],
  ['lib/orders.api.create', 'lib/', 'orders', 'api.create'],
  ['a/b.c/d.e', 'a/b.c/', 'd', 'e'],
  ['/opt/x/index.handler', '/opt/x/', 'index', 'handler'],
  ['./index.handler', './', 'index', 'handler'],
  ['index/index.handler', 'index/', 'index', 'handler'],
  ['@scope/package.handler', '@scope/', 'package', 'handler'],
  ['index.', '', 'index', ''],
  ['.handler', '', '', 'handler'],
  ['lib/.handler', 'lib/', '', 'handler'],
  ['lib/index.handler//', 'lib/', 'index', 'handler'],
  ['index.größe', '', 'index', 'größe'],
] as const) {
  test(`P12: ${full}`, () => {
    assert.deepEqual(parseHandlerName(full), { full, folder, module, exportPath });
  });
}

for (const full of ['', 'index', 'lib/index', 'a.b/index', '/']) {
  test(`P12: ${JSON.stringify(full)} has no dot in its last element`, () => {
    assert.throws(() => parseHandlerName(full), { name: 'Runtime.MalformedHandlerName', message: 'Bad handler' });
  });
}

for (const full of ['../index.handler', 'a/../index.handler', 'index..handler', '..']) {
  test(`P11: ${full} would leave its folder`, () => {
    assert.throws(() => parseHandlerName(full), {
      name: 'Runtime.MalformedHandlerName',
      message: `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    });
  });
}

test('P12: the parts put together again are the whole, and the module has neither dot nor slash', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', 'é', '-') }), (full) => {
      fc.pre(!full.includes('..') && full.slice(full.lastIndexOf('/') + 1).includes('.'));
      const { folder, module, exportPath } = parseHandlerName(full);
      assert.equal(`${folder}${module}.${exportPath}`, full);
      assert.doesNotMatch(module, /[./]/);
      assert.match(folder, /^$|\/$/);
    }),
  );
});
