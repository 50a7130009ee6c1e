// Cutting text to the lengths X-Ray allows, never inside a surrogate pair.

const ELLIPSIS = '…';

export const GENERIC_TEXT_CHARS = 250;

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdbff;

/** The first `maxChars` UTF-16 units of `text`, one fewer when that would cut a surrogate pair. */
export function headOf(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const end = maxChars > 0 && isHighSurrogate(text.charCodeAt(maxChars - 1)) ? maxChars - 1 : maxChars;
  return text.slice(0, end);
}

/** `text` itself when it fits, otherwise its head with `…` as the last of at most `maxChars` characters. */
export const cutText = (text: string, maxChars: number): string =>
  text.length <= maxChars ? text : headOf(text, maxChars - 1) + ELLIPSIS;
