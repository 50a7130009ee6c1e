// What user code finds around it and does to it: context object, globals, console, process.

import { kinds, type PeerCase } from '../peer-case.ts';

const TRACE = 'Root=1-65f1a2b3-0123456789abcdef01234567;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0';
const OTHER_TRACE = 'Root=1-75f1a2b3-0123456789abcdef01234567;Parent=63995c3f42cd8ad8;Sampled=1';
const identities = {
  clientContext: { custom: { a: 'ü' }, env: {} },
  cognitoIdentity: { cognitoIdentityId: 'id', cognitoIdentityPoolId: 'pool' },
  tenantId: 'tenant-1',
  invokedFunctionArn: 'arn:aws:lambda:eu-west-1:123456789012:function:peer-function:alias',
};

const logging = (name: string, handler: string, options: PeerCase['options'], items: readonly string[]): PeerCase => ({
  name,
  items,
  folder: 'logging',
  handler,
  ...(options && { options }),
});

const framed = (name: string, logFormat: 'Text' | 'JSON'): PeerCase => ({
  name,
  items: ['P83', 'P10'],
  folder: 'logging',
  handler: 'index.handler',
  hasTelemetryFd: true,
  options: { logFormat },
});

export const surroundingCases: readonly PeerCase[] = [
  { name: 'context-keys', items: ['P55', 'P56'], folder: 'context', handler: 'index.keys' },
  { name: 'context-keys-streaming', items: ['P55', 'P56', 'P103'], folder: 'context', handler: 'index.streamKeys' },
  {
    name: 'context-fields',
    items: ['P55', 'P56', 'P57', 'P58', 'P59'],
    folder: 'context',
    handler: 'index.fields',
    invocations: [{}, { options: identities }, { options: { tenantId: '' } }, { options: { clientContext: 'null' } }],
  },
  {
    name: 'context-headers-not-json',
    items: ['P57'],
    folder: 'context',
    handler: 'index.fields',
    invocations: [{ options: { clientContext: '{half' } }, { options: { cognitoIdentity: 'x' } }, {}],
  },
  {
    name: 'context-is-mutable',
    items: ['P57'],
    folder: 'context',
    handler: 'index.mutable',
    invocations: [{}, {}],
  },
  {
    name: 'context-after-environment-change',
    items: ['P60'],
    folder: 'context',
    handler: 'index.changedEnvironment',
    invocations: [{}, {}],
  },
  {
    name: 'context-after-environment-replacement',
    items: ['P60', 'P89'],
    folder: 'context',
    handler: 'index.replacedEnvironment',
    invocations: [TRACE, OTHER_TRACE, null].map((traceHeader) => ({ options: { traceHeader } })),
  },
  {
    name: 'context-time-left',
    items: ['P58'],
    folder: 'context',
    handler: 'index.remaining',
    invocations: [{ options: { headers: { 'Lambda-Runtime-Deadline-Ms': '1000' } } }, { options: {} }],
  },
  {
    name: 'trace-id',
    items: ['P89', 'P90'],
    folder: 'context',
    handler: 'index.traceId',
    invocations: [{ options: { traceHeader: TRACE } }, { options: { traceHeader: null } }],
  },
  {
    name: 'trace-id-streaming',
    items: ['P90'],
    folder: 'context',
    handler: 'index.traceIdInStream',
    invocations: [{ options: { traceHeader: TRACE } }, { options: { traceHeader: null } }],
  },
  {
    name: 'invoke-store',
    items: ['P87', 'P88'],
    folder: 'store',
    handler: 'index.handler',
    invocations: [{ options: { tenantId: 'tenant-1' } }, { options: { traceHeader: TRACE } }],
  },
  { name: 'globals', items: ['P87'], folder: 'store', handler: 'index.globals' },
  { name: 'globals-at-load', items: ['P87'], folder: 'store', handler: 'index.globalsAtLoad' },
  {
    name: 'globals-switched-off',
    items: ['P10', 'P87'],
    folder: 'store',
    handler: 'index.globals',
    environment: { AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: '1' },
  },
  {
    name: 'process-environment',
    items: ['P1', 'P2', 'P4', 'P5', 'P7', 'P8', 'P9', 'P112'],
    folder: 'environment',
    handler: 'index.handler',
  },
  { name: 'node-in-child-process', items: ['P111'], folder: 'environment', handler: 'index.childNode' },
  {
    name: 'verbose-variable',
    items: ['P10'],
    folder: 'environment',
    handler: 'index.childNode',
    environment: { AWS_LAMBDA_RUNTIME_VERBOSE: '1' },
  },
  {
    name: 'alternative-client-variable',
    items: ['P10'],
    folder: 'environment',
    handler: 'index.childNode',
    environment: { AWS_LAMBDA_NODEJS_USE_ALTERNATIVE_CLIENT_1: 'true', AWS_LAMBDA_NODEJS_WORKER_COUNT: '3' },
  },
  {
    name: 'proxy-variables',
    items: ['P106'],
    folder: 'environment',
    handler: 'index.childNode',
    environment: {
      HTTP_PROXY: 'http://127.0.0.1:9',
      http_proxy: 'http://127.0.0.1:9',
      ALL_PROXY: 'http://127.0.0.1:9',
    },
  },
  {
    name: 'uncaught-exception',
    items: ['P70', 'P71', 'P72'],
    folder: 'process',
    handler: 'index.handler',
    invocations: kinds(['uncaught', 'other', 'uncaughtText', 'other']),
  },
  {
    name: 'unhandled-rejection',
    items: ['P70', 'P71', 'P72'],
    folder: 'process',
    handler: 'index.handler',
    invocations: kinds(['unhandled', 'other', 'unhandledText', 'unhandledNothing']),
  },
  {
    name: 'unhandled-rejections-by-option',
    items: ['P6', 'P75'],
    folder: 'process',
    handler: 'index.handler',
    environment: { NODE_OPTIONS: '--unhandled-rejections=warn' },
    invocations: kinds(['unhandled']).map((one) => ({ ...one, options: { timeoutMs: 600 } })),
  },
  {
    name: 'process-exit',
    items: ['P73'],
    folder: 'process',
    handler: 'index.handler',
    invocations: kinds(['exit3', 'exit0', 'kill', 'exitCode', 'other']),
  },
  {
    name: 'listeners-of-the-runtime',
    items: ['P70'],
    folder: 'process',
    handler: 'index.handler',
    invocations: kinds(['listeners']),
  },
  {
    name: 'listener-of-the-function',
    items: ['P70'],
    folder: 'process',
    handler: 'index.withOwnListener',
    invocations: kinds(['uncaught']),
  },
  {
    name: 'uncaught-exception-while-streaming',
    items: ['P105'],
    folder: 'process',
    handler: 'index.streamUncaught',
    invocations: [{}],
  },
  logging('log-text', 'index.handler', undefined, ['P33', 'P76', 'P77', 'P78', 'P79', 'P85', 'P86']),
  logging('log-json', 'index.handler', { logFormat: 'JSON' }, ['P33', 'P76', 'P80', 'P85']),
  logging('log-text-errors', 'index.errors', undefined, ['P77']),
  logging('log-json-errors', 'index.errors', { logFormat: 'JSON' }, ['P80']),
  ...['TRACE', 'debug', 'Info', 'WARN', 'error', 'FATAL', 'nonsense'].map((logLevel) =>
    logging(`log-level-${logLevel.toLowerCase()}`, 'index.handler', { logLevel }, ['P81']),
  ),
  logging('log-json-level-error', 'index.errors', { logFormat: 'JSON', logLevel: 'ERROR' }, ['P81']),
  logging('log-format-lower-case', 'index.methods', { platformEnvironment: { AWS_LAMBDA_LOG_FORMAT: 'json' } }, [
    'P80',
  ]),
  {
    name: 'log-json-tenant',
    items: ['P82'],
    folder: 'logging',
    handler: 'index.handler',
    options: { logFormat: 'JSON', logLevel: 'WARN' },
    invocations: [{ options: { tenantId: 'tenant-1' } }],
  },
  framed('log-frames-text', 'Text'),
  framed('log-frames-json', 'JSON'),
];
