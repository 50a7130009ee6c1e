// What is to be said of every setting, for docs/settings.md. Apart from the tables, which running functions read.

import type { SettingName } from './all-settings.ts';

/** Chapters of the page, in its order. */
export const settingGroups = {
  general: 'General',
  destinations: 'Where spans go',
  xray: 'X-Ray',
  otlp: 'OTLP',
  security: 'OTLP: TLS, proxies, AWS',
  stdout: 'OTLP on standard output',
  sampling: 'Sampling, resource, limits',
  flushing: 'Queue and flushing',
  invocations: 'Invocations and their trace',
  calls: 'Outgoing calls',
} as const;

export type SettingGroup = keyof typeof settingGroups;

export type SettingDocumentation = { readonly group: SettingGroup; readonly text: string };

export const settingDocs = {
  isDisabled: {
    group: 'general',
    text: 'Switches all tracing off; the plain runtime stays.',
  },
  isDoctorOn: {
    group: 'general',
    text: 'Writes a report on the tracer itself into the log after the first invocation, and what became of the spans whenever some were lost: see [Troubleshooting](troubleshooting.md). It costs nothing before the response.',
  },
  handlerCompat: {
    group: 'general',
    text: 'Follows one managed runtime exactly in how a handler becomes a response; unset: all styles work.',
  },
  logLevel: {
    group: 'general',
    text: "What spanstrap says of itself. All its lines are warnings: `error` and `none` silence them. The function's own log level is another matter.",
  },
  exporters: {
    group: 'destinations',
    text: 'Where spans go, each with a queue of its own: `xray` to the X-Ray daemon, `otlp` to an OpenTelemetry backend, `otlp-stdout` as records of Lambda OTel Lite for its forwarder, `console` as lines for people. Unset: `xray`, and `otlp` as soon as an OTLP endpoint is set; if that endpoint is X-Ray’s own, it takes the place of the daemon.',
  },
  otlpFallback: {
    group: 'destinations',
    text: 'What becomes of spans that an OTLP backend refused, or that wait for one in vain until the queue is full or the process ends, unless X-Ray has them: `stdout` writes them to the log as records of Lambda OTel Lite, without the headers; `none` drops them.',
  },
  xrayDaemonAddress: {
    group: 'xray',
    text: 'Where the X-Ray daemon listens; Lambda sets it.',
  },
  xrayMode: {
    group: 'xray',
    text: 'How X-Ray draws an invocation: own `Initialization`, `Invocation` and `Overhead` (`phases`), the same under names that Lambda’s own do not have (`prefixed`), only what the function did (`attach`), a segment of its own around the phases (`segment`; for functions without Active tracing whose callers are traced), or nothing (`off`). `auto` is `attach` in China and GovCloud, where Lambda draws the phases itself, and `phases` elsewhere.',
  },
  indexedAttributes: {
    group: 'xray',
    text: 'Span attributes that become annotations, by which X-Ray can be searched, on every span. A span can also name its own in `aws.xray.annotations`.',
  },
  keepsAnnotationDots: {
    group: 'xray',
    text: 'Keeps `.` in the keys of annotations. The guide allows letters, digits and `_` only; newer backends take dots.',
  },
  metadataCapBytes: {
    group: 'xray',
    text: 'Metadata of one subsegment, in bytes; the largest values are left out first.',
  },
  otlpEndpoint: {
    group: 'otlp',
    text: 'OTLP endpoint of all signals. Over HTTP traces go to `/v1/traces` below it. When `OTEL_TRACES_EXPORTER` names `otlp` and no endpoint is set, it is `http://localhost:4318`, for gRPC port 4317.',
  },
  otlpTracesEndpoint: {
    group: 'otlp',
    text: 'OTLP endpoint of traces, used as it is.',
  },
  otlpProtocol: {
    group: 'otlp',
    text: 'How spans are encoded and carried. `http` is the same as `http/protobuf`.',
  },
  headers: {
    group: 'otlp',
    text: 'Headers sent with every export, such as an API key. Headers for traces and headers for all signals go together.',
  },
  otlpHeadersSecret: {
    group: 'otlp',
    text: 'Takes further headers from a secret: the ARN of a Secrets Manager secret or of an SSM parameter, or `kms:` and the base64 of what KMS encrypted. It holds `key=value,key=value` or a JSON object. It is read during init, while the function’s module loads; the role needs `secretsmanager:GetSecretValue`, `ssm:GetParameter` or `kms:Decrypt`.',
  },
  otlpTimeoutMs: {
    group: 'otlp',
    text: 'Time for one export, all tries together, in milliseconds. The deadline of the invocation shortens it.',
  },
  compression: {
    group: 'otlp',
    text: 'Compression of exports, gzip at its fastest level. Bodies below 1 KiB are sent as they are.',
  },
  maxRequestSpans: {
    group: 'otlp',
    text: 'Spans in one request.',
  },
  maxRequestBytes: {
    group: 'otlp',
    text: 'Bytes in one request, before compression. Requests that a receiver calls too large are divided as well.',
  },
  otlpXrayParent: {
    group: 'otlp',
    text: "Whether OTLP spans keep the X-Ray header's parent, a segment that only X-Ray has (`keep`), or begin at the function with the same trace id (`root`). With `lead` the header comes before a W3C context of the caller, which becomes a link. `auto` keeps it for X-Ray’s own OTLP endpoint.",
  },
  certificateFile: {
    group: 'security',
    text: 'Certificates that are trusted instead of Node’s own.',
  },
  certificateBase64: {
    group: 'security',
    text: 'The same as text, for where there is no file.',
  },
  clientCertificateFile: {
    group: 'security',
    text: 'The certificate that is shown to the receiver.',
  },
  clientKeyFile: {
    group: 'security',
    text: 'The key to that certificate.',
  },
  isServerVerified: {
    group: 'security',
    text: 'Whether the receiver’s certificate is checked. Without that anybody on the way can read the spans and the headers.',
  },
  isInsecure: {
    group: 'security',
    text: 'Whether a gRPC endpoint without a scheme, such as `collector:4317`, is reached without TLS.',
  },
  sigv4: {
    group: 'security',
    text: 'Whether exports are signed with the function’s AWS credentials. `auto`: those to X-Ray’s and CloudWatch’s own OTLP endpoints. The role needs `xray:PutSpans` and `xray:PutSpansForIndexing`. Exports over gRPC are never signed: AWS’s endpoints take HTTP only.',
  },
  sigv4Region: {
    group: 'security',
    text: 'Region to sign for, when the endpoint does not name it: a proxy or a private name.',
  },
  sigv4Service: {
    group: 'security',
    text: 'Service to sign for, when the endpoint does not name it; `xray` unless set.',
  },
  recordLevel: {
    group: 'stdout',
    text: 'Adds `level` to every record, to filter logs by.',
  },
  compressionLevel: {
    group: 'stdout',
    text: 'How hard gzip works on the records. When it is set, the resource says so in `lambda_otel_lite.otlp_stdout_span_exporter.compression_level`.',
  },
  outputType: {
    group: 'stdout',
    text: 'Whether records go to standard output or into the named pipe `/tmp/otlp-stdout-span-exporter.pipe`, which an extension makes and reads. When nobody reads it they go to standard output.',
  },
  sampler: {
    group: 'sampling',
    text: "Decides for everything but X-Ray, which follows its header's own decision. `xray` is that decision for all. Where the parent is a segment of X-Ray’s, the samplers that are based on the parent take its `Sampled=1` for a decision and its 0 for none.",
  },
  samplerRatio: {
    group: 'sampling',
    text: 'Share of traces for the ratio samplers.',
  },
  keepRules: {
    group: 'sampling',
    text: 'Invocations that OTLP gets although the sampler does not want them: those that fail (`errors`), that waited for an init (`cold`), that take 1 s or longer (`slow`) or as long as is said (`slow=1500ms`; in `s` or `ms`). Decided at their end, for all their spans: see [What is kept](delivery.md#what-is-kept-although-the-sampler-does-not-want-it).',
  },
  serviceName: {
    group: 'sampling',
    text: "`service.name`; the function's name when unset.",
  },
  resourceAttributes: {
    group: 'sampling',
    text: 'Attributes added to the resource.',
  },
  attributeCountLimit: {
    group: 'sampling',
    text: 'Attributes of a span that user code or an instrumentation makes; further ones are counted and dropped.',
  },
  attributeValueLengthLimit: {
    group: 'sampling',
    text: 'Characters of a text attribute of such a span; the rest is cut off.',
  },
  eventCountLimit: {
    group: 'sampling',
    text: 'Events of such a span; the oldest go.',
  },
  linkCountLimit: {
    group: 'sampling',
    text: 'Links of such a span; the oldest go.',
  },
  attributePerEventCountLimit: {
    group: 'sampling',
    text: 'Attributes of one event.',
  },
  attributePerLinkCountLimit: {
    group: 'sampling',
    text: 'Attributes of one link.',
  },
  maxQueuedSpans: {
    group: 'flushing',
    text: 'Spans kept per destination while it cannot be reached; the oldest go first. When it is set, the resource says so in `lambda_otel_lite.lambda_span_processor.queue_size`.',
  },
  flushTimeoutMs: {
    group: 'flushing',
    text: 'Time for one flush of all destinations, in milliseconds. Unset: the time of one export and 200 ms.',
  },
  flushMode: {
    group: 'flushing',
    text: 'When spans leave: after the response and before the freeze (`async`), before the response (`sync`), or in batches and when the environment ends (`finalize`). When it is set, the resource says so in `lambda_otel_lite.extension.span_processor_mode`.',
  },
  flushStrategy: {
    group: 'flushing',
    text: 'Of the mode `async`: after every response (`end`), after a response when the interval is over or a batch is full (`periodic`), beside the next handler (`continuous`), or whichever of `end` and `continuous` suits how often the function is invoked (`adaptive`). `end,5000`: after a response when the last flush is 5 s ago.',
  },
  flushIntervalMs: {
    group: 'flushing',
    text: 'Time between two flushes where time decides, and while a handler runs long, in milliseconds. Unset: 2000, with `continuous` and `adaptive` 20000.',
  },
  batchSize: {
    group: 'flushing',
    text: 'Spans that make a full batch.',
  },
  batchJitter: {
    group: 'flushing',
    text: 'How much the batch size varies up and down, so that environments do not flush in step.',
  },
  memoryPercent: {
    group: 'flushing',
    text: "Share of the function's memory that spans may take while they wait, in percent; the oldest ordinary ones are dropped first, and counted.",
  },
  deadlineMarginMs: {
    group: 'flushing',
    text: 'How long before its deadline an invocation is told of as late, in milliseconds. Unset: a tenth of its time, at least 500 and at most 3000.',
  },
  watchdog: {
    group: 'flushing',
    text: 'A thread that reports what blocks the event loop when an invocation runs out of time. `auto`: it is started when an invocation has used a quarter of its time, or at once after a process that was killed, in functions with 256 MB or more. `on`: after the first invocation, whatever the memory. `off`: never. It needs the spool.',
  },
  spoolFolder: {
    group: 'flushing',
    text: 'Where a process that dies leaves what it has recorded for the next one of the same environment. Unset: `TMPDIR`, else `/tmp`. `off`: nowhere.',
  },
  enabledInstrumentations: {
    group: 'calls',
    text: 'What is traced, by the short names of OpenTelemetry: `http`, `undici` (also global `fetch`), `http2` (also gRPC), `aws-sdk`, `pg`, `mysql2`, `mongodb`, `ioredis`, `redis`; `express`, `fastify`, `hono` for the routes that they match. Unset: all of them. Names of others are ignored.',
  },
  disabledInstrumentations: {
    group: 'calls',
    text: 'What is not traced, by the same names; it wins. Calls of what is off carry no trace either.',
  },
  injectionTargets: {
    group: 'calls',
    text: 'Where the trace is put into messages: attributes of `sqs` and `sns` messages while there are less than ten, the client context of `lambda` invocations that are waited for, and, only when named, the `detail` and `TraceHeader` of `eventbridge` entries and JSON records of `kinesis`. It needs a client of AWS SDK v3 that is not bundled. `none`: nowhere.',
  },
  propagators: {
    group: 'invocations',
    text: 'Formats of trace context that are read from events, whatever their order here: W3C comes first, then B3 and Datadog’s, then X-Ray, because Lambda always has an X-Ray header. `xray` is that of Lambda and those in events, `xray-lambda` Lambda’s alone. `none`: every invocation begins a trace of its own, except in X-Ray. Unset: `tracecontext`, `baggage`, `xray`.',
  },
  contextExtractor: {
    group: 'invocations',
    text: 'A function of yours that finds the trace context in an event: `(event, { awsRequestId, invokedFunctionArn, clientContext }) => headers`. The module is found like a handler. It returns an object of headers, an OpenTelemetry context or a span context, at once; what it finds comes before everything else. A failure costs one line in the log.',
  },
  messagingSpans: {
    group: 'invocations',
    text: 'Whether the processing of messages has a CONSUMER span of its own below `Invocation`, as the convention has it (`nested`), or is the span of the invocation itself (`flat`).',
  },
  messagingContext: {
    group: 'invocations',
    text: 'Whether the context of a message that comes alone is linked to, or becomes the parent of the invocation (`parent`). Those of several messages are always links.',
  },
  maxLinks: {
    group: 'invocations',
    text: 'How many records of a batch are searched for context.',
  },
  dropsWarmUps: {
    group: 'invocations',
    text: 'Leaves out invocations that only keep the function warm, as serverless-plugin-warmup and lambda-warmer send them.',
  },
  semconvOptIn: {
    group: 'invocations',
    text: '`http/dup` and `messaging/dup` add the names that attributes had before.',
  },
  requestHeaders: {
    group: 'invocations',
    text: 'Request headers that become attributes.',
  },
  responseHeaders: {
    group: 'invocations',
    text: 'Response headers that become attributes.',
  },
  knownMethods: {
    group: 'invocations',
    text: 'HTTP methods that stand as they are; others are `_OTHER`.',
  },
  capturesBodySizes: {
    group: 'invocations',
    text: 'Adds the sizes of request, response and message bodies.',
  },
  initModules: {
    group: 'invocations',
    text: 'Whether `Initialization` shows the modules of the function that take 3 ms or more.',
  },
} as const satisfies Record<SettingName, SettingDocumentation>;
