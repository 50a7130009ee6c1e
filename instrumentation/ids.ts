// Trace and span ids. Trace ids begin with the epoch second, as X-Ray wants them everywhere and W3C allows.
// Math.random as OpenTelemetry's own generator does: loading `node:crypto` costs 3-4 ms at start.

import { random, wallNow } from '../runtime/untouched.ts';

const { floor } = Math;

const hex8 = (value: number): string => value.toString(16).padStart(8, '0');
const random32 = (): number => floor(random() * 0x1_0000_0000);

/** 16 hex digits, never all zero. */
export function createSpanId(): string {
  return hex8(random32()) + hex8(random32() || 1);
}

/** 32 hex digits: 8 of epoch seconds, 24 random. */
export function createTraceId(): string {
  return hex8(floor(wallNow() / 1000) % 0x1_0000_0000) + hex8(random32()) + hex8(random32()) + hex8(random32() || 1);
}
