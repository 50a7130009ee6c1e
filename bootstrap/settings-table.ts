// The one table of what can be set, with the names it can be set by. Parsing, documentation and tests all read it.

export type Setting<T> = {
  /** Variables in order of precedence: our own first, then the standard ones, then what other tracers call the same thing. */
  readonly env: readonly string[];
  readonly default: T;
  /** undefined: the text is not a value of this kind. */
  parse(text: string): T | undefined;
  /** What a value looks like, for messages and documentation. */
  readonly expected: string;
  readonly doc: string;
  /** Never printed. */
  readonly isSecret?: true;
};

const TRUE = new Set(['1', 'true', 'yes', 'on']);
const FALSE = new Set(['0', 'false', 'no', 'off']);

const optional = <T>(setting: Omit<Setting<T>, 'default'>): Setting<T | undefined> => ({
  ...setting,
  default: undefined,
});

const text = (entry: Omit<Setting<string>, 'parse' | 'expected' | 'default'> & { expected?: string }) =>
  optional<string>({ expected: 'text', ...entry, parse: (value) => value });

const flag = (entry: Omit<Setting<boolean>, 'parse' | 'expected'>): Setting<boolean> => ({
  ...entry,
  expected: 'true or false',
  parse: (value) => {
    const known = value.toLowerCase();
    return TRUE.has(known) ? true : FALSE.has(known) ? false : undefined;
  },
});

const choice = <const T extends string>(
  values: readonly T[],
  entry: Omit<Setting<NoInfer<T>>, 'parse' | 'expected'>,
): Setting<T> => ({
  ...entry,
  expected: values.join(', '),
  parse: (value) => values.find((known) => known === value.toLowerCase()),
});

const number = (min: number, max: number, entry: Omit<Setting<number>, 'parse' | 'expected'>): Setting<number> => ({
  ...entry,
  expected: `a number from ${min} to ${max}`,
  parse: (value) => {
    const parsed = Number(value);
    return value.trim() !== '' && parsed >= min && parsed <= max ? parsed : undefined;
  },
});

const choices = <const T extends string>(
  values: readonly T[],
  entry: Omit<Setting<readonly T[]>, 'parse' | 'expected' | 'default'>,
) =>
  optional<readonly T[]>({
    ...entry,
    expected: `a comma separated list of ${values.join(', ')}`,
    parse: (value) => {
      const items = value.split(',').map((item) => item.trim().toLowerCase());
      return items.every((item) => (values as readonly string[]).includes(item)) ? (items as T[]) : undefined;
    },
  });

/** `key=value,key=value` with percent-encoded values (W3C Baggage, as OpenTelemetry uses it). */
const pairs = (
  entry: Omit<Setting<Record<string, string>>, 'parse' | 'expected'>,
): Setting<Record<string, string>> => ({
  ...entry,
  expected: 'key=value,key=value',
  parse: (value) => {
    const found: Record<string, string> = {};
    for (const pair of value.split(',')) {
      if (pair.trim() === '') continue;
      const equals = pair.indexOf('=');
      if (equals < 1) return undefined;
      try {
        found[decodeURIComponent(pair.slice(0, equals).trim())] = decodeURIComponent(pair.slice(equals + 1).trim());
      } catch {
        return undefined;
      }
    }
    return found;
  },
});

export const settingsTable = {
  isDisabled: flag({
    env: ['SPANSTRAP_DISABLED', 'OTEL_SDK_DISABLED'],
    default: false,
    doc: 'Switches all tracing off; the plain runtime stays.',
  }),
  exporters: choices(['xray', 'otlp', 'none'], {
    env: ['OTEL_TRACES_EXPORTER'],
    doc: 'Where spans go. Unset: `xray`, and `otlp` as soon as an OTLP endpoint is set.',
  }),
  xrayDaemonAddress: text({
    env: ['AWS_XRAY_DAEMON_ADDRESS'],
    expected: 'host:port, or udp:host:port tcp:host:port',
    doc: 'Where the X-Ray daemon listens; Lambda sets it.',
  }),
  xrayMode: choice(['auto', 'phases', 'attach', 'prefixed', 'off'], {
    env: ['SPANSTRAP_XRAY_MODE'],
    default: 'auto',
    doc:
      'How X-Ray draws an invocation: own `Initialization`, `Invocation` and `Overhead` (`phases`), the same under names ' +
      'of their own (`prefixed`), only what the function did (`attach`), or nothing (`off`). `auto` is `attach` in China ' +
      'and GovCloud, where Lambda draws the phases itself, and `phases` elsewhere.',
  }),
  otlpEndpoint: text({
    env: ['OTEL_EXPORTER_OTLP_ENDPOINT'],
    expected: 'an http or https URL',
    doc: 'OTLP/HTTP endpoint of all signals; traces go to `/v1/traces` below it.',
  }),
  otlpTracesEndpoint: text({
    env: ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
    expected: 'an http or https URL',
    doc: 'OTLP/HTTP endpoint of traces, used as it is.',
  }),
  otlpHeaders: pairs({
    env: ['OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS'],
    default: {},
    isSecret: true,
    doc: 'Headers sent with every export, such as an API key.',
  }),
  otlpTimeoutMs: number(1, 900_000, {
    env: ['OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT'],
    default: 2000,
    doc: 'Time for one export, in milliseconds; the deadline of the invocation shortens it.',
  }),
  otlpCompression: choice(['gzip', 'none'], {
    env: ['OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', 'OTEL_EXPORTER_OTLP_COMPRESSION'],
    default: 'none',
    doc: 'Compression of exports.',
  }),
  otlpXrayParent: choice(['auto', 'keep', 'root'], {
    env: ['SPANSTRAP_OTLP_XRAY_PARENT'],
    default: 'auto',
    doc:
      "Whether OTLP spans keep the X-Ray header's parent, a segment that only X-Ray has (`keep`), or begin at the " +
      'function with the same trace id (`root`). `auto` keeps it for X-Ray’s own OTLP endpoint.',
  }),
  sampler: choice(
    [
      'always_on',
      'always_off',
      'traceidratio',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
    ],
    {
      env: ['OTEL_TRACES_SAMPLER'],
      default: 'always_on',
      doc: "Decides for OTLP. X-Ray follows the header's own decision.",
    },
  ),
  samplerRatio: number(0, 1, {
    env: ['OTEL_TRACES_SAMPLER_ARG'],
    default: 1,
    doc: 'Share of traces for the ratio samplers.',
  }),
  serviceName: text({
    env: ['OTEL_SERVICE_NAME'],
    doc: "`service.name`; the function's name when unset.",
  }),
  resourceAttributes: pairs({
    env: ['OTEL_RESOURCE_ATTRIBUTES'],
    default: {},
    doc: 'Attributes added to the resource.',
  }),
  maxQueuedSpans: number(1, 1_000_000, {
    env: ['SPANSTRAP_MAX_QUEUED_SPANS', 'LAMBDA_SPAN_PROCESSOR_QUEUE_SIZE', 'OTEL_BSP_MAX_QUEUE_SIZE'],
    default: 2048,
    doc: 'Spans kept per destination while it cannot be reached; the oldest are dropped first.',
  }),
  handlerCompat: optional(
    choice(['node22', 'node24'], {
      env: ['SPANSTRAP_HANDLER_COMPAT'],
      default: 'node24',
      doc: 'Follows one managed runtime exactly in how a handler becomes a response; unset: all styles work.',
    }),
  ),
  logLevel: choice(['debug', 'info', 'warn', 'error', 'none'], {
    env: ['SPANSTRAP_LOG_LEVEL', 'OTEL_LOG_LEVEL'],
    default: 'warn',
    doc: "What spanstrap says of itself; the function's own log level is not touched.",
  }),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingsTable = typeof settingsTable;
