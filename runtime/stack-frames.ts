// Reads V8 stack traces. Locations are split from the right, so that `file://` and `node:` paths stay whole.
// Source: V8, "Stack trace API"; AWS X-Ray Developer Guide, "X-Ray segment documents" (stack).

export type StackFrame = {
  /** Absent where V8 names no place, as for `Promise.all (index 0)`. */
  readonly path?: string;
  readonly line?: number;
  /** Function name as V8 writes it (`async load`, `new Foo`, `Object.<anonymous>`), or `anonymous`. */
  readonly label: string;
};

const LINE_LIMIT = 1024;
const FRAME = /^\s+at (.+)$/;
const POSITION = /^(.+):(\d+):\d+$/;
/** The place in a file where the outermost `eval` was called; `eval at` can be nested. */
const EVAL_SITE = /^eval at .*?\(((?:(?!eval at ).)*?:\d+:\d+)\)/;

/**
 * The first `limit` frames of a stack. `message` is the error's: it stands in front of the frames, may have many lines,
 * and may have lines that look like frames.
 */
export function parseStackFrames(stack: string, message: string, limit: number): StackFrame[] {
  const frames: StackFrame[] = [];
  let at = findFrames(stack, message);
  while (at < stack.length && frames.length < limit) {
    const newline = stack.indexOf('\n', at);
    const end = newline < 0 ? stack.length : newline;
    const frame = parseFrame(stack.slice(at, Math.min(end, at + LINE_LIMIT)));
    if (frame !== undefined) frames.push(frame);
    at = end + 1;
  }
  return frames;
}

/** Index behind the message, or 0 when the stack was made with another message. */
function findFrames(stack: string, message: string): number {
  if (message === '') return 0;
  const at = stack.indexOf(message);
  if (at < 0) return 0;
  // A short message can also be a part of a function's name or a path: then frames stand in front of it.
  return /^[ \t]+at /m.test(stack.slice(0, at)) ? 0 : at + message.length;
}

function parseFrame(line: string): StackFrame | undefined {
  const text = FRAME.exec(line)?.[1]?.trimEnd();
  if (text === undefined) return undefined;
  const open = text.endsWith(')') ? findOpening(text) : -1;
  if (open > 0) return { ...parseLocation(text.slice(open + 1, -1)), label: text.slice(0, open).trim() || 'anonymous' };
  return { ...parseLocation(text.startsWith('async ') ? text.slice(6) : text), label: 'anonymous' };
}

/** Index of the parenthesis that the last one closes; paths may have parentheses of their own. */
function findOpening(text: string): number {
  let depth = 0;
  for (let at = text.length - 1; at > 0; at--) {
    const character = text[at];
    if (character === ')') depth++;
    else if (character === '(' && --depth === 0) return at;
  }
  return text.indexOf(' (') + 1;
}

function parseLocation(location: string): { path?: string; line?: number } {
  if (/^index \d+$/.test(location)) return {};
  const place = EVAL_SITE.exec(location)?.[1] ?? location;
  const position = POSITION.exec(place);
  if (position === null) return { path: place };
  const line = Number(position[2]);
  // Readers of the header decode the line as an integer and drop everything when it is none.
  return line <= 0x7fffffff ? { path: position[1]!, line } : { path: position[1]! };
}
