// The handler of most figures: asynchronous, and nothing else.
exports.handler = async () => ({ statusCode: 200, body: 'ok' });
