// The runtimes that are compared: two of AWS's, and ours in its three modes.

import type { EmulatorOptions } from '../../local/emulator/emulator-options.ts';
import { BOOTSTRAP, LAYER_FOLDER } from '../support/built-layer.ts';
import { type Observation, observe } from './observation.ts';
import type { PeerCase } from './peer-case.ts';
import type { Peer, Peers } from './peer-install.ts';

type Subject = { readonly command: readonly [string, ...string[]] } & Partial<EmulatorOptions>;

/** Opens the descriptor that the platform would have opened, then starts the runtime. */
const WITH_TELEMETRY_FD = 'exec 5>"$LAMBDA_TASK_ROOT/frames.bin"; export _LAMBDA_TELEMETRY_LOG_FD=5; exec "$0" "$@"';

function managed({ command, executionEnvironment }: Peer, major: number): Subject {
  return {
    command,
    layerRoot: LAYER_FOLDER,
    platformEnvironment: {
      AWS_EXECUTION_ENV: executionEnvironment,
      NODE_PATH: `/opt/nodejs/node${major}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules`,
    },
  };
}

function ours(environment: Readonly<Record<string, string>>): Subject {
  return { command: [BOOTSTRAP], layerRoot: LAYER_FOLDER, environment };
}

export type Observations = {
  readonly managed22: Observation;
  readonly managed24: Observation;
  readonly node22: Observation;
  readonly node24: Observation;
  readonly byDefault: Observation;
};

/** Puts one case before all of them. `byDefault` is our runtime with tracing on, sending to `xrayDaemonAddress`. */
export async function observeAll(peerCase: PeerCase, peers: Peers, xrayDaemonAddress: string): Promise<Observations> {
  const look = (subject: Subject): Promise<Observation> => {
    const { platformEnvironment, ...options } = peerCase.options ?? {};
    const command = peerCase.hasTelemetryFd
      ? (['/bin/sh', '-c', WITH_TELEMETRY_FD, ...subject.command] as const)
      : subject.command;
    return observe(
      { ...peerCase, options },
      { ...subject, command, platformEnvironment: { ...subject.platformEnvironment, ...platformEnvironment } },
    );
  };
  return {
    managed22: await look(managed(peers.node22, 22)),
    managed24: await look(managed(peers.node24, 24)),
    node22: await look(ours({ SPANSTRAP_HANDLER_COMPAT: 'node22' })),
    node24: await look(ours({ SPANSTRAP_HANDLER_COMPAT: 'node24' })),
    byDefault: await look({ ...ours({}), xrayDaemonAddress }),
  };
}
