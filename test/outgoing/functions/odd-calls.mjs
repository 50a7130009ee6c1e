// Calls by every way there is, usual and not; each tells what its caller got to see of it.

import { once } from 'node:events';
import http from 'node:http';
import { connect as connectHttp2, sensitiveHeaders } from 'node:http2';
import https from 'node:https';
import { promisify } from 'node:util';

const seen = (error) => ({ name: error.name, code: error.code, message: error.message.replace(/\d{4,5}/, 'PORT') });

/** What becomes of a request of `node:http`: its response, or its error. */
const outcomeOf = (request) =>
  new Promise((resolve) => {
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', (error) => resolve({ status: response.statusCode, brokenBy: seen(error) }));
    });
    request.on('error', (error) => resolve({ failedBy: seen(error) }));
    request.on('close', () => setImmediate(resolve, { closed: true }));
  });

const ended = (request) => {
  request.end();
  return outcomeOf(request);
};

const fetched = async (...args) => {
  try {
    const response = await fetch(...args);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { failedBy: { name: error.name, message: error.message, cause: error.cause?.code ?? error.cause?.message } };
  }
};

const headers = { 'X-One': '1', 'x-two': ['2', 'zwei'], Accept: '*/*' };

const calls = {
  'get with a URL': ({ url }) => outcomeOf(http.get(url, { headers })),
  'request with options': ({ host, port }) => ended(http.request({ host, port, path: '/a?b=1#c', headers })),
  'headers as a list': ({ host, port }) =>
    ended(http.request({ host, port, headers: ['Host', 'listed.example', 'X-One', '1', 'X-One', 'eins'] })),
  'headers as pairs': ({ host, port }) =>
    ended(
      http.request({
        host,
        port,
        headers: [
          ['Host', 'listed.example'],
          ['X-One', '1'],
        ],
      }),
    ),
  'headers as a list, with a body': ({ host, port }) => {
    const list = ['Host', 'listed.example', 'Content-Length', '4'];
    const request = http.request({ host, port, method: 'POST', headers: list });
    request.end('five'.slice(0, 4));
    return outcomeOf(request);
  },
  'expect: 100-continue': ({ host, port }) => {
    const request = http.request({
      host,
      port,
      method: 'PUT',
      headers: { Expect: '100-continue', 'Content-Length': 4 },
    });
    request.on('continue', () => request.end('data'));
    return outcomeOf(request);
  },
  'headers sent at once': ({ url }) => {
    const request = http.request(url, { method: 'POST' });
    request.flushHeaders();
    request.end('body');
    return outcomeOf(request);
  },
  'headers set afterwards': ({ url }) => {
    const request = http.request(url);
    request.setHeader('X-Late', 'yes');
    request.removeHeader('connection');
    return ended(request);
  },
  'the trace is removed again': ({ url }) => {
    const request = http.request(url, { headers });
    for (const name of ['traceparent', 'X-Amzn-Trace-Id']) request.removeHeader(name);
    return ended(request);
  },
  'all headers are removed': ({ url }) => {
    const request = http.request(url, { headers, method: 'POST' });
    for (const name of request.getHeaderNames()) request.removeHeader(name);
    request.end('body');
    return outcomeOf(request);
  },
  'headers are replaced in the end': ({ url }) => {
    const request = http.request(url, { headers });
    request.on('finish', () => {
      if (request.headersSent && request.getHeader('x-one') === undefined) throw new Error('lost');
    });
    request.setHeaders(new Map([['x-one', 'eins']]));
    return ended(request);
  },
  'no default headers': ({ host, port }) =>
    ended(http.request({ host, port, setDefaultHeaders: false, headers: { Host: 'x' } })),
  'a chunked body': ({ url }) => {
    const request = http.request(url, { method: 'POST' });
    request.write('one');
    request.write(Buffer.from('two'));
    request.end();
    return outcomeOf(request);
  },
  'a class of its own': ({ url }) => ended(new http.ClientRequest(new URL(url))),
  getBuiltinModule: ({ url }) => ended(process.getBuiltinModule('http').request(url)),
  'a replaced http.request': async ({ url }) => {
    const { request } = http;
    http.request = function replaced(...args) {
      const made = request.apply(this, args);
      made.setHeader('X-Replaced', 'yes');
      return made;
    };
    try {
      return await ended(http.request(url));
    } finally {
      http.request = request;
    }
  },
  'an agent that keeps connections': async ({ url }) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const outcomes = await Promise.all([1, 2, 3].map(() => outcomeOf(http.get(url, { agent }))));
    agent.destroy();
    return outcomes;
  },
  'a method that nobody knows': ({ url }) => ended(http.request(url, { method: 'PURGE' })),
  'a client error': ({ url }) => outcomeOf(http.get(`${url}status/404`)),
  'a server error': ({ url }) => outcomeOf(http.get(`${url}status/503`)),
  'nobody listens': () => outcomeOf(http.get('http://127.0.0.1:1/')),
  'a host that does not exist': () => outcomeOf(http.get('http://no-such-host.invalid/')),
  'a URL that is none': () => {
    try {
      return http.get('not a url');
    } catch (error) {
      return { thrown: seen(error) };
    }
  },
  'a header that is none': ({ url }) => {
    try {
      return http.get(url, { headers: { 'bad name': '1' } });
    } catch (error) {
      return { thrown: seen(error) };
    }
  },
  'aborted by a signal': ({ url }) => {
    const controller = new AbortController();
    const request = http.get(`${url}hang`, { signal: controller.signal, agent: false });
    request.on('socket', (socket) => socket.on('connect', () => setImmediate(() => controller.abort())));
    return outcomeOf(request);
  },
  'destroyed without a reason': ({ url }) => {
    const request = http.get(`${url}hang`, { agent: false });
    request.on('socket', (socket) => socket.on('connect', () => setImmediate(() => request.destroy())));
    return outcomeOf(request);
  },
  'aborted before it began': ({ url }) => {
    const request = http.get(url);
    request.abort();
    return outcomeOf(request);
  },
  'a timeout': ({ url }) => {
    const request = http.get(`${url}hang`, { timeout: 30 });
    request.on('timeout', () => request.destroy());
    return outcomeOf(request);
  },
  'a timeout with a reason': ({ url }) => {
    const request = http.get(`${url}hang`, { timeout: 30 });
    request.on('timeout', () => request.destroy(Object.assign(new Error('too slow'), { code: 'SLOW' })));
    return outcomeOf(request);
  },
  'the server hangs up': ({ url }) => outcomeOf(http.get(`${url}hang-up`)),
  'the response breaks off': ({ url }) => outcomeOf(http.get(`${url}break-off`)),
  'given up in the middle': ({ url }) =>
    new Promise((resolve) => {
      const request = http.get(`${url}endless`, (response) => {
        response.once('data', () => {
          response.destroy();
          resolve({ status: response.statusCode });
        });
      });
      request.on('error', (error) => resolve({ failedBy: seen(error) }));
    }),
  'a response that nobody reads': async ({ url }) => {
    const [response] = await once(http.get(`${url}endless`), 'response');
    return { status: response.statusCode };
  },
  'nobody waits for the response': ({ url }) =>
    new Promise((resolve) => http.get(url).on('close', () => resolve('closed'))),
  fetch: ({ url }) => fetched(url, { headers: { 'X-One': '1' } }),
  'fetch with a body': ({ url }) => fetched(url, { method: 'POST', body: 'text' }),
  'fetch a client error': ({ url }) => fetched(`${url}status/404`),
  'fetch, nobody listens': ({ closedUrl }) => fetched(closedUrl),
  'fetch, aborted': ({ url }) => {
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    return fetched(`${url}hang`, { signal: controller.signal });
  },
  'fetch, timed out': ({ url }) => fetched(`${url}hang`, { signal: AbortSignal.timeout(30) }),
  'fetch, redirected': ({ url }) => fetched(`${url}redirect/once`),
  'fetch, redirected in a circle': ({ url }) => fetched(`${url}redirect/circle`),
  'fetch, the response is not read': async ({ url }) => ({ status: (await fetch(`${url}endless`)).status }),
  http2: async ({ http2Url }) => {
    const session = connectHttp2(http2Url);
    const stream = session.request({ ':path': '/two', 'x-one': '1' });
    const [answer] = await once(stream, 'response');
    stream.resume();
    await once(stream, 'end');
    session.close();
    return { status: answer[':status'] };
  },
  'http2, cancelled': async ({ http2Url }) => {
    const session = connectHttp2(http2Url);
    const stream = session.request({ ':path': '/hang' });
    stream.on('ready', () => setImmediate(() => stream.close(8)));
    await once(stream, 'close');
    session.destroy();
    return { code: stream.rstCode };
  },
  'http2, promisified': async ({ http2Url }) => {
    const session = await promisify(connectHttp2)(http2Url);
    const stream = session.request({ ':path': '/promised' }).resume();
    await once(stream, 'end');
    session.close();
    return { path: stream.sentHeaders[':path'] };
  },
  'http2, headers as a list with a secret': async ({ http2Url }) => {
    const session = connectHttp2(http2Url);
    const list = Object.assign([':path', '/', 'x-secret', '1'], { [sensitiveHeaders]: ['x-secret'] });
    const stream = session.request(list).resume();
    await once(stream, 'end');
    session.close();
    return { sensitive: stream.sentHeaders[sensitiveHeaders], list };
  },
  'http2, headers that are none': ({ http2Url }) => {
    const session = connectHttp2(http2Url).on('error', () => {});
    const thrown = [null, 'text', 5].map((given) => {
      try {
        session.request(given).on('error', () => {});
        return 'made';
      } catch (error) {
        return seen(error);
      }
    });
    session.destroy();
    return thrown;
  },
  'http2, a header that is none': async ({ http2Url }) => {
    const session = connectHttp2(http2Url);
    await once(session, 'connect');
    try {
      session.request({ ':none': '1' });
      return {};
    } catch (error) {
      return { thrown: seen(error) };
    } finally {
      session.destroy();
    }
  },
  https: ({ httpsUrl }) => (httpsUrl === undefined ? {} : outcomeOf(https.get(httpsUrl))),
};

export const names = Object.keys(calls);

export const handler = async (event) => {
  if (event.name === undefined) return names;
  return calls[event.name](event);
};
