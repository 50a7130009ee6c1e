// V8 stack traces as frames. A location is read from its right end, because paths hold colons themselves: `file:///var/task/a.mjs:6:11`,
// `node:internal/process/task_queues:95:5`.

import type { StackFrame } from './subsegment.ts';
import { cutText, GENERIC_TEXT_CHARS } from './text-limits.ts';

const MAX_FRAMES = 50;

export type ParsedStack = { readonly frames: StackFrame[]; readonly truncated: number };

const LINE_AND_COLUMN = /:(\d+):\d+$/;

/**
 * The frames of a stack trace, at most 50; the rest is counted. `message` is skipped as a whole, so that a message of several lines,
 * even one that quotes a stack trace, yields no frames.
 */
export function parseStack(stack: string, message: string | undefined): ParsedStack {
  const frames: StackFrame[] = [];
  let truncated = 0;
  for (let start = framesStart(stack, message); start < stack.length; ) {
    const newline = stack.indexOf('\n', start);
    const end = newline === -1 ? stack.length : newline;
    const line = stack.slice(start, end).trim();
    start = end + 1;
    if (!line.startsWith('at ')) continue;
    if (frames.length < MAX_FRAMES) frames.push(parseFrame(line.slice('at '.length)));
    else truncated += 1;
  }
  return { frames, truncated };
}

/** Where the header (`Type: message`) ends. */
function framesStart(stack: string, message: string | undefined): number {
  const firstLineEnd = stack.indexOf('\n');
  if (message !== undefined && message !== '') {
    const at = stack.indexOf(message);
    if (at !== -1 && (firstLineEnd === -1 || at <= firstLineEnd)) return at + message.length;
  }
  // A bare list of frames has no header to skip.
  return stack.trimStart().startsWith('at ') || firstLineEnd === -1 ? 0 : firstLineEnd;
}

/** One frame without its `at `: `LABEL (LOCATION)` or `LOCATION`, either after `async`. */
function parseFrame(text: string): StackFrame {
  const call = text.startsWith('async ') ? text.slice('async '.length) : text;
  const paren = call.endsWith(')') ? call.indexOf(' (') : -1;
  const location = paren === -1 ? call : call.slice(paren + 2, -1);
  const label = paren === -1 ? '' : call.slice(0, paren).trim();
  const frame: StackFrame = {};
  const position = LINE_AND_COLUMN.exec(location);
  const path = position === null ? location : location.slice(0, position.index);
  if (path !== '') frame.path = cutText(path, GENERIC_TEXT_CHARS);
  const line = Number(position?.[1]);
  if (Number.isSafeInteger(line)) frame.line = line;
  if (label !== '') frame.label = cutText(label, GENERIC_TEXT_CHARS);
  return frame;
}
