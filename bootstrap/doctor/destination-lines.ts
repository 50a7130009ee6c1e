// Each destination: whether it is on, why or why not, and what became of the first export.

import type { Destination } from '../../instrumentation/export/destination.ts';
import type { TracingOptions } from '../../instrumentation/tracing.ts';
import { chooseDestinations } from '../destination-choice.ts';
import { readOtlpEndpoint } from '../otlp-endpoint.ts';
import { outletSettings } from '../settings/outlet-settings.ts';
import type { Settings } from '../settings/settings.ts';
import { type Environment, readSettings } from '../settings/settings-reader.ts';
import { countOf, type Line, showMs } from './report-text.ts';
import { withoutSecrets } from './shown-value.ts';

export type DestinationFacts = {
  readonly env: Environment;
  readonly file: Environment;
  readonly settings: Settings;
  /** undefined: nothing is traced at all. */
  readonly choice: Pick<TracingOptions, 'xrayMode'> | undefined;
  /** Those that there are; empty as long as nothing has left. */
  readonly destinations: readonly Pick<Destination, 'name' | 'latest' | 'queuedSpans'>[];
};

export function destinationLines(facts: DestinationFacts): Line[] {
  const { env, file, settings, choice, destinations } = facts;
  const { exporters } = settings;
  const { settings: own } = readSettings(outletSettings, env, file);
  const problems: string[] = [];
  const endpoint = readOtlpEndpoint(settings, own.otlpProtocol, (problem) => problems.push(problem));
  const wanted = chooseDestinations(settings, endpoint, choice?.xrayMode !== undefined);
  const isOn = (name: string): boolean => choice !== undefined && wanted.has(name);
  const end = (name: string): string => {
    const destination = destinations.find((one) => one.name === name);
    return destination === undefined ? 'nothing was sent yet' : whatBecame(destination);
  };
  const unnamed = (name: string): string => `off: OTEL_TRACES_EXPORTER does not name ${name}`;
  const lines: Line[] = [];
  if (isOn('xray')) {
    const place = `on: daemon at ${settings.xrayDaemonAddress}, drawn as ${choice?.xrayMode}`;
    lines.push(['X-Ray', `${place}; ${end('X-Ray')}`]);
  } else lines.push(['X-Ray', whyNoXray(facts, endpoint?.isXray === true) ?? unnamed('xray')]);
  if (isOn('otlp')) {
    lines.push(['OTLP', `on: ${own.otlpProtocol} to ${withoutSecrets(endpoint!.url)}; ${end('OTLP')}`]);
  } else {
    const why =
      whyNothing(settings) ??
      (exporters !== undefined && !exporters.includes('otlp')
        ? unnamed('otlp')
        : `off: ${withoutSecrets(problems[0] ?? 'OTEL_EXPORTER_OTLP_ENDPOINT is not set')}`);
    lines.push(['OTLP', why]);
  }
  if (isOn('otlp-stdout')) lines.push(['stdout', `on: OTEL_TRACES_EXPORTER names it; ${end('stdout')}`]);
  else if (isOn('otlp') && own.otlpFallback === 'stdout')
    lines.push(['stdout', 'for spans that OTLP cannot get rid of (SPANSTRAP_OTLP_FALLBACK)']);
  if (isOn('console')) lines.push(['console', `on: OTEL_TRACES_EXPORTER names it; ${end('console')}`]);
  return lines;
}

function whatBecame({ name, latest, queuedSpans }: DestinationFacts['destinations'][number]): string {
  const waiting = queuedSpans > 0 ? `, ${countOf(queuedSpans, 'span')} waiting` : '';
  if (latest === undefined) return `nothing was sent yet${waiting}`;
  const { spans, sentSpans, tookMs, error } = latest;
  if (error !== undefined) {
    const share = sentSpans > 0 ? `, ${sentSpans} of ${spans} delivered` : '';
    return `the export failed after ${showMs(tookMs)}: ${withoutSecrets(error)}${share}${waiting}`;
  }
  if (sentSpans < spans) return `${sentSpans} of ${countOf(spans, 'span')} delivered in ${showMs(tookMs)}${waiting}`;
  const proof = name === 'X-Ray' ? ' (UDP: the daemon answers nothing)' : '';
  return `${countOf(sentSpans, 'span')} delivered in ${showMs(tookMs)}${proof}${waiting}`;
}

function whyNothing({ isDisabled, exporters }: Settings): string | undefined {
  if (isDisabled) return 'off: tracing is switched off (SPANSTRAP_DISABLED, OTEL_SDK_DISABLED or LUMIGO_SWITCH_OFF)';
  return exporters?.includes('none') ? 'off: OTEL_TRACES_EXPORTER is none' : undefined;
}

/** undefined: it was not asked for. */
function whyNoXray({ settings }: DestinationFacts, isXrayEndpoint: boolean): string | undefined {
  const nothing = whyNothing(settings);
  if (nothing !== undefined) return nothing;
  const { exporters, xrayMode, xrayDaemonAddress } = settings;
  if (exporters !== undefined && !exporters.includes('xray')) return undefined;
  if (exporters === undefined && isXrayEndpoint) return 'off: spans go to X-Ray’s own OTLP endpoint instead';
  if (xrayMode === 'off') return 'off: SPANSTRAP_XRAY_MODE is off';
  return xrayDaemonAddress === undefined ? 'off: AWS_XRAY_DAEMON_ADDRESS is not set, which Lambda does' : undefined;
}
