// What of a setting's value may stand in a log.

const LONGEST = 160;

/** Without user and password, and without the values of a query, where tokens stand. Texts that are no URL stay as they are. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/([a-z][a-z\d+.-]*:\/\/)[^/?#\s]*@/gi, '$1***@')
    .replace(/([?&][^=&#\s]+=)[^&#\s]+/g, '$1***')
    .slice(0, LONGEST);
}

/** The names of headers, from `key=value,key=value`. */
export function headerNames(text: string): string {
  const names = text.split(',').map((pair) => pair.slice(0, Math.max(0, pair.indexOf('='))).trim());
  return names.filter(Boolean).join(', ') || 'no names';
}
