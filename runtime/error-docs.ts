// What is to be said of every error, for docs/errors.md. Apart from the table, which every cold start reads.

import type { ErrorName } from './errors.ts';

export type ErrorPhase = 'init' | 'invocation' | 'streaming' | 'runtime-api' | 'extension';
/** Who can do something about it. */
export type Blame = 'function' | 'configuration' | 'platform' | 'runtime';

export type ErrorDocumentation = {
  readonly phase: ErrorPhase;
  readonly blame: Blame;
  /** True: the same call may pass when tried again with nothing changed. */
  readonly retry: boolean;
  readonly advice: string;
};

export const errorDocs = {
  HandlerNameEscapes: {
    phase: 'init',
    blame: 'configuration',
    retry: false,
    advice: 'Take `..` out of the handler setting: name the file relative to the function, or by an absolute path.',
  },
  HandlerNameWithoutDot: {
    phase: 'init',
    blame: 'configuration',
    retry: false,
    advice: 'Write the handler setting as `file.export`, for example `index.handler`.',
  },
  HandlerUndefined: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'Export the function under the name that the handler setting gives after the first dot.',
  },
  HandlerNotAFunction: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'The export exists but cannot be called: export the handler function itself.',
  },
  ImportModuleError: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'The require stack names the file that asks. Put the package into the function, bundle it, or add a layer.',
  },
  SdkClientMissing: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'Only the most used AWS SDK clients are in the layer. The function’s own copy of any client always wins.',
  },
  UserCodeSyntaxError: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice:
      'The trace begins with file and line; where they are in an ES module Node says below it in the log. ESM syntax needs `.mjs` or `"type": "module"`, CommonJS `.cjs` or no type.',
  },
  MalformedStreamingHandler: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'Mark the handler with `awslambda.streamifyResponse(handler)` and leave its symbols alone.',
  },
  CallbackHandlerDeprecated: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'Only with SPANSTRAP_HANDLER_COMPAT=node24: unset it and callbacks work, or make the handler async.',
  },
  CallbackHandlerManagedInstances: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'Make the handler async: return the result instead of passing it to the callback.',
  },
  CallbackHandlerWarning: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'Callbacks go on working here; the managed Node 24 runtime refuses them.',
  },
  CallbackStyleWarning: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'Nothing has to be done. An async handler that returns its result works everywhere.',
  },
  PackageJsonUnreadable: {
    phase: 'init',
    blame: 'function',
    retry: false,
    advice: 'The file is not JSON or not readable; the module is taken for CommonJS.',
  },
  ContextHeaderMalformed: {
    phase: 'invocation',
    blame: 'platform',
    retry: false,
    advice: 'The caller sent a client context or an identity that is not JSON. Correct the caller.',
  },
  JSONStringifyError: {
    phase: 'invocation',
    blame: 'function',
    retry: false,
    advice: 'The result holds a cycle, a BigInt or a toJSON that throws: return plain JSON values.',
  },
  ResponseWithoutJson: {
    phase: 'invocation',
    blame: 'function',
    retry: false,
    advice: 'The result is a function or a symbol, which JSON has no text for: return a plain value.',
  },
  NodeJsExit: {
    phase: 'invocation',
    blame: 'function',
    retry: false,
    advice: 'Nothing was left that could settle the handler’s promise: look for a promise without resolve or reject.',
  },
  UnhandledPromiseRejection: {
    phase: 'invocation',
    blame: 'function',
    retry: false,
    advice:
      'A promise was rejected and nobody caught it: await it, or give it a catch. The process ends with code 128.',
  },
  ErrorUnreadable: {
    phase: 'invocation',
    blame: 'function',
    retry: false,
    advice: 'The thrown value throws when it is looked at (a getter, a proxy, a null prototype): throw a plain Error.',
  },
  AlreadyDone: {
    phase: 'invocation',
    blame: 'function',
    retry: false,
    advice: 'The handler finished twice; the first result was sent. Finish in one place.',
  },
  ContentTypeTooLate: {
    phase: 'streaming',
    blame: 'function',
    retry: false,
    advice: 'Call setContentType, or HttpResponseStream.from, before the first write.',
  },
  ContentTypeInvalid: {
    phase: 'streaming',
    blame: 'function',
    retry: false,
    advice: 'A content type is one line of visible latin1 characters, such as `text/html; charset=utf-8`.',
  },
  StreamingHandlerNotAsync: {
    phase: 'streaming',
    blame: 'function',
    retry: false,
    advice: 'Make the streaming handler async, or return the promise of what it does.',
  },
  StreamNotFinished: {
    phase: 'streaming',
    blame: 'function',
    retry: false,
    advice: 'The response stream was destroyed, or the handler returned before the stream had ended: end it and wait.',
  },
  StreamingReturnIgnored: {
    phase: 'streaming',
    blame: 'function',
    retry: false,
    advice: 'Write to the response stream what the caller shall get, and return nothing.',
  },
  MissingEnvironmentVariable: {
    phase: 'init',
    blame: 'platform',
    retry: false,
    advice: 'Lambda sets it. Outside of Lambda, start the layer with `spanstrap invoke` or set the variable.',
  },
  RuntimeApiAddressInvalid: {
    phase: 'init',
    blame: 'platform',
    retry: false,
    advice: 'AWS_LAMBDA_RUNTIME_API is `host:port` without a scheme.',
  },
  MissingInvocationHeader: {
    phase: 'runtime-api',
    blame: 'platform',
    retry: true,
    advice: 'The Runtime API sent an invocation that cannot be answered. The process ends and Lambda starts a new one.',
  },
  DeadlineInvalid: {
    phase: 'runtime-api',
    blame: 'platform',
    retry: true,
    advice: 'The Runtime API sent a deadline that is not a number. The process ends and Lambda starts a new one.',
  },
  ApiAnswerMalformed: {
    phase: 'runtime-api',
    blame: 'platform',
    retry: true,
    advice: 'Check that AWS_LAMBDA_RUNTIME_API points to Lambda or to an emulator of it.',
  },
  ApiUnreachable: {
    phase: 'runtime-api',
    blame: 'platform',
    retry: true,
    advice: 'Check that AWS_LAMBDA_RUNTIME_API points to Lambda or to an emulator of it.',
  },
  ApiStatus: {
    phase: 'runtime-api',
    blame: 'platform',
    retry: true,
    advice: 'The body says why. After this the process ends and Lambda starts a new one.',
  },
  AnswerRefused: {
    phase: 'runtime-api',
    blame: 'function',
    retry: false,
    advice: 'Status 413: the response is over 6 MB; put it into S3 and answer with its address, or stream it.',
  },
  InvocationGone: {
    phase: 'runtime-api',
    blame: 'function',
    retry: true,
    advice: 'The invocation timed out before the handler finished: raise the timeout or make the handler faster.',
  },
  ExtensionRefused: {
    phase: 'extension',
    blame: 'platform',
    retry: true,
    advice: 'Lambda allows ten extensions: remove one that is not needed.',
  },
} as const satisfies Record<ErrorName, ErrorDocumentation>;
