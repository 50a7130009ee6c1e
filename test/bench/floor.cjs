// The floor: the least that answers invocations, in one file on one socket. It checks nothing, handles no error and no other
// handler than an asynchronous function in a CommonJS file. What a runtime costs is what it costs more than this.

const { connect } = require('node:net');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const [file, name] = process.env._HANDLER.split('.');
const handler = require(`${process.env.LAMBDA_TASK_ROOT}/${file}.cjs`)[name];
const base = '/2018-06-01/runtime/invocation';
const NEXT = `GET ${base}/next HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

const socket = connect({ host, port: Number(port), noDelay: true });
/** Of the answer that is being read: its head until it is complete, then its body in a buffer of the announced size. */
let head = '';
let requestId;
let body;
let filled = 0;

const answer = async (id, event) => {
  const json = JSON.stringify(await handler(JSON.parse(event.toString('utf8'))));
  socket.cork();
  socket.write(
    `POST ${base}/${id}/response HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n`,
    'latin1',
  );
  socket.write(json);
  socket.uncork();
};

const complete = () => {
  const [id, event] = [requestId, body];
  body = undefined;
  requestId = undefined;
  if (id === undefined) socket.write(NEXT, 'latin1');
  else void answer(id, event);
};

socket.on('data', (chunk) => {
  let rest = chunk;
  if (body === undefined) {
    head += chunk.latin1Slice();
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    rest = chunk.subarray(chunk.length - (head.length - end - 4));
    requestId = /^lambda-runtime-aws-request-id: (.+)$/im.exec(head.slice(0, end))?.[1].trim();
    body = Buffer.allocUnsafeSlow(Number(/^content-length: (\d+)/im.exec(head)[1]));
    filled = 0;
    head = '';
  }
  filled += rest.copy(body, filled);
  if (filled === body.length) complete();
});
socket.write(NEXT, 'latin1');
