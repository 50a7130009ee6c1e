// Amazon SES receipt rules. No address and no subject is taken.
// Source: Amazon SES Developer Guide, "Event contents for Lambda actions".

import { epochMsOfIso } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { row } from './row.ts';

export const ses = row('ses', 'pubsub', shape('Records.0.eventSource=aws:ses&Records.0.ses{}'), (event) => {
  const mail = event?.Records?.[0]?.ses?.mail;
  return { attributes: pick(mail, 'aws.ses.message_id=messageId'), sentEpochMs: epochMsOfIso(mail?.timestamp) };
});
