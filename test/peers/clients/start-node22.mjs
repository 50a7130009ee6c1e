// Starts aws-lambda-ric 3 as /var/runtime/index.mjs of the managed runtime does: its own command line tool prints a line more.

import { run } from './node_modules/ric-node22/dist/index.mjs';

await run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
