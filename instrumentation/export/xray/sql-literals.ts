// Takes the literals out of SQL text, so that no value of a user's row reaches a trace. Not a parser: it knows strings, numbers,
// comments and quoted names, which is all that is needed to tell values from the rest.

const QUOTE = 0x27;
const DOUBLE_QUOTE = 0x22;
const BACKTICK = 0x60;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const DASH = 0x2d;
const SLASH = 0x2f;
const STAR = 0x2a;
const HASH = 0x23;
const DOLLAR = 0x24;
const DOT = 0x2e;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/** Part of a name or of a placeholder (`$1`, `:id`, `@p1`, `?1`), so that a digit after it is no literal. */
const isWordPart = (code: number): boolean =>
  isDigit(code) ||
  (code >= 0x41 && code <= 0x5a) ||
  (code >= 0x61 && code <= 0x7a) ||
  code === 0x5f ||
  code === DOLLAR ||
  code === 0x3a ||
  code === 0x3f ||
  code === 0x40 ||
  code === HASH ||
  code > 0x7f;

/** No quote, no digit, no comment: nothing that could be a value. */
const WITHOUT_LITERALS = /^[^'"$\d#/-]*$/;

/** `mysql`: double quotes hold strings, a backslash escapes, `#` starts a comment. `mssql`: brackets quote names. */
export type SqlDialect = 'standard' | 'mysql' | 'mssql';

/**
 * The query with `?` for every string and number and without comments; what has none comes back as it is. Text that ends
 * inside a literal loses its end.
 */
export function withoutLiterals(query: string, dialect: SqlDialect): string {
  if (WITHOUT_LITERALS.test(query)) return query;
  const isMysql = dialect === 'mysql';
  let clean = '';
  let copied = 0;
  let at = 0;
  while (at < query.length) {
    const end = literalEnd(query, at, isMysql);
    if (end !== at) {
      clean += query.slice(copied, at) + (isComment(query, at) ? '' : '?');
      copied = end;
      at = end;
    } else at = wordOrCharacterEnd(query, at, dialect);
  }
  return clean + query.slice(copied);
}

function isComment(query: string, at: number): boolean {
  const code = query.charCodeAt(at);
  return code === DASH || code === SLASH || code === HASH;
}

/** The end of the literal or comment that starts at `at`; `at` itself when none does. */
function literalEnd(query: string, at: number, isMysql: boolean): number {
  const code = query.charCodeAt(at);
  const next = query.charCodeAt(at + 1);
  if (code === QUOTE) return quotedEnd(query, at, isMysql || isEscapeString(query, at));
  if (code === DOUBLE_QUOTE) return isMysql ? quotedEnd(query, at, true) : at;
  if (code === DASH && next === DASH) return lineEnd(query, at);
  if (code === HASH && isMysql) return lineEnd(query, at);
  if (code === SLASH && next === STAR) return isMysql ? endAfter(query, '*/', at + 2) : commentEnd(query, at);
  if (code === DOLLAR && !isMysql) return dollarQuotedEnd(query, at);
  if (isDigit(code) || (code === DOT && isDigit(next))) return numberEnd(query, at);
  return at;
}

/** PostgreSQL's `E'…'`: the letter stands alone before the quote. */
function isEscapeString(query: string, quote: number): boolean {
  const letter = query.charCodeAt(quote - 1) | 0x20;
  return letter === 0x65 && (quote < 2 || !isWordPart(query.charCodeAt(quote - 2)));
}

/** After the closing quote of the string that opens at `start`; a doubled quote is part of it. */
function quotedEnd(query: string, start: number, hasBackslashEscapes: boolean): number {
  const quote = query.charCodeAt(start);
  for (let at = start + 1; at < query.length; at += 1) {
    const code = query.charCodeAt(at);
    if (code === BACKSLASH && hasBackslashEscapes) at += 1;
    else if (code === quote) {
      if (query.charCodeAt(at + 1) !== quote) return at + 1;
      at += 1;
    }
  }
  return query.length;
}

function dollarQuotedEnd(query: string, start: number): number {
  let at = start + 1;
  if (isDigit(query.charCodeAt(at))) return start;
  while (at < query.length && query.charCodeAt(at) !== DOLLAR && isWordPart(query.charCodeAt(at))) at += 1;
  return query.charCodeAt(at) === DOLLAR ? endAfter(query, query.slice(start, at + 1), at + 1) : start;
}

function numberEnd(query: string, start: number): number {
  let at = start;
  while (at < query.length) {
    const code = query.charCodeAt(at);
    const isExponentSign = (code === DASH || code === 0x2b) && (query.charCodeAt(at - 1) | 0x20) === 0x65;
    if (!isWordPart(code) && code !== DOT && !(isExponentSign && isDigit(query.charCodeAt(at + 1)))) break;
    at += 1;
  }
  return at;
}

/** The next place where a literal may start: after a whole word or quoted name, or after one character. */
function wordOrCharacterEnd(query: string, start: number, dialect: SqlDialect): number {
  const code = query.charCodeAt(start);
  if (code === DOUBLE_QUOTE || code === BACKTICK) return quotedEnd(query, start, false);
  if (code === OPENING_BRACKET && dialect === 'mssql') return endAfter(query, ']', start + 1);
  let at = start;
  while (at < query.length && isWordPart(query.charCodeAt(at))) {
    if (dialect === 'mysql' && query.charCodeAt(at) === HASH) break;
    at += 1;
  }
  return at === start ? start + 1 : at;
}

function lineEnd(query: string, start: number): number {
  const newline = query.indexOf('\n', start);
  return newline === -1 ? query.length : newline;
}

/** Comments nest in standard SQL, and a quote in the outer one opens nothing (PostgreSQL manual, "Lexical Structure", Comments). */
function commentEnd(query: string, start: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = start;
  let depth = 0;
  for (let found = mark.exec(query); found !== null; found = mark.exec(query)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return mark.lastIndex;
  }
  return query.length;
}

function endAfter(query: string, text: string, from: number): number {
  const at = query.indexOf(text, from);
  return at === -1 ? query.length : at + text.length;
}
