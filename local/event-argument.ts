// The event that `--event` gives: a file, JSON on the command line, or standard input.

import { readFileSync } from 'node:fs';
import { PAYLOAD_LIMIT_BYTES } from '../runtime/api/wire.ts';
import type { Io } from './command.ts';
import { UsageError } from './usage-error.ts';

/**
 * The text of the event, `{}` when none is given. It goes to the function as it is: parsed and written again a string would lose its
 * quotes in the emulator, and a long number its end.
 * @throws UsageError for what cannot be read, is not JSON, or is more than Lambda takes
 */
export async function readEvent(given: string | undefined, io: Io): Promise<string> {
  if (given === undefined) return '{}';
  const isInline = /^\s*(?:[[{"]|(?:null|true|false|-?\d[\d.eE+-]*)\s*$)/.test(given);
  const source = given === '-' ? 'standard input' : isInline ? '--event' : given;
  let text: string;
  try {
    text = given === '-' ? await io.readInput() : isInline ? given : readFileSync(given, 'utf8');
  } catch (error) {
    throw new UsageError(
      `cannot read the event: ${(error as Error).message}`,
      'a JSON file, inline JSON, or - for standard input',
    );
  }
  // Some editors begin a file with a byte order mark.
  text = text.replace(/^\ufeff/, '');
  const bytes = Buffer.byteLength(text);
  if (bytes > PAYLOAD_LIMIT_BYTES)
    throw new UsageError(`${source} has ${bytes} bytes, Lambda takes ${PAYLOAD_LIMIT_BYTES}`, 'a smaller event');
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    // The reason quotes the text, line breaks included.
    const reason = (error as Error).message.replace(/\s+/g, ' ');
    throw new UsageError(`${source} is not JSON: ${reason}`, `node -e 'JSON.parse(...)' or an editor that checks JSON`);
  }
}
