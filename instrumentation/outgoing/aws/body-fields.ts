// The few fields of a request body that name an operation or a resource, found without reading the rest: nothing else of a body
// is kept, decoded or compared.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/**
 * Values of the outermost object's fields named in `names`, if they are texts. Text that is no JSON object gives what was found
 * up to there.
 */
export function topLevelTexts(json: string, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  let left = names.length;
  let depth = 0;
  for (let at = 0; at < json.length && left > 0; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      const end = textEnd(json, at);
      const name = depth === 1 ? fieldName(json, at, end, names) : undefined;
      at = end;
      if (name === undefined) continue;
      const value = textAfterColon(json, end + 1);
      if (value !== undefined && !Object.hasOwn(found, name)) {
        found[name] = value;
        left--;
      }
    } else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) depth--;
  }
  return found;
}

/** Where the closing quote of the text that opens at `start` stands. */
function textEnd(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json.charCodeAt(at) !== QUOTE) at += json.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** The name between the quotes, if it is one of `names` and a field's. */
function fieldName(json: string, start: number, end: number, names: readonly string[]): string | undefined {
  for (const name of names) {
    if (name.length === end - start - 1 && json.startsWith(name, start + 1)) {
      return json.charCodeAt(skipBlanks(json, end + 1)) === COLON ? name : undefined;
    }
  }
  return undefined;
}

function skipBlanks(json: string, from: number): number {
  let at = from;
  while (isBlank(json.charCodeAt(at))) at++;
  return at;
}

function textAfterColon(json: string, from: number): string | undefined {
  const start = skipBlanks(json, skipBlanks(json, from) + 1);
  if (json.charCodeAt(start) !== QUOTE) return undefined;
  const end = textEnd(json, start);
  try {
    return JSON.parse(json.slice(start, end + 1)) as string;
  } catch {
    return undefined;
  }
}

/** Values of a form's fields (`application/x-www-form-urlencoded`) named in `names`. */
export function formTexts(form: string, names: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of names) {
    const start = form.startsWith(`${name}=`) ? 0 : form.indexOf(`&${name}=`) + 1;
    if (start === 0 && !form.startsWith(`${name}=`)) continue;
    const end = form.indexOf('&', start);
    const value = form.slice(start + name.length + 1, end === -1 ? undefined : end);
    try {
      found[name] = decodeURIComponent(value.replaceAll('+', ' '));
    } catch {}
  }
  return found;
}
