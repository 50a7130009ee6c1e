// Writes docs/errors.md from the error table and what is said of it: `node layer/docs-errors.ts > docs/errors.md`.

import { type ErrorDocumentation, type ErrorPhase, errorDocs } from '../runtime/error-docs.ts';
import { type ErrorEntry, errorTable } from '../runtime/error-table.ts';
import type { ErrorName } from '../runtime/errors.ts';

const PHASES: Record<ErrorPhase, string> = {
  init: 'While the function starts',
  invocation: 'While an invocation is handled',
  streaming: 'While a response is streamed',
  'runtime-api': 'Between the runtime and Lambda',
  extension: 'The internal extension',
};

const INTRODUCTION = `# Errors

<!-- Written by layer/docs-errors.ts from runtime/error-table.ts and runtime/error-docs.ts: change those tables, not this file. -->

What the runtime itself can report. An error that your handler throws is passed on under its own name and is not listed here.

* **Type** is \`errorType\` in the function's response and in the log. Where the managed Node.js runtimes have a name or a text, it is theirs.
* **Code** is \`error.code\`, where your code can catch the error. Codes are never reused; match on them, not on texts.
* \`{names}\` in texts stand for values.
`;

/** The whole page as Markdown. */
export function errorsPage(): string {
  const entries = (Object.keys(errorTable) as ErrorName[]).map((name) => ({ ...errorTable[name], ...errorDocs[name] }));
  const sections = Object.entries(PHASES).map(([phase, title]) => {
    const parts = entries.filter((entry) => entry.phase === phase).map(entryPart);
    return `## ${title}\n\n${parts.join('\n')}`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

function entryPart({ code, wireType, blame, retry, message, advice }: ErrorEntry & ErrorDocumentation): string {
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
