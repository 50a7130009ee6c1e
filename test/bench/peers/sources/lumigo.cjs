// As Lumigo's documentation wraps a handler, with a function of two parameters around it: the wrapper has three, which AWS's client
// for Node 24 takes for a callback handler and refuses. Lumigo's collector does not exist here.
const lumigo = require('@lumigo/tracer')({ token: 't_0123456789abcdef0123' });

const traced = lumigo.trace(async () => ({ statusCode: 200, body: 'ok' }));

exports.handler = (event, context) => traced(event, context);
