// The strict switch `SPANSTRAP_HANDLER_COMPAT`: which of the two managed runtime families is followed exactly.

/** `node22`: the managed Node 18 to 22 runtimes. `node24`: the managed Node 24 runtime. undefined: the superset of both. */
export type HandlerCompat = 'node22' | 'node24' | undefined;
