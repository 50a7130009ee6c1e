// As the X-Ray SDK's documentation has a Lambda handler: outgoing calls captured, one subsegment of its own.
const xray = require('aws-xray-sdk-core');

xray.captureHTTPsGlobal(require('node:http'));

exports.handler = () =>
  xray.captureAsyncFunc('handler', async (subsegment) => {
    try {
      return { statusCode: 200, body: 'ok' };
    } finally {
      subsegment.close();
    }
  });
