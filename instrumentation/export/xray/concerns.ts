// Which blocks of a document the attributes of a span speak to. Most spans speak to none, and none is asked then: each block would
// look for dozens of keys that are not there.

import { AWS_KEYS } from './aws-block.ts';
import { HTTP_KEYS } from './http-block.ts';
import { NAME_KEYS, NAMESPACE_KEYS } from './names.ts';
import type { SpanAttributes } from './span-attributes.ts';
import { SQL_KEYS } from './sql-block.ts';

/** Bits of one number. */
export const concern = { namespace: 1, name: 2, http: 4, aws: 8, sql: 16 } as const;

const CONCERNS = new Map<string, number>();

for (const [bit, keys] of [
  [concern.namespace, NAMESPACE_KEYS],
  [concern.name, NAME_KEYS],
  [concern.http, HTTP_KEYS],
  [concern.aws, AWS_KEYS],
  [concern.sql, SQL_KEYS],
] as const) {
  for (const key of keys) CONCERNS.set(key, (CONCERNS.get(key) ?? 0) | bit);
}

/** The blocks that find something to read in `attributes`, as bits of `concern`. */
export function concernsOf({ keys, values }: SpanAttributes): number {
  let concerns = 0;
  for (let index = 0; index < keys.length; index += 1) {
    const bits = CONCERNS.get(keys[index]!);
    if (bits !== undefined && values[keys[index]!] !== undefined) concerns |= bits;
  }
  return concerns;
}
