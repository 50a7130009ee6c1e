// Sources that speak for a person: Bedrock agents, Lex, Connect, Alexa. What was said is never taken.
// Source: Bedrock User Guide, "Configure Lambda functions to send information an Amazon Bedrock agent elicits"; Lex V1 and V2
// Developer Guides, "Lambda input event"; Connect Administrator Guide, "Invoke Lambda functions"; Alexa Skills Kit, "Request JSON".

import { fieldsCarrier } from './carriers.ts';
import { type Loose, text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { type Description, row } from './row.ts';

export const bedrockAgent = row('bedrock-agent', 'other', shape('messageVersion&agent.id&actionGroup'), (event) => ({
  spanName: `bedrock ${text(event?.actionGroup)}`,
  attributes: pick(
    event,
    'aws.bedrock. agent.id agent.alias action_group=actionGroup api_path=apiPath http_method=httpMethod function',
  ),
  carrier: fieldsCarrier(event?.sessionAttributes),
}));

function describeLex(event: Loose): Description {
  return {
    attributes: pick(
      event,
      'aws.lex. bot.name intent.name=currentIntent.name intent.name=sessionState.intent.name invocation_source=invocationSource',
    ),
    carrier: fieldsCarrier(event?.requestAttributes),
  };
}

export const lexV1 = row('lex-v1', 'other', shape('bot.name&currentIntent{}'), describeLex);

export const lexV2 = row('lex-v2', 'other', shape('bot.name&sessionState.intent{}'), describeLex);

export const connect = row('connect', 'other', shape('Name=ContactFlowEvent&Details{}'), (event) => ({
  attributes: pick(event?.Details, 'aws.connect. contact_id=ContactData.ContactId channel=ContactData.Channel'),
  carrier: fieldsCarrier(event?.Details?.Parameters),
}));

export const alexa = row('alexa', 'other', shape('request.type&session.application.applicationId'), (event) => ({
  attributes: pick(
    event,
    'alexa. application_id=session.application.applicationId request.type intent.name=request.intent.name',
  ),
}));
