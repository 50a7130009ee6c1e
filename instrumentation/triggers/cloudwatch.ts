// Amazon CloudWatch: log subscriptions and alarm actions.
// Source: CloudWatch Logs User Guide, "Subscription filters with AWS Lambda"; CloudWatch User Guide, "Lambda alarm actions".

import { pick, shape } from './field-specs.ts';
import { row } from './row.ts';

/** The log group is inside the gzipped data, which is not inflated before the handler runs. */
export const cloudwatchLogs = row('cloudwatch-logs', 'pubsub', shape('awslogs.data'));

export const cloudwatchAlarm = row('cloudwatch-alarm', 'other', shape('alarmArn&alarmData{}'), (event) => ({
  attributes: pick(event, 'aws.cloudwatch.alarm. arn=alarmArn name=alarmData.alarmName state=alarmData.state.value'),
}));
