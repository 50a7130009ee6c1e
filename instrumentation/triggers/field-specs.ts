// Two small notations in which the rows of the table are written: which fields an event must have, and which become attributes.
// They are shorter than the code they stand for (the start bundle carries it) and are compiled at first use.

import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { integer, isObject, type Loose, text } from './event-fields.ts';

function valueAt(value: Loose, path: readonly string[]): Loose {
  let at = value;
  for (let step = 0; step < path.length; step++) at = at?.[path[step]!];
  return at;
}

type Condition = { readonly path: readonly string[]; readonly kind: string; readonly expected: string };

// Counting loops: this runs for every event, mostly before V8 compiles it, and until then an iterator is made and asked at each step.
// String methods instead of expressions throughout: the first use of a regular expression costs 20-100 µs, and every function is
// cold at its first event.
function compileCondition(part: string): Condition {
  const kind = part.endsWith('{}') || part.endsWith('[]') ? part.slice(-2) : part.includes('=') ? '=' : '';
  const end = kind === '=' ? part.indexOf('=') : part.length - kind.length;
  return { path: part.slice(0, end).split('.'), kind, expected: part.slice(end + 1) };
}

function holds(event: Loose, { path, kind, expected }: Condition): boolean {
  const value: unknown = valueAt(event, path);
  if (kind === '=') return value === expected || (typeof value === 'boolean' && String(value) === expected);
  return kind === '{}' ? isObject(value) : kind === '[]' ? Array.isArray(value) : typeof value === 'string';
}

/**
 * A test of an event's fields. Conditions are joined by `&`; each is a dotted path to a text (`a.b`), to an object (`a.b{}`), to a
 * list (`a.b[]`), or to just this text or boolean (`a.b=text`).
 */
export function shape(notation: string): (event: Loose) => boolean {
  let conditions: Condition[] | undefined;
  return (event) => {
    conditions ??= notation.split('&').map(compileCondition);
    for (let which = 0; which < conditions.length; which++) if (!holds(event, conditions[which]!)) return false;
    return true;
  };
}

type Pick = { readonly attribute: string; readonly kind: string; readonly path: readonly string[] };

const compiledPicks = new Map<string, Pick[]>();

function compilePicks(notation: string): Pick[] {
  let prefix = '';
  const picks: Pick[] = [];
  for (const part of notation.split(' ')) {
    if (part.endsWith('.')) {
      prefix = part;
      continue;
    }
    const [target = '', path] = part.split('=');
    const kind = target.endsWith('#') || target.endsWith('?') ? target.slice(-1) : '';
    const name = kind === '' ? target : target.slice(0, -1);
    picks.push({ attribute: prefix + name, kind, path: (path ?? name).split('.') });
  }
  compiledPicks.set(notation, picks);
  return picks;
}

/**
 * Attributes from fields, put into `attributes`. Parts of the notation are separated by spaces: `prefix.` begins the names that
 * follow; `name=path` takes the text at a dotted path, `name` alone the field of that name, `name#=path` a whole number and
 * `name?=path` a boolean. What is absent, empty or of another type is left out.
 */
export function pick(source: unknown, notation: string, attributes: Attributes = {}): Attributes {
  const picks = compiledPicks.get(notation) ?? compilePicks(notation);
  for (let which = 0; which < picks.length; which++) {
    const { attribute, kind, path } = picks[which]!;
    const raw: unknown = valueAt(source as Loose, path);
    const value = kind === '' ? text(raw) : kind === '#' ? integer(raw) : typeof raw === 'boolean' ? raw : undefined;
    if (value !== undefined) attributes[attribute] = value;
  }
  return attributes;
}

/** Leaves out what is undefined. */
export function defined(values: Attributes): Attributes {
  return putAll({}, values);
}

/** Adds what is not undefined. */
export function putAll(attributes: Attributes, values: Attributes): Attributes {
  for (const name in values) put(attributes, name, values[name]);
  return attributes;
}

/** Adds a value that is not undefined. */
export function put(attributes: Attributes, name: string, value: AttributeValue | undefined): void {
  if (value !== undefined) attributes[name] = value;
}
