// The one way in which bytes are deflated for the zip.

import { deflateSync } from 'fflate';

/** Raw deflate stream; the same one on every machine. */
export const deflateBytes = (contents: Uint8Array): Uint8Array => deflateSync(contents, { level: 9, mem: 12 });
