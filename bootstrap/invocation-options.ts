// Turns settings into how invocations are recognised and placed in their trace.

import type { ContextFormat } from '../instrumentation/parent.ts';
import type { RecordingOptions } from '../instrumentation/recording.ts';
import { createLateRecogniser } from '../instrumentation/triggers/late-recognition.ts';
import { defaultTriggerOptions } from '../instrumentation/triggers/trigger.ts';
import type { Host } from './host.ts';
import type { Settings } from './settings/settings.ts';

export type InvocationOptions = Pick<
  RecordingOptions,
  'recognise' | 'trigger' | 'contextRules' | 'messagingSpans' | 'messagingContext'
>;

const DEFAULT_FORMATS = ['tracecontext', 'baggage', 'xray'] as const;

/** Headers whose presence means that there is a context. */
const CONTEXT_KEYS: { readonly [Format in ContextFormat]: readonly string[] } = {
  tracecontext: ['traceparent'],
  baggage: [],
  xray: ['x-amzn-trace-id'],
  'xray-lambda': [],
  b3: ['b3', 'x-b3-traceid'],
  b3multi: ['b3', 'x-b3-traceid'],
  datadog: ['x-datadog-trace-id'],
};

export function chooseInvocations(
  settings: Settings,
  region: string | undefined,
  host: Pick<Host, 'loadBundle'>,
  xrayParent: RecordingOptions['contextRules']['xrayParent'],
): InvocationOptions {
  const { propagators = DEFAULT_FORMATS, messagingSpans, messagingContext } = settings;
  const wanted = propagators.includes('none') ? [] : (propagators as readonly ContextFormat[]);
  const formats = new Set(wanted);
  const isForeign = formats.has('b3') || formats.has('b3multi') || formats.has('datadog');
  return {
    recognise: createLateRecogniser(() => (host.loadBundle('triggers') as TriggersBundle).recogniseTrigger),
    trigger: {
      ...defaultTriggerOptions,
      region,
      semconvOptIn: settings.semconvOptIn ?? [],
      requestHeaders: settings.requestHeaders ?? [],
      responseHeaders: settings.responseHeaders ?? [],
      knownMethods: settings.knownMethods ?? defaultTriggerOptions.knownMethods,
      capturesBodySizes: settings.capturesBodySizes,
      maxLinks: settings.maxLinks,
      contextKeys: [...new Set(wanted.flatMap((format) => CONTEXT_KEYS[format]))],
      readsDatadog: formats.has('datadog'),
    },
    contextRules: {
      formats,
      xrayParent,
      readForeign: isForeign ? (host.loadBundle('contexts') as ContextsBundle).createForeignReader(formats) : undefined,
    },
    messagingSpans,
    messagingContext,
  };
}

type TriggersBundle = typeof import('../instrumentation/triggers/recognition.ts');
type ContextsBundle = typeof import('../instrumentation/foreign-contexts.ts');
