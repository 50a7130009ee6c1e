// AWS's own client with other tracers in it, each set up as its documentation or its layer does.

import { join } from 'node:path';
import type { StubAddresses } from './stub/run-plan.ts';
import { noVariables, sendingOtlp, type Variant } from './variant.ts';

/** `folder`: of the peer packages. `command`: how AWS's client is started. */
export function makeTracerVariants(folder: string, command: Variant['command']): Variant[] {
  const common = { group: 'peer', command, taskRoot: folder, handler: 'trivial.handler' } as const;
  const preload = (option: string, file: string): string => `${option} ${join(folder, file)}`;
  const openTelemetry = (addresses: StubAddresses): Record<string, string> => ({
    ...sendingOtlp(addresses),
    OTEL_SERVICE_NAME: 'bench',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  });
  // As its layer's otel-instrument sets them; spans go to the X-Ray daemon then.
  const adot = (): Record<string, string> => ({
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'aws-sdk,aws-lambda,http',
    OTEL_PROPAGATORS: 'baggage,tracecontext,xray',
    OTEL_AWS_APPLICATION_SIGNALS_ENABLED: 'true',
    OTEL_RESOURCE_ATTRIBUTES: 'service.name=bench,cloud.provider=aws,cloud.platform=aws_lambda,faas.name=bench',
    HANDLER_IS_ESM: 'true',
  });
  return [
    {
      ...common,
      name: 'ric-opentelemetry',
      title: 'aws-lambda-ric, OpenTelemetry layer',
      variables: (addresses) => ({
        ...openTelemetry(addresses),
        OTEL_PROPAGATORS: 'tracecontext,baggage,xray',
        NODE_OPTIONS: preload('--import', 'opentelemetry-layer-init.mjs'),
      }),
      sends: 'exports',
    },
    {
      ...common,
      name: 'ric-adot',
      title: 'aws-lambda-ric, ADOT',
      variables: () => ({ ...adot(), NODE_OPTIONS: preload('--import', 'adot-init.mjs') }),
      sends: 'datagrams',
    },
    {
      ...common,
      name: 'ric-adot-fast',
      title: 'aws-lambda-ric, ADOT fast start',
      variables: () => ({
        ...adot(),
        OTEL_AWS_LAMBDA_FAST_START: 'true',
        NODE_OPTIONS: preload('--import', 'adot-fast-init.mjs'),
      }),
      sends: 'datagrams',
    },
    {
      ...common,
      name: 'ric-datadog',
      title: 'aws-lambda-ric, Datadog',
      handler: 'node_modules/datadog-lambda-js/dist/handler.handler',
      variables: () => ({ DD_LAMBDA_HANDLER: 'trivial.handler', DD_SERVICE: 'bench', DD_SITE: 'datadoghq.invalid' }),
    },
    {
      ...common,
      name: 'ric-lumigo',
      title: 'aws-lambda-ric, Lumigo',
      handler: 'lumigo.handler',
      variables: () => ({ LUMIGO_TRACER_HOST: '127.0.0.1' }),
    },
    {
      ...common,
      name: 'ric-sentry',
      title: 'aws-lambda-ric, Sentry',
      variables: ({ backend }) => ({
        NODE_OPTIONS: preload('--require', 'node_modules/@sentry/aws-serverless/build/npm/cjs/awslambda-auto.js'),
        SENTRY_DSN: `http://0123456789abcdef@${backend}/1`,
        SENTRY_TRACES_SAMPLE_RATE: '1.0',
      }),
      sends: 'exports',
    },
    {
      ...common,
      name: 'ric-xray-sdk',
      title: 'aws-lambda-ric, X-Ray SDK',
      handler: 'xray-sdk.handler',
      variables: noVariables,
      sends: 'datagrams',
    },
  ];
}
