// The program `spanstrap`: exit code, signals, and the change to the layer's own Node when this one is too old.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { runCli } from './cli.ts';
import { defaultLayerRoot, layerAdvice } from './layer-location.ts';
import { exitOnSignals } from './process-end.ts';
import { processTerminal } from './process-terminal.ts';

const OLDEST_NODE = [22, 19] as const;

const argv = process.argv.slice(2);

if (isTooOld(process.versions.node) && !asksForHelp()) process.exitCode = runWithLayerNode();
else {
  exitOnSignals();
  process.exitCode = await runCli(argv, processTerminal());
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1]);
}

/** What any Node can tell, also where there is no layer. */
function asksForHelp(): boolean {
  return argv.length === 0 || argv[0] === 'help' || argv.includes('--help') || argv.includes('-h');
}

/** The same program once more, on the Node that the layer carries. */
function runWithLayerNode(): number {
  const at = argv.findIndex((argument) => argument === '--layer' || argument.startsWith('--layer='));
  const given = argv[at]?.includes('=') ? argv[at].slice('--layer='.length) : argv[at + 1];
  const layer = at >= 0 && given ? given : defaultLayerRoot();
  const node = path.join(layer, 'bin', 'node');
  if (!existsSync(node)) {
    process.stderr.write(
      `spanstrap: Node ${process.versions.node} is older than ${OLDEST_NODE.join('.')}, and there is no layer at ${layer} whose Node could be used\ntry: ${layerAdvice()}\n`,
    );
    return 2;
  }
  const { status, error } = spawnSync(node, [process.argv[1]!, ...argv], { stdio: 'inherit' });
  if (error)
    process.stderr.write(
      `spanstrap: cannot run ${node}: ${error.message}\ntry: a Linux machine with the layer of its architecture\n`,
    );
  return status ?? 2;
}
