// Writes docs/what-is-traced.md from the table of event sources: `node layer/docs-what-is-traced.ts > docs/what-is-traced.md`.

import { frequentDocumentation } from '../instrumentation/triggers/documentation/frequent-rows.ts';
import { ownAttributes } from '../instrumentation/triggers/documentation/own-attributes.ts';
import { rareDocumentation } from '../instrumentation/triggers/documentation/rare-rows.ts';
import {
  type RowDocumentation,
  sharedAttributes,
} from '../instrumentation/triggers/documentation/row-documentation.ts';
import { rareRows } from '../instrumentation/triggers/rare-table.ts';
import type { Row } from '../instrumentation/triggers/row.ts';
import { frequentRows, lastRows } from '../instrumentation/triggers/table.ts';
import { defaultTriggerOptions, type FaasTrigger } from '../instrumentation/triggers/trigger.ts';

export const rowDocumentation: { readonly [source: string]: RowDocumentation } = {
  ...frequentDocumentation,
  ...rareDocumentation,
};

const TRIGGERS: Record<FaasTrigger, string> = {
  http: 'HTTP',
  pubsub: 'Messages',
  datasource: 'Data',
  timer: 'Timers',
  other: 'Other sources',
};

function code(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

const { maxLinks, maxBodyChars, redactedQueryKeys, knownMethods } = defaultTriggerOptions;

const INTRODUCTION = `# What is traced

<!-- Written by layer/docs-what-is-traced.ts from instrumentation/triggers: change the table and its documentation, not this file. -->

Every invocation has a SERVER span. What triggered it is read from the event alone, before your handler runs; the event is never changed.
Its kind is \`faas.trigger\`, and the sections below say what else the span tells, source by source.

* **Name.** The function's name, unless the source gives a better one. A raw path is never part of a name.
* **Messages** have a CONSUMER span below the SERVER span, \`process {destination}\`, which carries the messaging attributes. Each record
  that carries its sender's context becomes a link; of a batch the first ${maxLinks} records are searched.
* **Context** is looked for in the places that are named, in their order, and then in \`custom\` of the client context of the invocation.
  Headers are found in any case. W3C, X-Ray, B3 and, when enabled, Datadog headers may stand there; headers of one format come from one place.
* **Bodies** are opened only where a source is known to keep context in them, up to ${maxBodyChars / 1024} Ki characters each.
* **Absent** fields are left out. Texts are cut at 4096 characters.

Attribute names are those of the OpenTelemetry semantic conventions. What they have no name for is listed at [the end](#attributes-of-our-own).

## What HTTP sources share

${code(sharedAttributes.http)}

* The values of the query keys ${code(redactedQueryKeys)} are replaced by \`REDACTED\`.
* Methods other than ${code(knownMethods)} are \`_OTHER\`, with the method itself in \`http.request.method_original\`; the span is then called \`HTTP\`.
* The client is the first address of \`X-Forwarded-For\`, host, port and scheme are those of \`X-Forwarded-*\`, where they are there.
* The result gives \`http.response.status_code\`; 5xx makes the span an error with the status as \`error.type\`, 4xx does not. A streamed response is
  a 200 unless its prelude says otherwise.
* On request: \`http.request.header.<name>\`, \`http.response.header.<name>\`, \`http.request.body.size\`, \`http.response.body.size\`. With \`http/dup\` in
  \`OTEL_SEMCONV_STABILITY_OPT_IN\` the old names (\`http.method\`, \`http.target\`, \`http.status_code\` …) stand beside the new ones.

## What messaging sources share

${code(sharedAttributes.messaging)}

* \`messaging.batch.message_count\` is given by sources that deliver batches, also for a batch of one; \`messaging.message.id\` for a single message.
* Records of several queues or topics in one event: \`process multiple_sources\`, without a destination.
* \`batchItemFailures\` are counted; the span is an error when they fail the whole batch.
* On request: \`messaging.message.body.size\`. With \`messaging/dup\` also \`messaging.operation\`.
`;

function sectionOf({ source }: Row, { title, ...row }: RowDocumentation): string {
  const shared =
    row.shares === undefined ? '' : `those that ${row.shares === 'http' ? 'HTTP' : 'messaging'} sources share`;
  const attributes = [shared, code(row.attributes)].filter((part) => part !== '').join('; ');
  const lines = [
    `* Source: \`${source}\`, known by ${row.recognisedBy}`,
    ...(row.spanName === undefined ? [] : [`* Span name: ${row.spanName}`]),
    ...(row.consumerName === undefined ? [] : [`* CONSUMER span: ${row.consumerName}`]),
    `* Attributes: ${attributes === '' ? 'none of its own' : attributes}`,
    ...(row.linkAttributes === undefined ? [] : [`* Links: ${code(row.linkAttributes)}`]),
    `* Context: ${row.context}`,
    ...(row.notes === undefined ? [] : [`* ${row.notes}`]),
  ];
  return `### ${title}\n\n${lines.join('\n')}\n`;
}

/** The whole page as Markdown. */
export function whatIsTracedPage(): string {
  const rows = [...frequentRows, ...rareRows, ...lastRows];
  const sections = Object.entries(TRIGGERS).map(([trigger, title]) => {
    const parts = rows
      .filter((row) => row.faasTrigger === trigger)
      .map((row) => sectionOf(row, rowDocumentation[row.source] as RowDocumentation));
    return `## ${title}\n\n\`faas.trigger\` is \`${trigger}\`.\n\n${parts.join('\n')}`;
  });
  const own = Object.entries(ownAttributes).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  const ownTable = `## Attributes of our own\n\n| attribute | meaning |\n|---|---|\n${own.join('\n')}\n`;
  return [INTRODUCTION, ...sections, ownTable].join('\n');
}

if (import.meta.main) process.stdout.write(whatIsTracedPage());
