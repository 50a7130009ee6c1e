// The kinds of settings: what a text must be to be a value of each. Which settings there are stands in the tables.

export type Setting<T> = {
  /** Variables in order of precedence: our own first, then the standard ones, then what other tracers call the same thing. */
  readonly env: readonly string[];
  readonly default: T;
  /** undefined: the text is not a value of this kind. */
  parse(text: string): T | undefined;
  /** What a value looks like, for messages and documentation. */
  readonly expected: string;
  /** Never printed. */
  readonly isSecret?: true;
  /** Joins the values of all variables that are set; without it the first one alone counts. */
  merge?(first: T, second: T): T;
};

export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;

/** What reading a table gives. */
export type Values<Table extends SettingsTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Setting<infer Value> ? Value : never;
};

type Variables = readonly string[];
/** A kind of setting has no default; `withDefault` gives it one. */
type Optional<T> = Setting<T | undefined>;

export const withDefault = <T>(value: NoInfer<T>, setting: Optional<T>): Setting<T> =>
  ({ ...setting, default: value }) as Setting<T>;

export const secret = <T>(setting: Setting<T>): Setting<T> => ({ ...setting, isSecret: true });

const kind = <T>(env: Variables, expected: string, parse: (text: string) => T | undefined): Optional<T> => ({
  env,
  default: undefined,
  expected,
  parse,
});

export const text = (env: Variables, expected = 'text'): Optional<string> => kind(env, expected, (value) => value);

const FLAGS: Readonly<Record<string, boolean | undefined>> = {
  1: true,
  true: true,
  yes: true,
  on: true,
  0: false,
  false: false,
  no: false,
  off: false,
};

export const flag = (env: Variables): Optional<boolean> =>
  kind(env, 'true or false', (value) => FLAGS[value.toLowerCase()]);

/** `otherNames`: what else a value is called, in lower case. */
export const choice = <const T extends string>(
  env: Variables,
  values: readonly T[],
  otherNames: Readonly<Record<string, NoInfer<T>>> = {},
): Optional<T> =>
  kind(env, values.join(', '), (value) => {
    const wanted = value.toLowerCase();
    return otherNames[wanted] ?? values.find((known) => known === wanted);
  });

/** A comma separated list. */
export const choices = <const T extends string>(env: Variables, values: readonly T[]): Optional<readonly T[]> =>
  kind(env, `a comma separated list of ${values.join(', ')}`, (value) => {
    const items = value.split(',').map((item) => item.trim().toLowerCase());
    return items.every((item) => (values as readonly string[]).includes(item)) ? (items as T[]) : undefined;
  });

const inRange = (value: number, min: number, max: number): number | undefined =>
  value >= min && value <= max ? value : undefined;

export const number = (env: Variables, min: number, max: number): Optional<number> =>
  kind(env, `a number from ${min} to ${max}`, (value) => inRange(Number(value), min, max));

/** Milliseconds, as a number or with a unit: `1500`, `1500ms`, `1.5s`. */
export const duration = (env: Variables, maxMs: number): Optional<number> =>
  kind(env, `milliseconds from 1 to ${maxMs}`, (value) => {
    const [, digits, unit] = /^([\d.]+)\s*(ms|s)?$/.exec(value.toLowerCase()) ?? [];
    return inRange(Number(digits) * (unit === 's' ? 1000 : 1), 1, maxMs);
  });

/** `key=value,key=value` with percent-encoded values (W3C Baggage, as OpenTelemetry uses it). */
export const pairs = (env: Variables): Optional<Readonly<Record<string, string>>> =>
  kind(env, 'key=value,key=value', (value) => {
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
  });
