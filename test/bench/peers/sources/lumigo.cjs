// As Lumigo's documentation wraps a handler. Its collector does not exist here.
const lumigo = require('@lumigo/tracer')({ token: 't_0123456789abcdef0123' });

exports.handler = lumigo.trace(async () => ({ statusCode: 200, body: 'ok' }));
