// Writes docs/what-is-traced.md from the table of event sources: `node layer/docs-what-is-traced.ts > docs/what-is-traced.md`.

import { frequentDocumentation } from '../instrumentation/triggers/documentation/frequent-rows.ts';
import { phaseAttributes, serverAttributes } from '../instrumentation/triggers/documentation/invocation-attributes.ts';
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

function attributeTable(attributes: { readonly [name: string]: string }): string {
  const rows = Object.entries(attributes).map(([name, meaning]) => `| \`${name}\` | ${meaning} |`);
  return `| attribute | meaning |\n|---|---|\n${rows.join('\n')}`;
}

const { maxLinks, maxBodyChars, redactedQueryKeys, knownMethods } = defaultTriggerOptions;

const INTRODUCTION = `# What is traced

<!-- Written by layer/docs-what-is-traced.ts from instrumentation/triggers: change the table and its documentation, not this file. -->

Every invocation has a SERVER span. What triggered it is read from the event alone, before your handler runs; the event is never changed.
Its kind is \`faas.trigger\`, and the sections below say what else the span tells, source by source.

* **Name.** The function's name, unless the source gives a better one. A raw path is never part of a name.
* **Messages** have a CONSUMER span below the SERVER span, \`process {destination}\`, which carries the messaging attributes. Each record
  that carries its sender's context becomes a link; of a batch the first ${maxLinks} records are searched. With \`SPANSTRAP_MESSAGING_SPANS=flat\` the
  SERVER span is that CONSUMER span; with \`SPANSTRAP_MESSAGING_CONTEXT=parent\` the context of a message that comes alone is the parent of the invocation.
* **Context** is looked for in the places that are named, in their order, and then in \`custom\` of the client context of the invocation.
  Headers are found in any case; headers of one format come from one place. W3C and X-Ray headers are read, B3 and Datadog's when \`OTEL_PROPAGATORS\`
  names them. W3C comes first and X-Ray last, because Lambda always has an X-Ray header; what is not followed and belongs to another trace
  becomes a link. \`baggage\` is active in the handler. \`SPANSTRAP_CONTEXT_EXTRACTOR\` names a function of yours for events that only you can read.
* **Bodies** are opened only where a source is known to keep context in them, up to ${maxBodyChars / 1024} Ki characters each.
* **Absent** fields are left out. Texts are cut at 4096 characters.

Attribute names are those of the OpenTelemetry semantic conventions. What they have no name for is listed at [the end](#attributes-of-our-own).

## What every invocation has

On the SERVER span:

${attributeTable(serverAttributes)}

On \`Invocation\`:

${attributeTable(phaseAttributes)}

A handler that fails is an error of both, with \`error.type\` and the exception on \`Invocation\`.

## Init

\`Initialization\` belongs to the first invocation, unless that comes more than 10 s later. Below it stand \`node boot\`, \`runtime load\`, \`extension registration\`, which
runs beside the others, \`context extractor\` where there is one, and \`handler load\` with the modules of the function that take 3 ms or more, each with \`code.file.path\`:

* what is required, with what it requires in turn;
* of an ES module \`import graph\`, the time to find and read all its modules, and \`evaluation\`, in which each module has its own time and that of what it
  imports, CommonJS included. \`top-level await\` is the part of the evaluation in which it waited. Of a graph with more than 100 modules the ones found later
  count to those that import them; beside a compile cache the evaluation is one step.

## What HTTP sources share

${code(sharedAttributes.http)}

* The values of the query keys ${code(redactedQueryKeys)} are replaced by \`REDACTED\`.
* Methods other than ${code(knownMethods)} are \`_OTHER\`, with the method itself in \`http.request.method_original\`; the span is then called \`HTTP\`.
* The client is the first address of \`X-Forwarded-For\`, host, port and scheme are those of \`X-Forwarded-*\`, where they are there.
* The result gives \`http.response.status_code\`; 5xx makes the span an error with the status as \`error.type\`, 4xx does not. A streamed response is
  a 200 unless its prelude says otherwise. A handler that throws is to the gateway one without a result.
* On request: \`http.request.header.<name>\`, \`http.response.header.<name>\`, \`http.request.body.size\`, \`http.response.body.size\` ([settings](settings.md)). With \`http/dup\` in
  \`OTEL_SEMCONV_STABILITY_OPT_IN\` the old names (\`http.method\`, \`http.target\`, \`http.status_code\` …) stand beside the new ones.

## Routers inside the function

Behind \`{proxy+}\`, \`$default\`, a function URL or a load balancer the event does not say the route, but the framework in the function knows it:
\`http.route\` is then \`/orders/:id\`, as the framework writes it, and the span is called \`GET /orders/:id\`. The function need not be changed.

| framework | how its routes are found | bundled and minified |
|---|---|---|
| \`express\` 5 with \`router\` from 2.3, as Express 5.3 has it | its router's channel \`express.router.request\` | yes |
| \`express\` 4 and 5 before that | hooks on its routes and mounted routers | **no**: a package of its own (esbuild: \`external\`) |
| \`fastify\` 4 and 5 | its channel \`fastify.initialization\`; every instance gets an \`onRequest\` hook | yes |
| \`hono\` 4, also \`hono/quick\` and \`hono/tiny\` | a hook on their routers, \`require\` or \`import\`; not on one that you pass as \`router\` | **no** |

* It includes what routers, plugins and apps are mounted on. Where several routes take part the last one counts whose handler runs; middleware and
  error handlers are none. Hono's middleware is what is there for all methods and takes \`next\`. Fastify names the route also of requests that a hook or a schema turns away.
* A request that no route matches has none. Of what a handler asks its own app in turn nothing is said.
* The gateway's own route stays when it is more than a catch-all: \`/orders/{id}\` does, \`/orders/{proxy+}\` does not.
* What [\`setRoute\`](code-api.md) says wins over both; for all other routers it is the way.
* Patterns that are regular expressions stand as such. Of a list of paths Express without the channel does not say which one has matched: they are joined by commas.
* \`OTEL_NODE_DISABLED_INSTRUMENTATIONS\` with \`express\`, \`fastify\`, \`hono\` leaves the event's route ([settings](settings.md)).

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
  const ownTable = `## Attributes of our own\n\n${attributeTable(ownAttributes)}\n`;
  return [INTRODUCTION, ...sections, ownTable].join('\n');
}

if (import.meta.main) process.stdout.write(whatIsTracedPage());
