// Amazon Cognito: user pool triggers and Cognito Sync. Nothing of the user is taken.
// Source: Cognito Developer Guide, "Customizing user pool workflows with Lambda triggers", "Cognito Sync events".

import { text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { row } from './row.ts';

export const cognitoUserPool = row('cognito', 'other', shape('triggerSource&userPoolId'), (event) => ({
  spanName: `cognito ${text(event?.triggerSource)}`,
  attributes: pick(event, 'aws.cognito. trigger_source=triggerSource user_pool_id=userPoolId region'),
}));

export const cognitoSync = row('cognito-sync', 'datasource', shape('datasetName&identityPoolId'), (event) => ({
  attributes: pick(event, 'faas.document.collection=datasetName'),
}));
