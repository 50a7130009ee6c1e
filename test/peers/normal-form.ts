// Brings what a runtime was seen to do into a form that can be compared: without times, ids, ports and the stack frames of the
// runtime itself. What is left must be the same, or stand in docs/differences.md.

export type Places = { readonly taskRoot: string; readonly runtimeApi: string };

/** One line; control characters become visible, so that it can stand in a table. */
export function normalize(text: string, { taskRoot, runtimeApi }: Places): string {
  const placed = text
    .replaceAll(taskRoot, '{task}')
    .replaceAll(runtimeApi, '{api}')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '{time}')
    .replace(/\[\d{13}\]/g, '[{ms}]')
    .replace(/\(node:\d+\)/g, '(node:{pid})')
    .replace(/(?:file:\/\/)?\/[^\s"]*\/\.cache\/peers-[0-9a-f]+/g, '{managed}')
    .replace(/Node\.js v\d+\.\d+\.\d+/g, 'Node.js {version}')
    // The managed runtimes call the handler as a method of an object of theirs, and V8 says so in the frame.
    .replaceAll(' [as handler]', '')
    .replace(/at (?:Runtime|StreamingInvokeProcessor|BufferedInvokeProcessor)\.handler \(([^)]*)\)/g, 'at $1');
  return visible(withoutForeignPaths(withoutForeignFrames(placed)));
}

/** Frames of the function's own files stay: a runtime may not lose them. */
function withoutForeignFrames(text: string): string {
  return text
    .replace(/,"\s+at [^"]*"/g, (frame) => (frame.includes('{task}') ? frame : ''))
    .replace(/[\r\n] +\.\.\. \d+ lines matching cause stack trace \.\.\./g, '')
    .replace(/(?:[\r\n]|\\n)\s+at (?:(?!\\n)[^\r\n"])*/g, (frame) => (frame.includes('{task}') ? frame : ''));
}

/** The tail of a require stack is the runtime's. */
function withoutForeignPaths(text: string): string {
  return text.replace(/(?:\n|\r|\\n)- (?!\{task\})(?:(?!\\n)[^\r\n"])*/g, '').replace(/,"- (?!\{task\})[^"]*"/g, '');
}

function visible(text: string): string {
  return text.replaceAll('\t', '\\t').replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\0', '\\0');
}

/** The lines that only one of two lists has, by the longest common subsequence: a change of order is a difference as well. */
export function differingLines(
  theirs: readonly string[],
  ours: readonly string[],
): { readonly onlyTheirs: string[]; readonly onlyOurs: string[] } {
  const lengths = Array.from({ length: theirs.length + 1 }, () => new Uint32Array(ours.length + 1));
  for (let i = theirs.length - 1; i >= 0; i--) {
    for (let j = ours.length - 1; j >= 0; j--) {
      lengths[i]![j] =
        theirs[i] === ours[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  const onlyTheirs: string[] = [];
  const onlyOurs: string[] = [];
  let [i, j] = [0, 0];
  while (i < theirs.length || j < ours.length) {
    if (i < theirs.length && j < ours.length && theirs[i] === ours[j]) {
      i++;
      j++;
    } else if (j >= ours.length || (i < theirs.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      onlyTheirs.push(theirs[i++]!);
    } else {
      onlyOurs.push(ours[j++]!);
    }
  }
  return { onlyTheirs, onlyOurs };
}
