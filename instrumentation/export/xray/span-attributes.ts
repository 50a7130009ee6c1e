// Reading a span's attributes so that each is used once: what a block of the document takes is marked, and what nobody took
// ends in the metadata.

// Loops over keys count here and in the blocks: most flushes run in V8's interpreter, where for-of makes an object per step.

export class SpanAttributes {
  readonly values: Readonly<Record<string, unknown>>;
  readonly keys: readonly string[];
  #used: Set<string> | undefined;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
    this.keys = Object.keys(values);
  }

  use(key: string): void {
    this.#used ??= new Set();
    this.#used.add(key);
  }

  isUsed(key: string): boolean {
    return this.#used?.has(key) ?? false;
  }
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : undefined;
  return typeof value === 'boolean' || typeof value === 'bigint' ? String(value) : undefined;
}

function integerOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? Math.trunc(value) : undefined;
  if (typeof value === 'bigint') return Number(value);
  // Written as text by some instrumentations, and by our own `error.type`.
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/** The text under `key`, which stays unused; undefined when it is empty or not a scalar. */
export function peekText(attributes: SpanAttributes, key: string): string | undefined {
  const value = attributes.values[key];
  return value === undefined ? undefined : textOf(value) || undefined;
}

/** Takes every scalar under `keys` and gives the first that is not empty. */
export function takeText(attributes: SpanAttributes, keys: readonly string[]): string | undefined {
  let found: string | undefined;
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index]!;
    const value = attributes.values[key];
    if (value === undefined) continue;
    const text = textOf(value);
    if (text === undefined) continue;
    attributes.use(key);
    if (found === undefined && text !== '') found = text;
  }
  return found;
}

/** Takes every whole number under `keys`, also one written as text, and gives the first. */
export function takeInteger(attributes: SpanAttributes, keys: readonly string[]): number | undefined {
  let found: number | undefined;
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index]!;
    const value = attributes.values[key];
    if (value === undefined) continue;
    const integer = integerOf(value);
    if (integer === undefined) continue;
    attributes.use(key);
    if (found === undefined) found = integer;
  }
  return found;
}

/** The texts of a list, or of a single text; takes it. */
export function takeTexts(attributes: SpanAttributes, key: string): string[] {
  const value = attributes.values[key];
  if (value === undefined) return [];
  const texts = (Array.isArray(value) ? value : [value]).filter((one): one is string => typeof one === 'string');
  if (texts.length > 0) attributes.use(key);
  return texts;
}
