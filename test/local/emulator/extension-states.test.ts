// Registration and the states of one extension, without HTTP.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Extension, type ExtensionStep, Extensions } from '../../../local/emulator/extension-states.ts';
import type { Answer } from '../../../local/emulator/refusals.ts';

const ordinary = { externalNames: ['datadog-agent'], isConcurrent: false };

const body = (...events: string[]): string => JSON.stringify({ events });

function refusalOf(answer: Extension | Answer): string {
  assert.ok(!(answer instanceof Extension), 'was registered');
  assert.equal(answer.status, 403);
  const { errorType, errorMessage } = JSON.parse(String(answer.body)) as Record<string, string>;
  return `${errorType}: ${errorMessage}`;
}

function registered(answer: Extension | Answer): Extension {
  assert.ok(answer instanceof Extension, 'was refused');
  return answer;
}

test('a name that is no file of /opt/extensions makes an internal extension', () => {
  const extensions = new Extensions(ordinary);
  assert.equal(registered(extensions.register('spanstrap', body('INVOKE'))).kind, 'internal');
  assert.equal(registered(extensions.register('datadog-agent', body('INVOKE', 'SHUTDOWN'))).kind, 'external');
});

const refusals: readonly (readonly [what: string, name: string | undefined, body: string, expected: RegExp])[] = [
  ['no name', undefined, body(), /^Extension\.InvalidExtensionName/],
  ['empty name', '', body(), /^Extension\.InvalidExtensionName/],
  ['no JSON', 'x', 'events', /^InvalidRequestFormat/],
  ['no object', 'x', '3', /^InvalidRequestFormat/],
  ['events that are no list', 'x', '{"events":"INVOKE"}', /^InvalidRequestFormat/],
  ['configuration keys', 'x', '{"events":[],"configurationKeys":["a"]}', /^InvalidRequestFormat/],
  ['internal SHUTDOWN', 'x', body('INVOKE', 'SHUTDOWN'), /^Extension\.InvalidEventType/],
  ['unknown event', 'x', body('DEPLOY'), /^Extension\.InvalidEventType/],
];

for (const [what, name, given, expected] of refusals) {
  test(`refuses: ${what}`, () => {
    assert.match(refusalOf(new Extensions(ordinary).register(name, given)), expected);
  });
}

test('a name is taken once, ten names fit, and nobody comes after the first poll of the runtime', () => {
  const extensions = new Extensions(ordinary);
  registered(extensions.register('one', body()));
  assert.match(refusalOf(extensions.register('one', body())), /^Extension\.InvalidExtensionState.*already registered/);
  for (let count = 2; count <= 10; count++) registered(extensions.register(`extension ${count}`, body('INVOKE')));
  assert.match(
    refusalOf(extensions.register('eleven', body())),
    /^Extension\.TooManyExtensions: Extension limit \(10\) reached/,
  );
  extensions.close();
  assert.equal(
    refusalOf(extensions.register('late', body())),
    'Extension.RegistrationClosed: Extension registration closed already',
  );
});

test('with Managed Instances nobody gets INVOKE', () => {
  const extensions = new Extensions({ externalNames: ['agent'], isConcurrent: true });
  assert.match(refusalOf(extensions.register('internal', body('INVOKE'))), /^Extension\.InvalidEventType/);
  assert.match(refusalOf(extensions.register('agent', body('INVOKE'))), /^Extension\.InvalidEventType/);
  registered(extensions.register('internal', body()));
  registered(extensions.register('agent', body('SHUTDOWN')));
});

test('finds an extension by its identifier, and says what is wrong with one', () => {
  const extensions = new Extensions(ordinary);
  const extension = registered(extensions.register('x', body()));
  assert.equal(extensions.find(extension.id), extension);
  assert.match(refusalOf(extensions.find(undefined)), /^Extension\.MissingExtensionIdentifier/);
  assert.match(refusalOf(extensions.find('me')), /^Extension\.InvalidExtensionIdentifier/);
  assert.match(refusalOf(extensions.find(crypto.randomUUID())), /^Extension\.UnknownExtensionIdentifier/);
});

test('init is complete when every extension has polled, one without events included', () => {
  const extensions = new Extensions(ordinary);
  assert.equal(extensions.areReady, true);
  const withEvents = registered(extensions.register('a', body('INVOKE')));
  const without = registered(extensions.register('b', body()));
  assert.equal(extensions.areReady, false);
  withEvents.take('next');
  assert.equal(extensions.areReady, false);
  without.take('next');
  assert.equal(extensions.areReady, true);
  assert.deepEqual(
    extensions.invokeSubscribers.map(({ name }) => name),
    ['a'],
  );
});

const paths: readonly (readonly [steps: readonly ExtensionStep[], state: string, refusesLast: boolean])[] = [
  [['next'], 'Ready', false],
  [['next', 'next'], 'Ready', true],
  [['deliver'], 'Registered', true],
  [['next', 'deliver'], 'Running', false],
  [['next', 'deliver', 'next'], 'Ready', false],
  [['initError'], 'InitError', false],
  [['initError', 'initError'], 'InitError', false],
  [['initError', 'next'], 'InitError', true],
  [['next', 'initError'], 'Ready', true],
  [['exitError'], 'ExitError', false],
  [['next', 'exitError'], 'ExitError', false],
  [['next', 'deliver', 'exitError', 'exitError'], 'ExitError', false],
  [['next', 'deliver', 'exitError', 'next'], 'ExitError', true],
];

for (const [steps, state, refusesLast] of paths) {
  test(`Registered, ${steps.join(', ')}: ${state}${refusesLast ? ', the last one refused' : ''}`, () => {
    const extension = new Extension('x', 'internal', ['INVOKE']);
    const answers = steps.map((step) => extension.take(step));
    assert.equal(extension.state, state);
    assert.equal(answers.at(-1) !== undefined, refusesLast);
    assert.ok(answers.slice(0, -1).every((answer) => answer === undefined));
    if (refusesLast) {
      assert.match(
        String(answers.at(-1)?.body),
        /State transition from \w+ to \w+ failed for extension [0-9a-f-]{36}\. Error/,
      );
    }
  });
}
