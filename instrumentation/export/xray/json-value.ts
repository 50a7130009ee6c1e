// Any value as one that JSON carries without loss of shape: no NaN turned null, no cycle, no BigInt, no endless depth.

const MAX_DEPTH = 16;
/** Far more than the metadata cap lets through; bounds the work for a hostile value. */
const MAX_VALUES = 10_000;

type Walk = { readonly ancestors: object[]; values: number };

/** Sets a key that user input chose: `__proto__` becomes an ordinary key too. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
  } else target[key] = value;
}

/**
 * `value` for JSON. undefined: leave the key out (undefined, NaN, infinities). BigInt becomes its digits, bytes base64, functions and
 * symbols their text, a reference to an enclosing object `[circular]`, what lies deeper than 16 levels `[too deep]`.
 */
export function toJsonValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return toJsonScalar(value);
  return toJsonObject(value, { ancestors: [], values: 0 });
}

function toJsonScalar(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'bigint':
    case 'symbol':
    case 'function':
      return String(value);
    default:
      return value;
  }
}

function toJsonObject(value: object, walk: Walk): unknown {
  if (walk.ancestors.includes(value)) return '[circular]';
  if (walk.ancestors.length >= MAX_DEPTH) return '[too deep]';
  walk.ancestors.push(value);
  try {
    if (Array.isArray(value)) return toJsonArray(value, walk);
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    if (value instanceof Date) return Number.isFinite(value.getTime()) ? value.toISOString() : undefined;
    return toJsonRecord(value, walk);
  } catch {
    // A getter or proxy that throws.
    return '[unreadable]';
  } finally {
    walk.ancestors.pop();
  }
}

function toJsonArray(value: readonly unknown[], walk: Walk): unknown[] {
  const copy: unknown[] = [];
  for (const element of value) {
    walk.values += 1;
    if (walk.values > MAX_VALUES) {
      copy.push(`[${value.length - copy.length} more]`);
      break;
    }
    const json = typeof element === 'object' && element !== null ? toJsonObject(element, walk) : toJsonScalar(element);
    // Positions count in a list: what would be left out elsewhere is spelled.
    copy.push(json === undefined ? String(element) : json);
  }
  return copy;
}

function toJsonRecord(value: object, walk: Walk): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  const keys = Object.keys(value);
  for (const [index, key] of keys.entries()) {
    walk.values += 1;
    if (walk.values > MAX_VALUES) {
      copy['…'] = `[${keys.length - index} more]`;
      break;
    }
    const member = (value as Record<string, unknown>)[key];
    const json = typeof member === 'object' && member !== null ? toJsonObject(member, walk) : toJsonScalar(member);
    if (json !== undefined) setKey(copy, key, json);
  }
  return copy;
}
