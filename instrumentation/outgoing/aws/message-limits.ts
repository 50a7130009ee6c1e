// How large a message may be for something to be added to it.

/** Services take 256 KiB per message at least; this leaves room for what is added, in UTF-8 too. */
export const BODY_LIMIT_BYTES = 80 * 1024;
