// The same for ES modules.

import spanstrap from './spanstrap.cjs';

export const { annotate, metadata, withSpan, setRoute, forEachRecord } = spanstrap;
export default spanstrap;
