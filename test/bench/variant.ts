// A variant: one way of running a function, and the environment that its process gets.

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

/** Of the function; the memory flags of ours and of AWS's client follow from it. */
export const MEMORY_MB = 512;

export const noVariables = (): Record<string, string> => ({});
export const sendingOtlp = ({ backend }: StubAddresses): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: `http://${backend}`,
});
export const callingBackend = ({ backend }: StubAddresses): Record<string, string> => ({
  BENCH_DOWNSTREAM: `http://${backend}/orders/A-1001`,
});

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
