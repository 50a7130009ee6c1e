// What is written about a row of the table of event sources, and what several rows share. Not part of any bundle.

/** Attributes that several rows have, so that a row lists only what it adds. */
export type SharedAttributes = 'http' | 'messaging';

export type RowDocumentation = {
  readonly title: string;
  /** The fields by which the event is known. */
  readonly recognisedBy: string;
  /** Name of the SERVER span; the function's name unless told. */
  readonly spanName?: string;
  /** Name of the CONSUMER span, for messaging sources. */
  readonly consumerName?: string;
  readonly shares?: SharedAttributes;
  /** Attributes that the row adds to the shared ones. */
  readonly attributes: readonly string[];
  /** Attributes of the links to the senders of single records. */
  readonly linkAttributes?: readonly string[];
  /** Where the caller's context is looked for, in this order. */
  readonly context: string;
  readonly notes?: string;
};

/** Attributes of the SERVER span of all HTTP sources, and of the CONSUMER span of all messaging sources. */
export const sharedAttributes: { readonly [Name in SharedAttributes]: readonly string[] } = {
  http: [
    'http.request.method',
    'http.request.method_original',
    'url.path',
    'url.query',
    'url.scheme',
    'server.address',
    'server.port',
    'client.address',
    'user_agent.original',
  ],
  messaging: [
    'messaging.system',
    'messaging.operation.name',
    'messaging.operation.type',
    'messaging.destination.name',
    'messaging.message.id',
  ],
};

/** Fields of a document that changed. */
export const documentAttributes = [
  'faas.document.collection',
  'faas.document.operation',
  'faas.document.name',
  'faas.document.time',
];

export const sqsAttributes = [
  'server.address',
  'aws.sqs.queue.url',
  'aws.sqs.approximate_receive_count',
  'messaging.batch.message_count',
];

/** The place of the context where an event has none. */
export const noContext = 'nowhere: the X-Ray header of the invocation is all there is';
