// What is started and compared: the floor, our runtime in its modes, AWS's own client, and that client with tracers in it.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lambdaEnvironment } from '../../local/emulator/environment-variables.ts';
import type { StubAddresses } from './stub/run-plan.ts';

export type Variant = {
  readonly name: string;
  /** As tables and the chart name it. */
  readonly title: string;
  readonly group: 'floor' | 'ours' | 'aws' | 'peer';
  readonly command: readonly [string, ...string[]];
  readonly taskRoot: string;
  readonly handler: string;
  /** The function's own variables. */
  readonly variables: (addresses: StubAddresses) => Readonly<Record<string, string>>;
  /** What must arrive when it traces; undefined: nothing, or nothing that can be received here. */
  readonly sends?: 'datagrams' | 'exports';
};

/** Why a variant cannot be run here. */
export type Skipped = { readonly name: string; readonly reason: string };

export type Parts = {
  readonly layer: string;
  /** Arguments after `node`; or why there is no such client here. */
  readonly ric: { readonly args: readonly string[] } | { readonly missing: string };
  readonly peers: { readonly folder: string } | { readonly missing: string };
};

/** Of the function; the memory flags of ours and of AWS's client follow from it. */
export const MEMORY_MB = 512;

const FUNCTIONS = fileURLToPath(new URL('functions', import.meta.url));
const FLOOR = fileURLToPath(new URL('floor.cjs', import.meta.url));

/** Flags of the managed runtimes' own start at this memory size; both runtimes under test get the same. */
const managedFlags = [
  '--max-http-header-size',
  '81920',
  `--max-semi-space-size=${Math.floor(MEMORY_MB / 20)}`,
  `--max-old-space-size=${MEMORY_MB - Math.floor(MEMORY_MB / 10)}`,
];

const noVariables = (): Record<string, string> => ({});
const sendingOtlp = ({ backend }: StubAddresses): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://${backend}`,
});
const callingBackend = ({ backend }: StubAddresses): Record<string, string> => ({
  BENCH_DOWNSTREAM: `http://${backend}/orders/A-1001`,
});

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
    ...ours(layer),
  ];
  const managed = managedClient(parts);
  if ('missing' in managed) skipped.push({ name: 'ric and all that run in it', reason: managed.missing });
  else {
    variants.push(...managed.variants);
    if ('missing' in peers) skipped.push({ name: 'other tracers and the real function', reason: peers.missing });
    else
      variants.push(...tracers(peers.folder, managed.command), ...realFunction(peers.folder, layer, managed.command));
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

function tracers(folder: string, command: Variant['command']): Variant[] {
  const common = { group: 'peer', command, taskRoot: folder, handler: 'trivial.handler' } as const;
  const preload = (option: string, file: string): string => `${option} ${join(folder, file)}`;
  const openTelemetry = (addresses: StubAddresses): Record<string, string> => ({
    ...sendingOtlp(addresses),
    OTEL_SERVICE_NAME: 'bench',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });
  // As its layer's otel-instrument sets them; spans go to the X-Ray daemon then.
  const adot = (): Record<string, string> => ({
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'aws-sdk,aws-lambda,http',
    OTEL_PROPAGATORS: 'baggage,tracecontext,xray',
    OTEL_AWS_APPLICATION_SIGNALS_ENABLED: 'true',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=bench,cloud.provider=aws,cloud.platform=aws_lambda,faas.name=bench',
    HANDLER_IS_ESM: 'true',
  });
  return [
    {
      ...common,
      name: 'ric-opentelemetry',
      title: 'aws-lambda-ric, OpenTelemetry layer',
      variables: (addresses) => ({
        ...openTelemetry(addresses),
        OTEL_PROPAGATORS: 'tracecontext,baggage,xray',
        NODE_OPTIONS: preload('--import', 'opentelemetry-layer-init.mjs'),
      }),
      sends: 'exports',
    },
    {
      ...common,
      name: 'ric-adot',
      title: 'aws-lambda-ric, ADOT',
      variables: () => ({ ...adot(), NODE_OPTIONS: preload('--import', 'adot-init.mjs') }),
      sends: 'datagrams',
    },
    {
      ...common,
      name: 'ric-adot-fast',
      title: 'aws-lambda-ric, ADOT fast start',
      variables: () => ({
        ...adot(),
        OTEL_AWS_LAMBDA_FAST_START: 'true',
        NODE_OPTIONS: preload('--import', 'adot-fast-init.mjs'),
      }),
      sends: 'datagrams',
    },
    {
      ...common,
      name: 'ric-datadog',
      title: 'aws-lambda-ric, Datadog',
      handler: 'node_modules/datadog-lambda-js/dist/handler.handler',
      variables: () => ({ DD_LAMBDA_HANDLER: 'trivial.handler', DD_SERVICE: 'bench', DD_SITE: 'datadoghq.invalid' }),
    },
    {
      ...common,
      name: 'ric-lumigo',
      title: 'aws-lambda-ric, Lumigo',
      handler: 'lumigo.handler',
      variables: () => ({ LUMIGO_TRACER_HOST: '127.0.0.1' }),
    },
    {
      ...common,
      name: 'ric-sentry',
      title: 'aws-lambda-ric, Sentry',
      variables: ({ backend }) => ({
        NODE_OPTIONS: preload('--require', 'node_modules/@sentry/aws-serverless/build/npm/cjs/awslambda-auto.js'),
        SENTRY_DSN: `http://0123456789abcdef@${backend}/1`,
        SENTRY_TRACES_SAMPLE_RATE: '1.0',
      }),
      sends: 'exports',
    },
    {
      ...common,
      name: 'ric-xray-sdk',
      title: 'aws-lambda-ric, X-Ray SDK',
      handler: 'xray-sdk.handler',
      variables: noVariables,
      sends: 'datagrams',
    },
  ];
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

/** The environment of a variant's process, as Lambda would set it. */
export function environmentOf(variant: Variant, layer: string, addresses: StubAddresses): Record<string, string> {
  return lambdaEnvironment({
    runtimeApi: addresses.runtimeApi,
    handler: variant.handler,
    taskRoot: variant.taskRoot,
    layerRoot: layer,
    functionName: 'bench',
    functionVersion: '$LATEST',
    memoryMb: MEMORY_MB,
    region: 'eu-west-1',
    initializationType: 'on-demand',
    xrayDaemonAddress: addresses.daemon,
    environment: variant.variables(addresses),
    platformEnvironment:
      variant.group === 'aws' || variant.group === 'peer' ? { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' } : {},
  });
}
