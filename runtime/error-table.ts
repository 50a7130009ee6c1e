// Every error and warning of the runtime, in one table: what is thrown, written and sent. Names and texts that the managed
// runtimes have are theirs, letter for letter; what handlers throw themselves passes through and is not in here.

export type ErrorEntry = {
  /** Stable; never reused for another error. */
  readonly code: `SS_${string}`;
  /** `errorType` on the wire and `name` of the error object. null: a log line only, it fails nothing. */
  readonly wireType: string | null;
  /** With `{placeholder}`s for values; an empty value takes the space before it along. */
  readonly message: string;
};

export const errorTable = {
  HandlerNameEscapes: {
    code: 'SS_HANDLER_NAME_ESCAPES',
    wireType: 'Runtime.MalformedHandlerName',
    message:
      "'{handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.",
  },
  HandlerNameWithoutDot: {
    code: 'SS_HANDLER_NAME_WITHOUT_DOT',
    wireType: 'Runtime.MalformedHandlerName',
    message: 'Bad handler',
  },
  HandlerUndefined: {
    code: 'SS_HANDLER_UNDEFINED',
    wireType: 'Runtime.HandlerNotFound',
    message: '{handler} is undefined or not exported',
  },
  HandlerNotAFunction: {
    code: 'SS_HANDLER_NOT_A_FUNCTION',
    wireType: 'Runtime.HandlerNotFound',
    message: '{handler} is not a function',
  },
  ImportModuleError: {
    code: 'SS_IMPORT_MODULE',
    wireType: 'Runtime.ImportModuleError',
    message: '{cause}',
  },
  SdkClientMissing: {
    code: 'SS_SDK_CLIENT_MISSING',
    wireType: 'Runtime.ImportModuleError',
    message:
      '{cause}\nOf the AWS SDK, the layer has {clients}; for another client run `npm install` in the function, or bundle it.',
  },
  UserCodeSyntaxError: {
    code: 'SS_USER_CODE_SYNTAX',
    wireType: 'Runtime.UserCodeSyntaxError',
    message: '{cause}',
  },
  MalformedStreamingHandler: {
    code: 'SS_MALFORMED_STREAMING_HANDLER',
    wireType: 'Runtime.MalformedStreamingHandler',
    message: 'Only response streaming is supported.',
  },
  CallbackHandlerDeprecated: {
    code: 'SS_CALLBACK_HANDLER',
    wireType: 'Runtime.CallbackHandlerDeprecated',
    message:
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
  },
  CallbackHandlerManagedInstances: {
    code: 'SS_CALLBACK_HANDLER_MANAGED_INSTANCES',
    wireType: 'Runtime.CallbackHandlerDeprecated',
    message:
      'ERROR: AWS Lambda does not support callback-based function handlers when using Node.js 22 with Managed Instances. To use Managed Instances, modify this function to use a supported handler signature. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
  },
  CallbackHandlerWarning: {
    code: 'SS_CALLBACK_HANDLER_WARNING',
    wireType: null,
    message:
      'AWS Lambda plans to remove support for callback-based function handlers starting with Node.js 24. You will need to update this function to use an async handler to use Node.js 24 or later. For more information and to provide feedback on this change, see https://github.com/aws/aws-lambda-nodejs-runtime-interface-client/issues/137. To disable this warning, set the AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING environment variable.',
  },
  CallbackStyleWarning: {
    code: 'SS_CALLBACK_STYLE',
    wireType: null,
    message:
      'The handler finishes by its callback or by context.succeed, fail or done, which the managed Node.js 24 runtime refuses. Here it works; AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING=1 ends this warning.',
  },
  PackageJsonUnreadable: {
    code: 'SS_PACKAGE_JSON_UNREADABLE',
    wireType: null,
    message: '{path} cannot be read, it will be ignored for ES module detection purposes.',
  },
  ContextHeaderMalformed: {
    code: 'SS_CONTEXT_HEADER_MALFORMED',
    wireType: 'Error',
    message: 'Cannot parse {field} as json: {problem}',
  },
  JSONStringifyError: {
    code: 'SS_RESPONSE_NOT_JSON',
    wireType: 'Runtime.JSONStringifyError',
    message: 'Unable to stringify response body',
  },
  ResponseWithoutJson: {
    code: 'SS_RESPONSE_WITHOUT_JSON',
    wireType: 'TypeError',
    message: 'Wrong arguments',
  },
  NodeJsExit: {
    code: 'SS_NEVER_SETTLED',
    wireType: 'Runtime.NodeJsExit',
    message:
      'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes {unfinished}',
  },
  UnhandledPromiseRejection: {
    code: 'SS_UNHANDLED_REJECTION',
    wireType: 'Runtime.UnhandledPromiseRejection',
    message: '{reason}',
  },
  ErrorUnreadable: {
    code: 'SS_ERROR_UNREADABLE',
    wireType: 'handled',
    message:
      'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
  },
  AlreadyDone: {
    code: 'SS_ALREADY_DONE',
    wireType: null,
    message: 'Invocation has already been reported as done. Cannot call complete more than once per invocation.',
  },
  ContentTypeTooLate: {
    code: 'SS_CONTENT_TYPE_TOO_LATE',
    wireType: 'Runtime.InvalidStreamingOperation',
    message: 'Cannot set content-type, too late.',
  },
  ContentTypeInvalid: {
    code: 'SS_CONTENT_TYPE_INVALID',
    wireType: 'TypeError',
    message: 'Invalid value {value} for header "Content-Type"',
  },
  StreamingHandlerNotAsync: {
    code: 'SS_STREAMING_HANDLER_NOT_ASYNC',
    wireType: 'Error',
    message: 'Streaming does not support non-async handlers.',
  },
  StreamNotFinished: {
    code: 'SS_STREAM_NOT_FINISHED',
    wireType: 'Error',
    message: 'Response stream is not finished.',
  },
  StreamingReturnIgnored: {
    code: 'SS_STREAMING_RETURN_IGNORED',
    wireType: null,
    message: 'Streaming handlers ignore return values.',
  },
  MissingEnvironmentVariable: {
    code: 'SS_MISSING_ENVIRONMENT_VARIABLE',
    wireType: 'Runtime.PlatformError',
    message: '{variable} environment variable is not set',
  },
  RuntimeApiAddressInvalid: {
    code: 'SS_RUNTIME_API_ADDRESS',
    wireType: 'Runtime.PlatformError',
    message: 'Invalid hostnamePort: {address}',
  },
  MissingInvocationHeader: {
    code: 'SS_MISSING_INVOCATION_HEADER',
    wireType: 'Runtime.PlatformError',
    message: 'Missing required headers: {headers}',
  },
  DeadlineInvalid: {
    code: 'SS_DEADLINE_INVALID',
    wireType: 'Runtime.PlatformError',
    message: 'Invalid deadline timestamp',
  },
  ApiAnswerMalformed: {
    code: 'SS_API_ANSWER_MALFORMED',
    wireType: 'Runtime.PlatformError',
    message: '{request}: the answer is not HTTP: {problem}',
  },
  ApiUnreachable: {
    code: 'SS_API_UNREACHABLE',
    wireType: 'Runtime.PlatformError',
    message: '{request}: no connection to the Runtime API: {problem}',
  },
  ApiStatus: {
    code: 'SS_API_STATUS',
    wireType: 'Runtime.PlatformError',
    message: '{request}: the Runtime API answered with status {status}: {body}',
  },
  AnswerRefused: {
    code: 'SS_ANSWER_REFUSED',
    wireType: null,
    message: 'Failed to post handler {what} response. Http response code: {status}. {body}',
  },
  InvocationGone: {
    code: 'SS_INVOCATION_GONE',
    wireType: null,
    message: 'The answer to request {requestId} came after its time was up and was dropped.',
  },
  ExtensionRefused: {
    code: 'SS_EXTENSION_REFUSED',
    wireType: null,
    message:
      'The internal extension could not register: {problem}. Invocations are served; telemetry is sent with them.',
  },
} as const satisfies Record<string, ErrorEntry>;
