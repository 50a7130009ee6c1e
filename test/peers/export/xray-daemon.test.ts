// AWS's own X-Ray daemon takes our datagrams and forwards them; a stub of the service validates every document it gets.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { validateDocument } from '../../../local/sinks/xray-validation.ts';
import { until } from '../../support/conditions.ts';
import { startFunction } from '../../support/function-under-test.ts';
import { type HttpServer, startHttpServer } from '../../support/http-server.ts';
import { makeFolder } from '../../support/temporary-folder.ts';
import { type BackgroundProgram, findFreePorts, findFreeUdpPort, startProgram } from './background-program.ts';
import { provideXrayDaemon } from './go-programs.ts';

const program = await provideXrayDaemon((text) => console.log(text));
const skip = 'missing' in program ? `skipped: ${program.missing}` : false;
if (skip) console.log(`X-Ray daemon: ${skip}`);

type Document = {
  readonly id: string;
  readonly trace_id: string;
  readonly parent_id: string;
  readonly name: string;
  readonly subsegments?: readonly Document[];
};

type Stand = {
  readonly address: string;
  readonly daemon: BackgroundProgram;
  readonly service: HttpServer;
  /** The documents that the service got, in the order of arrival. */
  documents(): Document[];
  /** Texts that are no valid documents, with what is wrong. */
  readonly violations: string[];
};

/** The daemon, and behind it a service that answers what `refuse` says of a document. */
async function start(t: TestContext, refuse: (document: Document) => boolean = () => false): Promise<Stand> {
  const texts: string[] = [];
  const violations: string[] = [];
  const service = await startHttpServer(t, ({ path, body, headers }, response) => {
    if (path !== '/TraceSegments') return response.end('{}');
    assert.match(headers['user-agent'] ?? '', /xray/);
    const { TraceSegmentDocuments: segments } = JSON.parse(body.toString()) as { TraceSegmentDocuments: string[] };
    const unprocessed: object[] = [];
    for (const text of segments) {
      texts.push(text);
      const document = JSON.parse(text) as Document;
      for (const violation of validateDocument(document)) violations.push(`${document.name}: ${violation}`);
      if (refuse(document))
        unprocessed.push({ Id: document.id, ErrorCode: 'InvalidSegment', Message: 'refused by the test' });
    }
    return response.end(JSON.stringify({ UnprocessedTraceSegments: unprocessed }));
  });
  const udp = await findFreeUdpPort();
  const [tcp] = (await findFreePorts(1)) as [number];
  const file = `${makeFolder(t, {})}/cfg.yaml`;
  writeFileSync(
    file,
    `Version: 2
Region: "eu-west-1"
Endpoint: "http://127.0.0.1:${service.port}"
LocalMode: true
TotalBufferSizeMB: 8
Socket:
  UDPAddress: "127.0.0.1:${udp}"
  TCPAddress: "127.0.0.1:${tcp}"
Logging:
  LogLevel: "debug"
`,
  );
  const { path } = program as { path: string };
  const daemon = await startProgram(t, [path, '-c', file], [tcp], {
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  const documents = (): Document[] => texts.map((text) => JSON.parse(text) as Document);
  return { address: `127.0.0.1:${udp}`, daemon, service, documents, violations };
}

const SPANS = `import { trace } from '@opentelemetry/api';
const tracer = trace.getTracer('test');
export const handler = async ({ count = 1, bytes = 10, fail = false }) => {
  for (let n = 0; n < count; n++) {
    tracer.startActiveSpan('work ' + n, (span) => { span.setAttribute('text', 'x'.repeat(bytes)); span.end(); });
  }
  if (fail) throw new RangeError('too far <&>');
  return count;
};`;

const startWithSpans = ({ address }: Stand) =>
  startFunction({
    files: { 'index.mjs': SPANS },
    packages: ['@opentelemetry/api'],
    xray: false,
    environment: { AWS_XRAY_DAEMON_ADDRESS: address },
  });

const all = (documents: readonly Document[]): Document[] =>
  documents.flatMap((document) => [document, ...all(document.subsegments ?? [])]);

test('cold, warm, failing: the service gets every document, all of them valid', { skip }, async (t) => {
  const stand = await start(t);
  await using fn = await startWithSpans(stand);
  for (const event of [{}, { count: 3 }, { fail: true }]) await fn.invoke(event);
  // Ended, the daemon sends what it still has.
  await stand.daemon.stop();
  assert.deepEqual(stand.violations, []);
  assert.deepEqual(
    stand
      .documents()
      .map(({ name }) => name)
      .sort(),
    ['Initialization', 'Invocation', 'Invocation', 'Invocation', 'Overhead', 'Overhead', 'Overhead'],
  );
  const drawn = new Set(all(stand.documents()).map(({ id }) => id));
  const wanted = fn.otlp.spans.filter(({ kind }) => kind !== 2);
  assert.equal(drawn.size, wanted.length);
  for (const { spanId, name } of wanted) assert.ok(drawn.has(spanId), name);
});

test('more than a datagram holds: the daemon takes every part, the service every span', { skip }, async (t) => {
  const stand = await start(t);
  await using fn = await startWithSpans(stand);
  assert.equal((await fn.invoke({ count: 60, bytes: 3000 })).json(), 60);
  const drawnWork = (): number => all(stand.documents()).filter(({ name }) => name.startsWith('work ')).length;
  await until(() => drawnWork() === 60, 'every span at the service', 10_000);
  await stand.daemon.stop();
  assert.deepEqual(stand.violations, []);
  const documents = stand.documents();
  assert.ok(documents.length > 3, `${documents.length} documents`);
  const ids = new Set(all(documents).map(({ id }) => id));
  const [parent] = new Set(documents.filter(({ name }) => name === 'Invocation').map(({ parent_id }) => parent_id));
  for (const { parent_id } of documents) assert.ok(ids.has(parent_id) || parent_id === parent);
});

test('a document that the service refuses is named in the daemon’s log by its own id and trace', {
  skip,
}, async (t) => {
  const stand = await start(t, ({ name }) => name === 'Invocation');
  await using fn = await startWithSpans(stand);
  await fn.invoke({ count: 2 });
  await stand.daemon.stop();
  const [invocation] = stand.documents().filter(({ name }) => name === 'Invocation');
  const said = stand.daemon.output();
  assert.match(said, /1 Unprocessed segments/);
  assert.ok(said.includes(invocation!.id), said);
});
