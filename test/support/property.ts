// fast-check with one seed for everybody, so that a property that fails here fails everywhere. FAST_CHECK_SEED tries another.

import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20_240_131) });

export { fc };
