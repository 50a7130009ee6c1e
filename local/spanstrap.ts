// The program `spanstrap`: terminal, exit code, and the change to the layer's own Node when this one is too old.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type Io, runCli } from './cli.ts';
import { defaultLayerRoot } from './layer-location.ts';

const OLDEST_NODE = [22, 19] as const;

const argv = process.argv.slice(2);

if (isTooOld(process.versions.node)) process.exitCode = runWithLayerNode();
else {
  // Leaving by exit() lets the emulator's own exit hook end the processes it has started.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  process.exitCode = await runCli(argv, terminal());
}

function terminal(): Io {
  const { stdout, stderr, env } = process;
  return {
    out: (written) => void stdout.write(written),
    error: (written) => void stderr.write(written),
    readInput: () => text(process.stdin),
    columns: Math.min(stdout.columns ?? 80, 160),
    isColored: stdout.isTTY === true && !env.NO_COLOR,
  };
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

/** The same program once more, on the Node that the layer carries. */
function runWithLayerNode(): number {
  const at = argv.indexOf('--layer');
  const layer = (at >= 0 ? argv[at + 1] : undefined) ?? defaultLayerRoot();
  const node = path.join(layer, 'bin', 'node');
  if (!existsSync(node)) {
    process.stderr.write(
      `spanstrap: Node ${process.versions.node} is older than ${OLDEST_NODE.join('.')}, and there is no layer at ${layer} whose Node could be used\ntry: ./build.sh\n`,
    );
    return 2;
  }
  const { status, error } = spawnSync(node, [process.argv[1]!, ...argv], { stdio: 'inherit' });
  if (error) process.stderr.write(`spanstrap: cannot run ${node}: ${error.message}\ntry: ./build.sh\n`);
  return status ?? 2;
}
