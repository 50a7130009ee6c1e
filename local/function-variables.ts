// The variables that `--env` gives a function. On Lambda a function cannot set those of the platform; on a desk nobody else does,
// and region and credentials are the user's own.

import { UsageError } from './usage-error.ts';

/** For `platformEnvironment` of the emulator; undefined removes a variable. */
export type FunctionVariables = Readonly<Record<string, string | undefined>>;

/** Where the emulator must know better, and what says the same. */
const REFUSED: Readonly<Record<string, (value: string) => string>> = {
  _HANDLER: (value) => `--handler ${value}`,
  LAMBDA_TASK_ROOT: (value) => `--dir ${value}`,
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: (value) => `--memory ${value}`,
  AWS_LAMBDA_RUNTIME_API: () => 'the command without it: the emulator is the Runtime API',
};

/** @throws UsageError for what is no `NAME=VALUE`, and for variables that would have no effect. */
export function functionVariables(assignments: readonly string[] = []): FunctionVariables {
  const variables: Record<string, string | undefined> = {};
  for (const assignment of assignments) {
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(assignment) ?? [];
    if (name === undefined || value === undefined)
      throw new UsageError(`--env ${assignment} has no NAME=VALUE form`, '--env STAGE=dev');
    if (Object.hasOwn(REFUSED, name)) throw new UsageError(`--env ${name} has no effect`, REFUSED[name]!(value));
    variables[name] = value;
  }
  // The emulator's token does not go with somebody's key.
  if ('AWS_ACCESS_KEY_ID' in variables) variables.AWS_SESSION_TOKEN ??= undefined;
  return variables;
}
