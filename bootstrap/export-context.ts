// What is known when the first spans leave, and handed to everything that is opened for them. Types only.

import type { OtlpHeaders } from '../instrumentation/export/otlp/options.ts';
import type { XrayMode } from '../instrumentation/export/xray/phases.ts';
import type { Settings } from './settings/settings.ts';
import type { Environment } from './settings/settings-reader.ts';

export type ExportContext = {
  /** The process's own environment: credentials are read anew for every request. */
  readonly env: Environment;
  /** What the settings file says, under the names of variables. */
  readonly file: Environment;
  readonly settings: Settings;
  /** undefined: X-Ray gets nothing. */
  readonly xrayMode: XrayMode | undefined;
  /** The Error that an `exception` event was made of. */
  liveErrorOf(event: object): unknown;
  /** Headers out of a secret, which were asked for during init. */
  readonly fetchHeaders: (() => Promise<OtlpHeaders>) | undefined;
  /** One line for the operator. */
  report(message: string): void;
  /** A line of an exporter's own on standard output, without its end. */
  writeLine(line: string): void;
};
