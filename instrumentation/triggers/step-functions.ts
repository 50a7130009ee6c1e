// AWS Step Functions tasks whose input includes the context object; without it they look like any direct invocation.
// Source: Step Functions Developer Guide, "Accessing execution data from the Context object".

import { layeredCarrier } from './carriers.ts';
import { payloadCarrier } from './envelope.ts';
import { epochMsOfIso, type Loose } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { row } from './row.ts';

const isContextObject = shape('Execution.Id&State.Name&State.EnteredTime');

/** The context object: the input itself, or where the usual ways of passing it along leave it. */
function contextObject(event: Loose): Loose {
  return [event, event?.Payload, event?._datadog, event?.Payload?._datadog].find(isContextObject);
}

export const stepFunctions = row(
  'step-functions',
  'other',
  (event) => contextObject(event) !== undefined,
  (event, reading) => {
    const context = contextObject(event);
    return {
      attributes: pick(
        context,
        'aws.step_functions. state_machine.arn=StateMachine.Id execution.arn=Execution.Id state.name=State.Name ' +
          'state.entered_time=State.EnteredTime state.retry_count#=State.RetryCount',
      ),
      carrier: layeredCarrier(payloadCarrier(event, reading), payloadCarrier(event?.Payload, reading)),
      sentEpochMs: epochMsOfIso(context?.State?.EnteredTime),
    };
  },
);
