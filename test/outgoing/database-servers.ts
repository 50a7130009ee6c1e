// Real database servers of Debian's packages, each in a folder and on a port of its own. Where one is not installed, CI as root
// installs it, and everybody else is told.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findClosedPort, type Scope } from '../support/tcp-server.ts';

export type DatabaseServer = { readonly port: number };
export type Provided = DatabaseServer | { readonly missing: string };

export const USER = 'app';
export const PASSWORD = 'secret-of-the-test';
export const DATABASE = 'shop';

const START_DEADLINE_MS = 60_000;

type Kind = {
  readonly debianPackage: string;
  /** Everything that has to be there. */
  readonly programs: readonly string[];
  /** Whom the server runs as when we are root, which it refuses. */
  readonly account: string;
  start(folder: string, port: number, run: Run): ChildProcess;
};

type Run = {
  readonly program: (name: string) => string;
  /** Runs to the end. */
  exec(name: string, args: readonly string[], input?: string): void;
  spawn(name: string, args: readonly string[]): ChildProcess;
};

const KINDS = {
  postgres: {
    debianPackage: 'postgresql',
    programs: ['initdb', 'postgres'],
    account: 'postgres',
    start(folder, port, { exec, spawn }) {
      const data = join(folder, 'data');
      writeFileSync(join(folder, 'password'), PASSWORD);
      const authentication = ['--auth=scram-sha-256', `--pwfile=${join(folder, 'password')}`];
      exec('initdb', ['-D', data, '-U', USER, ...authentication, '--no-sync', '--encoding=UTF8', '--locale=C']);
      exec('postgres', ['--single', '-D', data, 'postgres'], `CREATE DATABASE ${DATABASE};\n`);
      const tls = existsSync(join(folder, 'server.pem'))
        ? ['-c', 'ssl=on', '-c', `ssl_cert_file=${folder}/server.pem`, '-c', `ssl_key_file=${folder}/server.key`]
        : [];
      const place = ['-D', data, '-p', String(port), '-k', folder, '-c', 'listen_addresses=127.0.0.1'];
      return spawn('postgres', [...place, '-c', 'fsync=off', ...tls]);
    },
  },
  mariadb: {
    debianPackage: 'mariadb-server',
    programs: ['mariadb-install-db', 'mariadbd'],
    account: 'mysql',
    start(folder, port, { exec, spawn }) {
      const data = join(folder, 'data');
      writeFileSync(
        join(folder, 'init.sql'),
        [
          `CREATE DATABASE ${DATABASE};`,
          `CREATE USER '${USER}'@'localhost' IDENTIFIED BY '${PASSWORD}';`,
          `GRANT ALL ON ${DATABASE}.* TO '${USER}'@'localhost';`,
          '',
        ].join('\n'),
      );
      const where = ['--no-defaults', `--datadir=${data}`];
      exec('mariadb-install-db', [...where, '--auth-root-authentication-method=normal', '--skip-test-db']);
      return spawn('mariadbd', [
        ...where,
        `--port=${port}`,
        `--socket=${join(folder, 'socket')}`,
        `--init-file=${join(folder, 'init.sql')}`,
        '--bind-address=127.0.0.1',
      ]);
    },
  },
  redis: {
    debianPackage: 'redis-server',
    programs: ['redis-server'],
    account: 'redis',
    start: (folder, port, { spawn }) =>
      spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder]),
  },
} as const satisfies Record<string, Kind>;

export type DatabaseName = keyof typeof KINDS;

const isRoot = process.getuid?.() === 0;

/** Debian keeps PostgreSQL's programs away from the PATH, by version. */
function searchFolders(): string[] {
  const versions = '/usr/lib/postgresql';
  const newest = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...newest.map((version) => join(versions, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
  ];
}

const find = (program: string): string | undefined =>
  searchFolders()
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));

function missingProgram({ programs, debianPackage }: Kind): string | undefined {
  const missing = programs.find((program) => find(program) === undefined);
  return missing === undefined ? undefined : `there is no ${missing} (apt-get install ${debianPackage})`;
}

/** Starts it, waits until it answers, and stops it with the scope. */
export async function provideDatabase(scope: Scope, name: DatabaseName, tls?: TlsFiles): Promise<Provided> {
  const kind: Kind = KINDS[name];
  if (missingProgram(kind) !== undefined) install(kind);
  const missing = missingProgram(kind);
  if (missing !== undefined) return { missing };
  const account = isRoot ? accountOf(kind.account) : undefined;
  if (isRoot && account === undefined) return { missing: `there is no user ${kind.account} to run it as` };
  const folder = mkdtempSync(join(tmpdir(), `spanstrap-${name}-`));
  const port = await findClosedPort();
  if (tls !== undefined) {
    writeFileSync(join(folder, 'server.pem'), tls.cert);
    writeFileSync(join(folder, 'server.key'), tls.key, { mode: 0o600 });
  }
  const output: string[] = [];
  const options = { cwd: folder, ...account };
  if (account !== undefined)
    for (const path of ['', ...readdirSync(folder)]) chownSync(join(folder, path), account.uid, account.gid);
  const server = kind.start(folder, port, {
    program: (program) => find(program)!,
    exec: (program, args, input = '') => {
      if (account !== undefined)
        for (const path of readdirSync(folder)) chownSync(join(folder, path), account.uid, account.gid);
      execFileSync(find(program)!, args, { ...options, input, stdio: ['pipe', 'ignore', 'pipe'] });
    },
    spawn: (program, args) => spawn(find(program)!, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }),
  });
  for (const stream of [server.stdout, server.stderr]) stream?.on('data', (chunk) => output.push(String(chunk)));
  scope.after(async () => {
    server.kill('SIGKILL');
    if (server.exitCode === null && server.signalCode === null)
      await new Promise((resolve) => server.once('exit', resolve));
    rmSync(folder, { recursive: true, force: true });
  });
  await waitForPort(port, server, () => output.join(''));
  return { port };
}

export type TlsFiles = { readonly cert: string; readonly key: string };

/**
 * Only where nobody minds: the machine of a CI run, as root. Test files run side by side, and apt lets one in at a time. Where it
 * cannot install, or not within three minutes, the other files do not try again.
 */
function install({ debianPackage }: Kind): void {
  if (!isRoot || process.env.CI !== 'true') return;
  const failed = join(tmpdir(), `spanstrap-apt-failed-${process.ppid}`);
  const apt = 'apt-get -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20';
  const command = `[ ! -e ${failed} ] && { ${apt} update && ${apt} install -y --no-install-recommends ${debianPackage} || touch ${failed}; }`;
  const bounded = ['timeout', '-k', '5', '180', 'sh', '-c', command];
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('flock', [join(tmpdir(), 'spanstrap-apt.lock'), ...bounded], { stdio: 'ignore', env });
  } catch {
    writeFileSync(failed, '');
  }
}

function accountOf(name: string): { readonly uid: number; readonly gid: number } | undefined {
  try {
    const id = (flag: string): number =>
      Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return undefined;
  }
}

async function waitForPort(port: number, server: ChildProcess, output: () => string): Promise<void> {
  const deadline = Date.now() + START_DEADLINE_MS;
  while (!(await isListening(port))) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}: ${output()}`);
    if (Date.now() > deadline) throw new Error(`the server does not listen: ${output()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
