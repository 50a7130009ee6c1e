// What the settings make of recognition and trace context.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseInvocations, type InvocationOptions } from '../../bootstrap/invocation-options.ts';
import { readSettings } from '../../bootstrap/settings/settings-reader.ts';
import { settingsTable } from '../../bootstrap/settings/settings-table.ts';
import * as contexts from '../../instrumentation/foreign-contexts.ts';
import * as triggers from '../../instrumentation/triggers/recognition.ts';
import { defaultTriggerOptions } from '../../instrumentation/triggers/trigger.ts';

function choose(env: Record<string, string> = {}): { options: InvocationOptions; loaded: string[]; unusable: number } {
  const loaded: string[] = [];
  const host = {
    loadBundle(name: string) {
      loaded.push(name);
      return name === 'triggers' ? triggers : contexts;
    },
  };
  const { settings, unusable } = readSettings(settingsTable, env);
  return { options: chooseInvocations(settings, 'eu-west-1', host, 'root'), loaded, unusable: unusable.length };
}

test('nothing set: W3C, baggage and X-Ray, nested spans, links, nothing loaded', () => {
  const { options, loaded } = choose();
  const { recognise, ...rest } = options;
  assert.deepEqual(rest, {
    trigger: { ...defaultTriggerOptions, region: 'eu-west-1' },
    contextRules: { formats: new Set(['tracecontext', 'baggage', 'xray']), xrayParent: 'root', readForeign: undefined },
    messagingSpans: 'nested',
    messagingContext: 'link',
  });
  assert.equal(recognise({ order: 1 }).source, 'direct');
  assert.deepEqual(loaded, []);
  assert.equal(recognise({ Records: [{ eventSource: 'aws:sqs' }] }).source, 'sqs');
  assert.deepEqual(loaded, ['triggers']);
});

for (const [text, formats, contextKeys, bundles] of [
  ['tracecontext', ['tracecontext'], ['traceparent'], []],
  ['TraceContext, XRAY', ['tracecontext', 'xray'], ['traceparent', 'x-amzn-trace-id'], []],
  ['xray-lambda,baggage', ['xray-lambda', 'baggage'], [], []],
  ['b3,b3multi', ['b3', 'b3multi'], ['b3', 'x-b3-traceid'], ['contexts']],
  ['datadog', ['datadog'], ['x-datadog-trace-id'], ['contexts']],
  ['none', [], [], []],
  ['tracecontext,none', [], [], []],
] as const) {
  test(`OTEL_PROPAGATORS=${text}`, () => {
    const { options, loaded } = choose({ OTEL_PROPAGATORS: text });
    assert.deepEqual([...options.contextRules.formats], formats);
    assert.deepEqual(options.trigger.contextKeys, contextKeys);
    assert.equal(options.trigger.readsDatadog, formats.includes('datadog' as never));
    assert.equal(options.contextRules.readForeign !== undefined, bundles.length > 0);
    assert.deepEqual(loaded, bundles);
  });
}

test('a propagator that nobody knows is told of, and the default stands in', () => {
  const { options, unusable } = choose({ OTEL_PROPAGATORS: 'tracecontext,jaeger' });
  assert.equal(unusable, 1);
  assert.deepEqual([...options.contextRules.formats], ['tracecontext', 'baggage', 'xray']);
});

test('everything else that can be set', () => {
  const { options } = choose({
    SPANSTRAP_MESSAGING_SPANS: 'flat',
    SPANSTRAP_MESSAGING_CONTEXT: 'parent',
    SPANSTRAP_MESSAGING_LINKS: '3',
    OTEL_SEMCONV_STABILITY_OPT_IN: 'http/dup, messaging',
    OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS: 'X-Tenant,Cookie',
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE: 'Content-Type',
    OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: 'GET,PURGE',
    SPANSTRAP_CAPTURE_BODY_SIZES: '1',
  });
  assert.deepEqual([options.messagingSpans, options.messagingContext], ['flat', 'parent']);
  const { trigger } = options;
  assert.equal(trigger.maxLinks, 3);
  assert.deepEqual(trigger.semconvOptIn, ['http/dup', 'messaging']);
  assert.deepEqual([trigger.requestHeaders, trigger.responseHeaders], [['x-tenant', 'cookie'], ['content-type']]);
  assert.deepEqual(trigger.knownMethods, ['GET', 'PURGE']);
  assert.equal(trigger.capturesBodySizes, true);
});
