// What follows calls of databases where no module can be reached: clients with channels, and PostgreSQL on the wire.

import type { CallEnvironment } from '../call-scope.ts';
import { followLibraryCalls } from './library-calls.ts';
import { createPostgresTap } from './postgres-tap.ts';
import type { DatabaseTracer } from './watch-databases.ts';

export function createDatabaseTracer(environment: CallEnvironment): DatabaseTracer {
  return { databaseCall: followLibraryCalls(environment), tcpConnection: createPostgresTap(environment) };
}
