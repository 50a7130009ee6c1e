// What the watchdog's thread runs: opens its own exporters and watches. A file that a worker is started with, not a bundle that
// start.cjs loads.

import { workerData } from 'node:worker_threads';
import { BlockWatch } from '../instrumentation/watchdog/block-watch.ts';
import { FlightBoard } from '../instrumentation/watchdog/flight-board.ts';
import { compileBundle, evaluateBundle } from './bundle-script.ts';
import type { ExportContext } from './export-context.ts';
import type { WatchdogSetting } from './open-watchdog.ts';

const { board, path, resourceAttributes, instrumentationScope, context, hasXray, otlp } = workerData as WatchdogSetting;
const headers = otlp?.headers;
const exportContext: ExportContext = {
  ...context,
  liveErrorOf: () => undefined,
  fetchHeaders: headers && (() => Promise.resolve(headers)),
  // The main thread tells of the same problems when it meets them.
  report() {},
  writeLine() {},
};
const bundle = (name: string): object => evaluateBundle(compileBundle(__dirname, name), require);
const resource = {
  attributes: resourceAttributes,
  asyncAttributesPending: false,
  merge: () => resource,
  getRawAttributes: () => Object.entries(resourceAttributes),
} as unknown as ConstructorParameters<typeof BlockWatch>[0]['resource'];

void new BlockWatch({
  board: new FlightBoard(board),
  path,
  ownFolder: `${__dirname}/`,
  resource,
  instrumentationScope,
  openXray: hasXray ? () => (bundle('xray') as XrayBundle).openXray(exportContext, context.xrayMode!) : undefined,
  openOtlp: otlp && (() => (bundle(otlp.bundle) as OtlpBundle).openOtlp(exportContext, otlp.url, otlp.timeoutMs)),
}).run();

type XrayBundle = typeof import('./open-xray.ts');
type OtlpBundle = typeof import('./open-otlp.ts');
