// A subsegment's own fields as JSON, and what they weigh.

import { stringifyJson } from '../../../runtime/untouched.ts';
import type { SubsegmentNode } from './subsegment.ts';

/** What stands around a node's fields. */
const FRAME_BYTES = '{"id":"0123456789abcdef",}'.length;

/** Sets `text` and `bytes` by the fields as they are now. */
export function writeText(node: SubsegmentNode): void {
  const text = stringifyJson(node.fields);
  if (text[0] !== '{') throw new Error(`a toJSON on Object.prototype made ${text.slice(0, 80)} of its document`);
  node.text = text.slice(1, -1);
  node.bytes = FRAME_BYTES + Buffer.byteLength(node.text);
}
