// The attributes that every invocation has, whatever triggered it.

/** On the SERVER span. */
export const serverAttributes: { readonly [attribute: string]: string } = {
  'faas.invocation_id': 'the request id; a retry of an asynchronous invocation keeps it',
  'faas.trigger': '`http`, `pubsub`, `datasource`, `timer` or `other`',
  'faas.coldstart':
    'true for the first invocation of an environment whose init was waited for; false for all others, after provisioned concurrency, and when the init ended more than 10 s before',
  'cloud.resource_id': 'ARN of the function; an alias is replaced by the version that it stands for',
  'cloud.account.id': 'account of the function; from the first invocation on also in the resource',
  'aws.lambda.invoked_arn': 'the ARN that was invoked',
  'aws.lambda.tenant_id': 'tenant of the invocation, where functions are isolated by tenants',
  'aws.xray.parent_id': 'parent in Lambda’s trace header, where it is not the parent of the span',
  'lambda.frozen_ms':
    'how long the process had shown no sign of life since the invocation before, from a quarter of a second on: the wall clock’s time since the last turn of its event loop, which is looked for every 20 ms, later every 1.3 s. Lambda’s freeze, mostly; an event loop that background work holds up counts as well',
};

/** On `Invocation`. */
export const phaseAttributes: { readonly [attribute: string]: string } = {
  'lambda.response.size': 'bytes of the response',
  'lambda.response.serialize_ms': 'from the end of the handler to the response’s bytes; not for streams',
  'lambda.response.post_ms': 'from there until Lambda had taken them; not for streams',
  'lambda.gc.count': 'garbage collections within the invocation, from the third one on',
  'lambda.gc.pause_ms': 'their pauses together',
  'lambda.event_loop.delay_max_ms': 'the longest time by which a timer was late, when that is 10 ms or more',
};
