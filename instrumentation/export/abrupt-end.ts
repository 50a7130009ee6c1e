// What stands on the spans of an invocation that did not end by itself.

import type { Attributes, SpanStatus } from '@opentelemetry/api';
import type { AbruptEnd } from './delivery.ts';

const ERROR = 2;

/** Lambda's own names for it. */
const ERROR_TYPES: Readonly<Record<AbruptEnd['how'], string>> = {
  timeout: 'Sandbox.Timedout',
  crash: 'Runtime.ExitError',
  exit: 'Runtime.ExitError',
  abort: 'Runtime.ExitError',
  killed: 'Runtime.ExitError',
  forgotten: 'Runtime.ExitError',
};

export function describeEnd({ how, exitCode }: AbruptEnd): string {
  switch (how) {
    case 'timeout':
      return 'the invocation ran out of time';
    case 'exit':
      return `the process exited with code ${exitCode ?? 0} during the invocation`;
    case 'abort':
      return 'the process aborted during the invocation';
    case 'crash':
      return 'the process crashed during the invocation';
    case 'killed':
      return 'the process was killed during the invocation: out of memory, out of time, or by the platform';
    case 'forgotten':
      return 'the environment was shut down during the invocation';
  }
}

export function statusOf(end: AbruptEnd): SpanStatus {
  return { code: ERROR, message: describeEnd(end) };
}

export function attributesOf(end: AbruptEnd): Attributes {
  const { how, exitCode } = end;
  return {
    'error.type': ERROR_TYPES[how],
    'spanstrap.process_end': how,
    ...(exitCode === undefined ? {} : { 'process.exit.code': exitCode }),
  };
}
