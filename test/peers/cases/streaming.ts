// Streamed responses, and a platform that answers in unusual ways.

import type { Fault } from '../../../local/emulator/faults.ts';
import type { InvokeOptions } from '../../../local/emulator/invocation.ts';
import { kinds, type PeerCase } from '../peer-case.ts';

const streaming: InvokeOptions = { invokeMode: 'streaming' };

type Row = readonly [handler: string, items: readonly string[], options?: InvokeOptions];

const rows: readonly Row[] = [
  ['plain', ['P91', 'P97', 'P100']],
  ['endOnly', ['P97']],
  ['empty', ['P97']],
  ['values', ['P94']],
  ['contentType', ['P95']],
  ['contentTypeTooLate', ['P95']],
  ['withPrelude', ['P96']],
  ['preludeAndEndData', ['P96']],
  ['preludeAndEnd', ['P96']],
  ['preludeTooLate', ['P95', 'P96']],
  ['preludeSame', ['P96']],
  ['throwsBefore', ['P101']],
  ['throwsAfter', ['P101', 'P102']],
  ['throwsAfterEnd', ['P101']],
  ['throwsText', ['P101']],
  ['notAsync', ['P98']],
  ['notAsyncThrows', ['P98']],
  ['returnsValue', ['P99']],
  ['notEnded', ['P100'], { timeoutMs: 500 }],
  ['destroyed', ['P100'], { timeoutMs: 700 }],
  ['writeAfterEnd', ['P94']],
  ['piped', ['P92', 'P94']],
  ['pipedBy', ['P92']],
  ['large', ['P93', 'P94']],
  ['corked', ['P92']],
  ['callbacks', ['P94']],
  ['events', ['P92', 'P100']],
  ['facade', ['P92']],
  ['highWaterMarkDefault', ['P93']],
  ['highWaterMark', ['P28', 'P93']],
  ['highWaterMarkOdd', ['P28']],
  ['argumentTypes', ['P91']],
  ['echo', ['P37', 'P91']],
  ['sameFunction', ['P91']],
  ['waitsAfterEnd', ['P103']],
];

const refusal = (status: number, errorType: string): NonNullable<Fault['answer']> => ({
  status,
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ errorMessage: 'refused for the test', errorType }),
});

const refused = (name: string, items: readonly string[], fault: Fault): PeerCase => ({
  name,
  items,
  folder: 'results',
  handler: 'index.async',
  invocations: kinds(['empty', 'empty']),
  options: { faults: [{ times: 1, applied: true, ...fault }] },
});

export const streamingCases: readonly PeerCase[] = [
  ...rows.map(
    ([handler, items, options = {}]): PeerCase => ({
      name: `stream-${handler.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      items,
      folder: 'streaming',
      handler: `index.${handler}`,
      invocations: [{ event: { n: 1 }, options: { ...streaming, ...options } }],
      ...(handler === 'waitsAfterEnd' && { until: 'after the end' }),
    }),
  ),
  {
    name: 'stream-twice',
    items: ['P91', 'P102', 'P104'],
    folder: 'streaming',
    handler: 'index.echo',
    invocations: [1, 2, 3].map((n) => ({ event: { n }, options: streaming })),
  },
  {
    name: 'stream-event-not-json',
    items: ['P37'],
    folder: 'streaming',
    handler: 'index.echo',
    invocations: [
      { event: '{half', options: streaming },
      { event: { n: 2 }, options: streaming },
    ],
  },
  {
    name: 'stream-collected-by-the-platform',
    items: ['P91'],
    folder: 'streaming',
    handler: 'index.plain',
    invocations: [{ options: { invokeMode: 'buffered' } }],
  },
  refused('answer-refused-403', ['P108'], { api: 'response', answer: refusal(403, 'InvalidStateTransition') }),
  refused('answer-refused-400', ['P108'], { api: 'response', answer: refusal(400, 'InvalidRequestID') }),
  refused('answer-refused-410', ['P108'], { api: 'response', answer: refusal(410, 'InvokeTimeout') }),
  {
    name: 'next-refused',
    items: ['P109'],
    folder: 'results',
    handler: 'index.async',
    invocations: kinds(['empty']).map((one) => ({ ...one, options: { timeoutMs: 5000 } })),
    options: { faults: [{ api: 'next', times: 2, answer: refusal(500, 'Runtime.Internal') }] },
  },
  {
    name: 'invocation-id',
    items: ['P108'],
    folder: 'results',
    handler: 'index.async',
    invocations: [{ event: { kind: 'empty' }, options: { invocationId: 'delivery-1' } }],
  },
];
