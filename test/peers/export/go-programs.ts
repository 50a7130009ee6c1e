// Receivers that are not ours, compiled from Go modules into .cache once: OpenTelemetry's collector and AWS's X-Ray daemon. Their
// versions are pinned by the go.mod and go.sum beside this file.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER, makeFolder } from '../../../layer/cache-folder.ts';
import { runCommand } from '../../../layer/command.ts';
import { BuildError } from '../../../layer/progress.ts';

/** To be counted up when a `build` below changes. */
const RECIPE = '1';

/** Where the program is, or why there is none on this machine. */
export type Program = { readonly path: string } | { readonly missing: string };

type Say = (text: string) => void;

/** With the otlp receiver and the otlphttp exporter. */
export const provideCollector = (say: Say): Promise<Program> =>
  provide('collector', 'collector', async (folder) => {
    say('building the OpenTelemetry Collector 0.145.0 with its builder, which takes minutes');
    await runGo(['tool', 'builder', '--config', 'manifest.yaml'], folder);
  });

export const provideXrayDaemon = (say: Say): Promise<Program> =>
  provide('xray-daemon', 'tracing', async (folder) => {
    say('building the X-Ray daemon, which takes a minute');
    await runGo(['build', '-o', 'tracing', 'github.com/aws/aws-xray-daemon/cmd/tracing'], folder);
  });

/** A module that cannot be fetched says something about the machine, not about us. */
class Unreachable extends Error {}

async function provide(name: string, program: string, build: (folder: string) => Promise<void>): Promise<Program> {
  const sources = join(import.meta.dirname, name);
  const files = (await readdir(sources)).sort();
  const hash = createHash('sha256').update(RECIPE).update(process.arch);
  for (const file of files) hash.update(await readFile(join(sources, file)));
  const target = join(CACHE_FOLDER, `${name}-${hash.digest('hex').slice(0, 16)}`);
  const path = join(target, program);
  if (existsSync(path)) return { path };
  const missing = await missingGo(join(sources, 'go.mod'));
  if (missing !== undefined) return { missing };
  try {
    await makeFolder(target, async (folder) => {
      for (const file of files) await copyFile(join(sources, file), join(folder, file));
      await build(folder);
    });
  } catch (error) {
    if (error instanceof Unreachable) return { missing: error.message };
    throw error;
  }
  return { path };
}

async function missingGo(moduleFile: string): Promise<string | undefined> {
  const { exitCode, stdout } = await runCommand(['go', 'env', 'GOVERSION']);
  if (exitCode !== 0) return 'there is no Go on this machine to build it with';
  const found = /^go1\.(\d+)/.exec(stdout.trim())?.[1];
  const wanted = /^go 1\.(\d+)/m.exec(await readFile(moduleFile, 'utf8'))![1];
  return Number(found) < Number(wanted) ? `it needs Go 1.${wanted}, this is ${stdout.trim()}` : undefined;
}

async function runGo(args: readonly string[], cwd: string): Promise<void> {
  // The folder stands inside a repository of another kind: Go must not look there for a version.
  const env = { ...process.env, GOFLAGS: '-buildvcs=false', GOWORK: 'off' };
  const { exitCode, stdout, stderr } = await runCommand(['go', ...args], { cwd, env });
  if (exitCode === 0) return;
  const words = `${stdout}\n${stderr}`.trim();
  const network = /(?:reading|Get|proxy|dial|lookup).*(?:403|404|410|timeout|no such host|refused|unreachable).*/i.exec(
    words,
  );
  if (network !== null) throw new Unreachable(`its modules cannot be fetched: ${network[0].slice(0, 200)}`);
  throw new BuildError(`go ${args.join(' ')} failed:\n  ${words.split('\n').slice(-15).join('\n  ')}`, 'go version');
}
