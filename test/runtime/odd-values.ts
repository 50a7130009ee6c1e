// Values that user code may throw or log, the odd ones above all: an arbitrary for property tests.

import vm from 'node:vm';
import fc from 'fast-check';

const boom = (): never => {
  throw new Error('looked at');
};

const throwingProxy = (): object =>
  new Proxy(
    new Error('inside'),
    Object.fromEntries(['get', 'has', 'ownKeys', 'getPrototypeOf'].map((trap) => [trap, boom])),
  );

const revokedProxy = (): object => {
  const { proxy, revoke } = Proxy.revocable(new Error('gone'), {});
  revoke();
  return proxy;
};

type Make = () => unknown;

const fixed = fc.constantFrom<Make[]>(
  () => null,
  () => undefined,
  () => Symbol('symbol'),
  () => 10n,
  () => Number.NaN,
  () => Object.create(null),
  () => Object.create(Error.prototype),
  () => vm.runInNewContext('new TypeError("other realm")'),
  () => vm.runInNewContext('Object.create(null)'),
  throwingProxy,
  revokedProxy,
  () => new Proxy(new Error('proxied'), {}),
  () => new Proxy(boom, { apply: boom }),
  () => new DOMException('dom', 'AbortError'),
  () => ({ toString: boom, valueOf: boom }),
  () => ({ toJSON: boom }),
  () => ({ [Symbol.toPrimitive]: boom, [Symbol.for('nodejs.util.inspect.custom')]: boom }),
  () => Object.assign(new Error('custom'), { [Symbol.for('nodejs.util.inspect.custom')]: boom, toJSON: boom }),
  () => {
    const error = new Error('cycle');
    return Object.assign(error, { self: error, cause: error });
  },
  () => new AggregateError([new Error('a'), 'b', null, revokedProxy()], 'aggregate'),
  () => class Thrown {},
  () => new Map([[{}, new Error('in a map')]]),
  () => ({ nested: [new Error('in an object'), { constructor: undefined }] }),
);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\x7f', '\ud800', 'line\nline', '    at fake (file.js:1:2)', 'ü€🙂', '\0\u2028"\\'),
);

/** What an error's name, message or stack may be instead of a text. */
const member: fc.Arbitrary<Make> = fc.oneof(
  { weight: 5, arbitrary: text.map((value) => () => value) },
  fc.constantFrom<Make[]>(
    () => undefined,
    () => null,
    () => 5,
    () => 10n,
    () => ({}),
    () => Symbol('s'),
    () => Object('boxed'),
    revokedProxy,
    boom,
  ),
);

const members = { name: member, message: member, stack: member, cause: member, errors: member, code: member };

const overridden = fc.record(members, { requiredKeys: [] }).map((made) => () => {
  const error = new Error('base');
  for (const [key, get] of Object.entries(made)) {
    const isEnumerable = key !== 'stack';
    Object.defineProperty(error, key, { get, configurable: true, enumerable: isEnumerable });
  }
  return error;
});

const duck = fc
  .record({ name: member, message: member, stack: member, constructor: member }, { requiredKeys: [] })
  .map((made) => () => {
    const object = {};
    for (const [key, get] of Object.entries(made)) Object.defineProperty(object, key, { get, enumerable: true });
    return object;
  });

const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withMap: true, withTypedArray: true });

/** Makes the value: the generator itself must not look at the hostile ones. */
export const oddValue: fc.Arbitrary<Make> = fc.oneof(
  { weight: 3, arbitrary: fixed },
  { weight: 4, arbitrary: overridden },
  { weight: 2, arbitrary: duck },
  { weight: 1, arbitrary: text.map((value) => () => value) },
  { weight: 2, arbitrary: anything.map((value) => () => value) },
);
