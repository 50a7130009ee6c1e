// Log records as frames for the file descriptor that the platform gives in `_LAMBDA_TELEMETRY_LOG_FD`. A frame keeps a
// record of many lines in one piece. Source: aws-lambda-runtime-interface-emulator, amzn-stdout-tlv; aws-lambda-ric.

import type { LogLevel } from './log-record.ts';

const TEXT_FRAME = 0xa55a0003;
const JSON_FRAME = 0xa55a0002;
const HEADER_BYTES = 16;
const LEVEL_MASKS: Record<LogLevel, number> = { TRACE: 4, DEBUG: 8, INFO: 12, WARN: 16, ERROR: 20, FATAL: 24 };

/** The descriptor to write frames to; undefined when the variable names none, or 0, as the managed runtimes read it. */
export function parseTelemetryFd(value: string | undefined): number | undefined {
  const fd = Number(value);
  return Number.isInteger(fd) && fd > 0 ? fd : undefined;
}

/** Frame: type and level, length, time in microseconds since the epoch, then the record; integers are big-endian. */
export function telemetryFrame(level: LogLevel, epochMs: number, record: string, isJson: boolean): Buffer {
  const length = Buffer.byteLength(record);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  frame.writeUInt32BE(((isJson ? JSON_FRAME : TEXT_FRAME) | LEVEL_MASKS[level]) >>> 0, 0);
  frame.writeInt32BE(length, 4);
  frame.writeBigInt64BE(BigInt(epochMs) * 1000n, 8);
  frame.write(record, HEADER_BYTES, 'utf8');
  return frame;
}
