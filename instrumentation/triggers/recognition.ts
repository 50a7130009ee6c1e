// Recognition with every row at hand. A bundle that wants the rare ones apart makes its own with `createRecogniser`.

import { rareRows } from './rare-table.ts';
import { createRecogniser } from './recogniser.ts';

/**
 * Recognises the source of an event: any value, JSON or not. It never throws and never changes the event; an event that resists
 * reading is `unknown`, one that is like no other is `direct`.
 */
export const recogniseTrigger = createRecogniser(() => rareRows);
