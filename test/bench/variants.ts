// What is started and compared: the floor, our runtime in its modes, AWS's own client, and that client with tracers in it.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeTracerVariants } from './tracer-variants.ts';
import { callingBackend, MEMORY_MB, noVariables, type Skipped, sendingOtlp, type Variant } from './variant.ts';

export type Parts = {
  readonly layer: string;
  /** Arguments after `node`; or why there is no such client here. */
  readonly ric: { readonly args: readonly string[] } | { readonly missing: string };
  readonly peers: { readonly folder: string } | { readonly missing: string };
};

const FUNCTIONS = fileURLToPath(new URL('functions', import.meta.url));
const FLOOR = fileURLToPath(new URL('floor.cjs', import.meta.url));
const TRACED_FLOOR = fileURLToPath(new URL('floor-traced.cjs', import.meta.url));

/** Flags of the managed runtimes' own start at this memory size; both runtimes under test get the same. */
const managedFlags = [
  '--max-http-header-size',
  '81920',
  `--max-semi-space-size=${Math.floor(MEMORY_MB / 20)}`,
  `--max-old-space-size=${MEMORY_MB - Math.floor(MEMORY_MB / 10)}`,
];

export type Catalogue = { readonly variants: readonly Variant[]; readonly skipped: readonly Skipped[] };

/** Everything that can be run with these parts. */
export function makeCatalogue(parts: Parts): Catalogue {
  const { layer, ric, peers } = parts;
  const node = join(layer, 'bin/node');
  const skipped: Skipped[] = [];
  const variants: Variant[] = [
    {
      name: 'floor',
      title: 'bare socket loop',
      group: 'floor',
      command: [node, ...managedFlags, FLOOR],
      taskRoot: FUNCTIONS,
      handler: 'trivial.handler',
      variables: noVariables,
    },
    ...tracedFloors(node),
    ...ours(layer),
  ];
  const managed = managedClient(parts);
  if ('missing' in managed) skipped.push({ name: 'ric and all that run in it', reason: managed.missing });
  else {
    variants.push(...managed.variants);
    if ('missing' in peers) skipped.push({ name: 'other tracers and the real function', reason: peers.missing });
    else
      variants.push(
        ...makeTracerVariants(peers.folder, managed.command),
        ...realFunction(peers.folder, layer, managed.command),
      );
  }
  if ('missing' in ric && !('missing' in peers)) variants.push(...realFunction(peers.folder, layer, undefined));
  return { variants, skipped };
}

/** All there are, whether they can be run here or not. */
export const variantNames: readonly string[] = makeCatalogue({
  layer: '',
  ric: { args: [] },
  peers: { folder: '' },
}).variants.map(({ name }) => name);

function tracedFloors(node: string): Variant[] {
  const common = {
    group: 'floor',
    command: [node, ...managedFlags, TRACED_FLOOR],
    taskRoot: FUNCTIONS,
    handler: 'trivial.handler',
  } as const;
  return [
    { ...common, name: 'floor-xray', title: 'bare X-Ray datagrams', variables: noVariables, sends: 'datagrams' },
    {
      ...common,
      name: 'floor-xray-otlp',
      title: 'bare datagrams and export',
      variables: sendingOtlp,
      sends: 'exports',
    },
  ];
}

function ours(layer: string): Variant[] {
  const common = { group: 'ours', command: [join(layer, 'bootstrap')], taskRoot: FUNCTIONS } as const;
  return [
    {
      ...common,
      name: 'untraced',
      title: 'spanstrap, tracing off',
      handler: 'trivial.handler',
      variables: () => ({ SPANSTRAP_DISABLED: '1' }),
    },
    {
      ...common,
      name: 'xray',
      title: 'spanstrap, X-Ray',
      handler: 'trivial.handler',
      variables: noVariables,
      sends: 'datagrams',
    },
    {
      ...common,
      name: 'xray-otlp',
      title: 'spanstrap, X-Ray and OTLP',
      handler: 'trivial.handler',
      variables: sendingOtlp,
      sends: 'exports',
    },
    {
      ...common,
      name: 'xray-otlp-http',
      title: 'spanstrap, X-Ray and OTLP, one HTTP call',
      handler: 'http-call.handler',
      variables: (addresses) => ({ ...sendingOtlp(addresses), ...callingBackend(addresses) }),
      sends: 'exports',
    },
  ];
}

type ManagedClient = { readonly command: readonly [string, ...string[]]; readonly variants: readonly Variant[] };

function managedClient({ layer, ric }: Parts): ManagedClient | { readonly missing: string } {
  if ('missing' in ric) return ric;
  const node = join(layer, 'bin/node');
  const command = [node, ...managedFlags, ...ric.args] as const;
  const common = {
    group: 'aws',
    command,
    taskRoot: FUNCTIONS,
    handler: 'trivial.handler',
    variables: noVariables,
  } as const;
  return {
    command,
    variants: [
      { ...common, name: 'ric', title: 'aws-lambda-ric, untraced' },
      {
        ...common,
        name: 'ric-expose-gc',
        title: 'aws-lambda-ric --expose-gc, untraced',
        command: [node, '--expose-gc', ...managedFlags, ...ric.args],
      },
      {
        ...common,
        name: 'ric-http',
        title: 'aws-lambda-ric, untraced, one HTTP call',
        handler: 'http-call.handler',
        variables: callingBackend,
      },
    ],
  };
}

/** The folders `orders-compiled` and `orders-esm-compiled` exist when `spanstrap compile` has been run on copies of the function. */
function realFunction(folder: string, layer: string, ric: Variant['command'] | undefined): Variant[] {
  const traced = (name: string, title: string, task: string): Variant => ({
    name,
    title: `spanstrap, X-Ray and OTLP, ${title}`,
    group: 'ours',
    command: [join(layer, 'bootstrap')],
    taskRoot: join(folder, task),
    handler: 'index.handler',
    variables: sendingOtlp,
    sends: 'exports',
  });
  const all: Variant[] = [
    traced('orders-traced', 'real function', 'orders'),
    traced('orders-compiled', 'real function, compiled ahead', 'orders-compiled'),
    traced('orders-esm-traced', 'real function as ES module', 'orders-esm'),
    traced('orders-esm-compiled', 'real function as ES module, compiled ahead', 'orders-esm-compiled'),
  ];
  if (ric !== undefined) {
    all.unshift({
      name: 'orders-ric',
      title: 'aws-lambda-ric, untraced, real function',
      group: 'aws',
      command: ric,
      taskRoot: join(folder, 'orders'),
      handler: 'index.handler',
      variables: noVariables,
    });
  }
  return all;
}
