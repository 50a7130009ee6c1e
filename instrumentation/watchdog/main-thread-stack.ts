// Where the main thread is at this moment, asked from another thread: it is paused for a fraction of a millisecond, in a loop as
// well as in a regular expression. Inside of a long native call it answers when that is over, or never.

import type { Session } from 'node:inspector';
import { clearTimeout, setTimeout } from '../../runtime/untouched.ts';

/** More says nothing more. */
const MOST_FRAMES = 50;

type Paused = { readonly params: { readonly callFrames: readonly Frame[] } };
type Frame = {
  readonly functionName: string;
  /** Both numbers from 0. */
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber?: number };
};
type Parsed = { readonly params: { readonly scriptId: string; readonly url: string } };

/**
 * Resolves with one line per call, youngest first, up to the one in `ownFolder` that called the function; undefined: no answer in
 * time. Whenever the answer comes, the thread goes on.
 */
export function readMainThreadStack(
  session: Session,
  ownFolder: string,
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    session.connectToMainThread();
    const urls = new Map<string, string>();
    session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }: Parsed) => void urls.set(scriptId, url));
    session.once('Debugger.paused', ({ params }: Paused) => {
      session.post('Debugger.resume');
      session.post('Debugger.disable', () => session.disconnect());
      clearTimeout(timer);
      const lines = params.callFrames.map((frame) => describe(frame, urls));
      const ownAt = lines.findIndex((line) => line.includes(ownFolder));
      resolve(lines.slice(0, Math.min(ownAt > 0 ? ownAt : lines.length, MOST_FRAMES)).join('\n'));
    });
    session.post('Debugger.enable');
    session.post('Debugger.pause');
  });
}

function describe({ functionName, location }: Frame, urls: ReadonlyMap<string, string>): string {
  const { scriptId, lineNumber, columnNumber = 0 } = location;
  const file = urls.get(scriptId)?.replace(/^file:\/\//, '') || '<anonymous>';
  const place = `${file}:${lineNumber + 1}:${columnNumber + 1}`;
  return functionName === '' ? `    at ${place}` : `    at ${functionName} (${place})`;
}
