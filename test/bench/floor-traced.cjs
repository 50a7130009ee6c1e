// The floor of a traced runtime: floor.cjs, and with it the kernel's share of what tracing promises. It registers an extension and
// polls as one, writes down that an invocation runs before the handler does, and sends two X-Ray datagrams and, with an OTLP
// endpoint, one export after the response. What it sends is the same text every time but for the ids: it looks at nothing, counts
// nothing and hears no error. A tracer costs what it costs more than this.

const { openSync, unlinkSync, writeSync } = require('node:fs');
const { connect } = require('node:net');

const { AWS_LAMBDA_RUNTIME_API, AWS_XRAY_DAEMON_ADDRESS, OTEL_EXPORTER_OTLP_ENDPOINT, LAMBDA_TASK_ROOT, TMPDIR } =
  process.env;
const [host, port] = AWS_LAMBDA_RUNTIME_API.split(':');
const base = '/2018-06-01/runtime/invocation';
const extensions = '/2020-01-01/extension';
const NEXT = `GET ${base}/next HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

/** Calls `complete` with the head and the body of every response. */
const open = (target, complete) => {
  const socket = connect({ ...target, noDelay: true });
  let head = '';
  let body;
  let filled = 0;
  socket.on('data', (chunk) => {
    let rest = chunk;
    if (body === undefined) {
      head += chunk.latin1Slice();
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      rest = chunk.subarray(chunk.length - (head.length - end - 4));
      body = Buffer.allocUnsafeSlow(Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0));
      filled = 0;
    }
    filled += rest.copy(body, filled);
    if (filled < body.length) return;
    const [lines, content] = [head, body];
    head = '';
    body = undefined;
    complete(lines, content);
  });
  return socket;
};
const field = (head, name) => new RegExp(`^${name}: (.+)$`, 'im').exec(head)?.[1].trim();
const post = (path, fields, content) =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}Content-Length: ${Buffer.byteLength(content)}\r\n\r\n${content}`;

let next = '';
/** Both have to have come: the INVOKE event, and the answer's receipt. */
let isInvoked = false;
let isAnswered = false;
const api = { host, port: Number(port) };

const extension = open(api, (head, body) => {
  if (next !== '') {
    JSON.parse(body.toString('utf8'));
    isInvoked = true;
    if (isAnswered) void flush();
    return;
  }
  next = `GET ${extensions}/event/next HTTP/1.1\r\nHost: ${host}\r\nLambda-Extension-Identifier: ${field(head, 'lambda-extension-identifier')}\r\n\r\n`;
  extension.write(next, 'latin1');
  runtime.write(NEXT, 'latin1');
});
extension.write(post(`${extensions}/register`, 'Lambda-Extension-Name: floor\r\n', '{"events":["INVOKE"]}'), 'latin1');

let traceHeader = '';
let requestId;
const runtime = open(api, (head, body) => {
  if (requestId === undefined) {
    requestId = field(head, 'lambda-runtime-aws-request-id');
    traceHeader = field(head, 'lambda-runtime-trace-id') ?? '';
    void answer(requestId, body);
    return;
  }
  requestId = undefined;
  runtime.write(NEXT, 'latin1');
  isAnswered = true;
  if (isInvoked) void flush();
});

const [file, name] = process.env._HANDLER.split('.');
const handler = require(`${LAMBDA_TASK_ROOT}/${file}.cjs`)[name];

let flight;
/** Without a name from the beginning: nobody is to find it afterwards. */
const openFlight = (path) => {
  const fd = openSync(path, 'wx');
  unlinkSync(path);
  return fd;
};
const answer = async (id, event) => {
  flight ??= openFlight(`${TMPDIR ?? '/tmp'}/floor-traced-${process.pid}`);
  writeSync(flight, `${id} ${Date.now()} ${traceHeader}\n`.padEnd(400), 0);
  const json = JSON.stringify(await handler(JSON.parse(event.toString('utf8'))));
  runtime.write(post(`${base}/${id}/response`, '', json), 'latin1');
};

let daemon;
let receiver;
let settled;
const newId = () => Math.random().toString(16).slice(2, 18).padEnd(16, '0');
const text = 'x'.repeat(600);

const flush = async () => {
  isInvoked = false;
  isAnswered = false;
  if (AWS_XRAY_DAEMON_ADDRESS) await sendDocuments();
  if (OTEL_EXPORTER_OTLP_ENDPOINT) await sendExport();
  writeSync(flight, 'landed'.padEnd(96), 0);
  extension.write(next, 'latin1');
};

const sendDocuments = async () => {
  if (daemon === undefined) {
    const [address, daemonPort] = AWS_XRAY_DAEMON_ADDRESS.split(':');
    daemon = require('node:dgram').createSocket('udp4');
    await new Promise((resolve) => daemon.connect(Number(daemonPort), address, resolve));
    daemon.unref();
  }
  const [, root, parent] = /Root=([^;]+);Parent=([^;]+)/.exec(traceHeader);
  const now = Date.now() / 1000;
  const sent = ['Invocation', 'Overhead'].map(
    (phase) =>
      new Promise((resolve) => {
        const document = `{"id":"${newId()}","trace_id":"${root}","type":"subsegment","parent_id":"${parent}","name":"${phase}","start_time":${now},"end_time":${now},"metadata":{"floor":{"text":"${text}"}}}`;
        daemon.send(`{"format":"json","version":1}\n${document}`, resolve);
      }),
  );
  await Promise.all(sent);
  // Whether nobody listens there is known when the event loop has turned.
  await new Promise(setImmediate);
};

const sendExport = () => {
  if (receiver === undefined) {
    const { hostname, port: receiverPort } = new URL(OTEL_EXPORTER_OTLP_ENDPOINT);
    receiver = open({ host: hostname, port: Number(receiverPort) }, () => settled());
    receiver.unref();
  }
  // A request with one resource and no span in it; the length is that of three spans.
  const message = Buffer.alloc(1200);
  return new Promise((resolve) => {
    settled = resolve;
    const head = `POST /v1/traces HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${message.length}\r\n\r\n`;
    receiver.write(Buffer.concat([Buffer.from(head, 'latin1'), message]));
  });
};
