// AWS IoT events that have a shape of their own. What a rule forwards is the device's payload and looks like a direct invocation.
// Source: AWS IoT Core Developer Guide, "Custom authentication"; AWS IoT 1-Click Developer Guide, "Lambda callback".

import { list, text } from './event-fields.ts';
import { pick, shape } from './field-specs.ts';
import { row } from './row.ts';

export const iotButton = row('iot-button', 'pubsub', shape('clickType&serialNumber'), (event) => ({
  attributes: pick(event, 'aws.iot.click_type=clickType'),
}));

export const iotOneClick = row('iot-1-click', 'pubsub', shape('deviceEvent{}'), (event) => ({
  attributes: pick(event, 'aws.iot. click_type=deviceEvent.buttonClicked.clickType device_type=deviceInfo.type'),
}));

export const iotAuthorizer = row('iot-authorizer', 'other', shape('protocolData{}'), (event) => ({
  attributes: {
    'aws.iot.protocols': list(event?.protocols)
      .slice(0, 8)
      .map(text)
      .filter((protocol) => protocol !== undefined),
  },
}));
