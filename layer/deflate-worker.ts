// The thread that deflate.ts starts for a large file.

import { parentPort, workerData } from 'node:worker_threads';
import { type DeflateOptions, deflateSync } from 'fflate';

const { contents, options } = workerData as { contents: Uint8Array; options: DeflateOptions };
const deflated = deflateSync(contents, options);
parentPort!.postMessage(deflated, [deflated.buffer as ArrayBuffer]);
