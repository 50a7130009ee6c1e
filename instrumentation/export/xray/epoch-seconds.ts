// OpenTelemetry's time as X-Ray's.

import type { HrTime } from '@opentelemetry/api';

/** Year 10 000. */
const MAX_SECONDS = 253_402_300_800;

/**
 * `[seconds, nanoseconds]` as epoch seconds, rounded to microseconds. A double holds today's epoch to a quarter of a microsecond, so
 * JSON prints at most six decimals. What is no time after 1970 gives 0.
 */
export function epochSeconds(hrTime: HrTime): number {
  const time = hrTime[0] + Math.round(hrTime[1] / 1e3) / 1e6;
  return time > 0 && time < MAX_SECONDS ? time : 0;
}
