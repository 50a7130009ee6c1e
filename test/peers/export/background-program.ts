// A program that runs beside a test: started, waited for until it is ready, ended with the test.

import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { findClosedPort, type Scope } from '../../support/tcp-server.ts';

export type BackgroundProgram = {
  /** Everything it has said so far. */
  output(): string;
  /** Ends it with SIGTERM and waits until it is gone. */
  stop(): Promise<void>;
};

const READY_DEADLINE_MS = 20_000;
const ASK_AGAIN_MS = 20;

/** Resolves when the program listens on all of `ports`; rejects with its words when it ends before, or takes too long. */
export async function startProgram(
  scope: Scope,
  [program, ...args]: readonly [string, ...string[]],
  ports: readonly number[],
  env: Readonly<Record<string, string>> = {},
): Promise<BackgroundProgram> {
  let said = '';
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH, ...env } });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const exited = once(child, 'exit');
  const stop = async (): Promise<void> => {
    if (isRunning(child)) child.kill('SIGTERM');
    await exited;
  };
  scope.after(stop);
  const end = performance.now() + READY_DEADLINE_MS;
  for (const port of ports) {
    while (!(await isListening(port))) {
      if (!isRunning(child)) throw new Error(`${program} ended:\n${said}`);
      if (performance.now() > end) throw new Error(`${program} does not listen on ${port}:\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }
  return { output: () => said, stop };
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}

/** Ports that nobody used a moment ago. */
export async function findFreePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await findClosedPort());
  return [...ports];
}

/** A UDP port that nobody used a moment ago. */
export async function findFreeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
