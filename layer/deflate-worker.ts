// The thread that deflate.ts starts for a batch of files.

import { parentPort, workerData } from 'node:worker_threads';
import { deflateBytes } from './deflate-bytes.ts';

const deflated = (workerData as Uint8Array[]).map(deflateBytes);
parentPort!.postMessage(
  deflated,
  deflated.map(({ buffer }) => buffer as ArrayBuffer),
);
