// The catalogue of variants: what is left out without which part, and that what is compared is started alike.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentOf } from './variant.ts';
import { makeCatalogue, type Parts } from './variants.ts';

const parts: Parts = { layer: '/layer', ric: { args: ['/ric/index.mjs'] }, peers: { folder: '/peers' } };
const namesOf = (given: Parts): string[] => makeCatalogue(given).variants.map(({ name }) => name);

test('names are unique', () => {
  const names = namesOf(parts);
  assert.equal(new Set(names).size, names.length);
});

test('without AWS’s client the floor and ours are left, and the reason is told', () => {
  const { variants, skipped } = makeCatalogue({
    ...parts,
    ric: { missing: 'there is no g++' },
    peers: { missing: 'no network' },
  });
  assert.deepEqual(
    variants.map(({ name }) => name),
    ['floor', 'floor-xray', 'floor-xray-otlp', 'untraced', 'xray', 'xray-otlp', 'xray-otlp-http'],
  );
  assert.deepEqual(
    skipped.map(({ reason }) => reason),
    ['there is no g++'],
  );
});

test('without the other tracers AWS’s client stays', () => {
  const { variants, skipped } = makeCatalogue({ ...parts, peers: { missing: 'npm ci failed' } });
  assert.ok(variants.some(({ name }) => name === 'ric'));
  assert.ok(!variants.some(({ group }) => group === 'peer'));
  assert.deepEqual(
    skipped.map(({ reason }) => reason),
    ['npm ci failed'],
  );
});

test('one Node and the same flags for all that are started without the bootstrap script', () => {
  const { variants } = makeCatalogue(parts);
  const flagsOf = (command: readonly string[]): string[] =>
    command.filter((part) => part.startsWith('--') && part !== '--expose-gc');
  const others = variants.filter(({ group }) => group !== 'ours');
  const [first] = others;
  for (const { name, command } of others) {
    assert.equal(command[0], '/layer/bin/node', name);
    assert.deepEqual(flagsOf(command), flagsOf(first!.command), name);
  }
});

test('only what is said to trace over OTLP gets an endpoint', () => {
  const addresses = { runtimeApi: '127.0.0.1:1', backend: '127.0.0.1:2', daemon: '127.0.0.1:3' };
  for (const variant of makeCatalogue(parts).variants) {
    const environment = environmentOf(variant, '/layer', addresses);
    assert.equal(environment.AWS_LAMBDA_RUNTIME_API, '127.0.0.1:1');
    assert.equal(environment.AWS_XRAY_DAEMON_ADDRESS, '127.0.0.1:3');
    if (variant.name === 'xray' || variant.name === 'untraced')
      assert.equal(environment.OTEL_EXPORTER_OTLP_ENDPOINT, undefined);
    if (variant.name === 'xray-otlp') assert.equal(environment.OTEL_EXPORTER_OTLP_ENDPOINT, 'http://127.0.0.1:2');
  }
});
