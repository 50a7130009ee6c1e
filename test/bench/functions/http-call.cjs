// One outgoing HTTP call with the default agent, its answer read to the end.
const http = require('node:http');

exports.handler = () =>
  new Promise((resolve, reject) => {
    http
      .get(process.env.BENCH_DOWNSTREAM, (response) => {
        let bytes = 0;
        response.on('data', (chunk) => {
          bytes += chunk.length;
        });
        response.on('end', () => resolve({ statusCode: response.statusCode, body: String(bytes) }));
      })
      .on('error', reject);
  });
