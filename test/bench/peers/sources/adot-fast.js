// The same layer with OTEL_AWS_LAMBDA_FAST_START=true.
const { configureLiteMode } = require('@aws/aws-distro-opentelemetry-node-autoinstrumentation/lite');

configureLiteMode();
