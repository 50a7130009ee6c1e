// Writes docs/errors.md from the error table: `node layer/docs-errors.ts > docs/errors.md`.

import { type ErrorEntry, errorTable } from '../runtime/error-table.ts';

const PHASES: Record<ErrorEntry['phase'], string> = {
  init: 'While the function starts',
  invocation: 'While an invocation is handled',
  streaming: 'While a response is streamed',
  'runtime-api': 'Between the runtime and Lambda',
  extension: 'The internal extension',
};

const INTRODUCTION = `# Errors

<!-- Written by layer/docs-errors.ts from runtime/error-table.ts: change that table, not this file. -->

What the runtime itself can report. An error that your handler throws is passed on under its own name and is not listed here.

* **Type** is \`errorType\` in the function's response and in the log. Where the managed Node.js runtimes have a name or a text, it is theirs.
* **Code** is \`error.code\`, where your code can catch the error. Codes are never reused; match on them, not on texts.
* \`{names}\` in texts stand for values.
`;

/** The whole page as Markdown. */
export function errorsPage(): string {
  const entries: readonly ErrorEntry[] = Object.values(errorTable);
  const sections = Object.entries(PHASES).map(([phase, title]) => {
    const parts = entries.filter((entry) => entry.phase === phase).map(entryPart);
    return `## ${title}\n\n${parts.join('\n')}`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

function entryPart({ code, wireType, blame, retry, message, advice }: ErrorEntry): string {
  return [
    `### ${code}`,
    '',
    ...message.split('\n').map((line) => `> ${line.replaceAll('*', '\\*')}`),
    '',
    `* Type: ${wireType === null ? 'none, a line in the log only' : `\`${wireType}\``}`,
    `* Lies with: the ${blame}. ${retry ? 'Trying again may help.' : 'Trying again does not help.'}`,
    `* What to do: ${advice}`,
    '',
  ].join('\n');
}

if (import.meta.main) process.stdout.write(errorsPage());
