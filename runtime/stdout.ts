// Lines to standard output that are out when the call returns. `process.stdout.write` cannot promise that: measured on
// Node 24 on Linux, a full pipe (64 KiB) makes it queue, and process.exit() throws the queue away.

import { writeSync } from 'node:fs';

const STDOUT_FD = 1;
const PIPE_POLL_MS = 1;

/**
 * Writes all of it, waiting while a pipe that was made non-blocking is full.
 * @throws the system's error when the descriptor cannot be written
 */
export function writeFully(fd: number, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    try {
      written += write(fd, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_POLL_MS);
    }
  }
}

/**
 * Opens standard output for lines. `process.stdout` is left alone until user code uses it (making it takes 0.9 ms): from
 * then on lines keep their order with what user code writes there, and a replaced `process.stdout.write` sees them.
 */
export function openStdout(): (line: string) => void {
  const used = watchStdout();
  return (line) => {
    try {
      const { stream, write: original } = used;
      if (stream !== undefined && (stream.write !== original || stream.writableLength > 0)) stream.write(line);
      else writeLine(line);
    } catch {
      // Nobody reads any more. A line that cannot be written must not fail the invocation.
    }
  };
}

// Captured before user code can replace it.
const write = writeSync as (fd: number, data: string | Uint8Array, offset?: number) => number;

function writeLine(line: string): void {
  let written = 0;
  try {
    written = write(STDOUT_FD, line);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
  if (written < Buffer.byteLength(line)) writeFully(STDOUT_FD, Buffer.from(line).subarray(written));
}

type UsedStdout = { stream: NodeJS.WriteStream | undefined; write: NodeJS.WriteStream['write'] | undefined };

/** Learns of the first use of `process.stdout`, then puts the property back as it was. */
function watchStdout(): UsedStdout {
  const used: UsedStdout = { stream: undefined, write: undefined };
  const property = Object.getOwnPropertyDescriptor(process, 'stdout');
  if (property?.configurable !== true || property.get === undefined) {
    used.stream = process.stdout;
    used.write = used.stream.write;
    return used;
  }
  Object.defineProperty(process, 'stdout', {
    ...property,
    get() {
      Object.defineProperty(process, 'stdout', property);
      used.stream = process.stdout;
      used.write = used.stream.write;
      return used.stream;
    },
  });
  return used;
}
