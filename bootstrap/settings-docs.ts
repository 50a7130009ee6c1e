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
  sampling: 'Sampling and resource',
  flushing: 'Queue and flushing',
} as const;

export type SettingGroup = keyof typeof settingGroups;

export type SettingDocumentation = { readonly group: SettingGroup; readonly text: string };

export const settingDocs = {
  isDisabled: {
    group: 'general',
    text: 'Switches all tracing off; the plain runtime stays.',
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
    text: "Whether OTLP spans keep the X-Ray header's parent, a segment that only X-Ray has (`keep`), or begin at the function with the same trace id (`root`). `auto` keeps it for X-Ray’s own OTLP endpoint.",
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
    text: 'gzip level of the records.',
  },
  outputType: {
    group: 'stdout',
    text: 'Whether records go to standard output or into the named pipe `/tmp/otlp-stdout-span-exporter.pipe`, which an extension makes and reads. When nobody reads it they go to standard output.',
  },
  sampler: {
    group: 'sampling',
    text: "Decides for everything but X-Ray, which follows its header's own decision.",
  },
  samplerRatio: {
    group: 'sampling',
    text: 'Share of traces for the ratio samplers.',
  },
  serviceName: {
    group: 'sampling',
    text: "`service.name`; the function's name when unset.",
  },
  resourceAttributes: {
    group: 'sampling',
    text: 'Attributes added to the resource.',
  },
  maxQueuedSpans: {
    group: 'flushing',
    text: 'Spans kept per destination while it cannot be reached; the oldest go first.',
  },
  flushTimeoutMs: {
    group: 'flushing',
    text: 'Time for one flush of all destinations, in milliseconds. Unset: the time of one export and 200 ms.',
  },
  flushMode: {
    group: 'flushing',
    text: 'When spans leave: before the response, after it, or when the environment ends. Not in force yet: spans leave after every response.',
  },
  flushStrategy: {
    group: 'flushing',
    text: 'How often spans leave. Not in force yet.',
  },
  flushIntervalMs: {
    group: 'flushing',
    text: 'Time between two flushes of the strategies that have one, in milliseconds. Not in force yet.',
  },
  batchSize: {
    group: 'flushing',
    text: 'Invocations whose spans leave together. Not in force yet.',
  },
  batchJitter: {
    group: 'flushing',
    text: 'How much the batch size varies up and down, so that environments do not flush in step. Not in force yet.',
  },
} as const satisfies Record<SettingName, SettingDocumentation>;
