// What can be set of how invocations are recognised, joined to their trace and described. Part of the start's table, because it is
// needed before the first response.

import { choice, choices, flag, number, type Setting, text, withDefault } from './setting-kinds.ts';

/** A comma separated list of anything. */
const names = (env: readonly string[], toCase: (name: string) => string): Setting<readonly string[] | undefined> => ({
  env,
  default: undefined,
  expected: 'a comma separated list of names',
  parse: (value) =>
    value
      .split(',')
      .map((name) => toCase(name.trim()))
      .filter(Boolean),
});

const toLowerCase = (name: string): string => name.toLowerCase();

export const invocationSettings = {
  propagators: choices(
    ['OTEL_PROPAGATORS'],
    ['tracecontext', 'baggage', 'xray', 'xray-lambda', 'b3', 'b3multi', 'datadog', 'none'],
  ),
  contextExtractor: text(['SPANSTRAP_CONTEXT_EXTRACTOR'], 'path/to/module.export'),
  messagingSpans: withDefault('nested', choice(['SPANSTRAP_MESSAGING_SPANS'], ['nested', 'flat'])),
  messagingContext: withDefault('link', choice(['SPANSTRAP_MESSAGING_CONTEXT'], ['link', 'parent'])),
  maxLinks: withDefault(10, number(['SPANSTRAP_MESSAGING_LINKS'], 0, 128)),
  dropsWarmUps: withDefault(false, flag(['SPANSTRAP_DROP_WARM_UPS'])),
  semconvOptIn: names(['OTEL_SEMCONV_STABILITY_OPT_IN'], toLowerCase),
  requestHeaders: names(
    [
      'OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS',
      'OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST',
    ],
    toLowerCase,
  ),
  responseHeaders: names(
    [
      'OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS',
      'OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE',
    ],
    toLowerCase,
  ),
  knownMethods: names(['OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS'], (name) => name),
  capturesBodySizes: withDefault(false, flag(['SPANSTRAP_CAPTURE_BODY_SIZES'])),
  initModules: withDefault('on', choice(['SPANSTRAP_INIT_MODULES'], ['on', 'off'])),
};
