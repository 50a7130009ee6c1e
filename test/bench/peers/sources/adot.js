// ADOT's layer is this, bundled. Source: aws-observability/aws-otel-js-instrumentation, lambda-layer.
require('@aws/aws-distro-opentelemetry-node-autoinstrumentation/register');
