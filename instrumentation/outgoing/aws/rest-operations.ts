// Operations of services that name them by method and path only. Rows for the services that functions call most; of all others
// the operation stays unknown. Sources: the services' API references.

/** What a path says beside the operation. */
export type RestRequest = { readonly operation: string; readonly resource: string | undefined };

type Row = readonly [service: string, method: string, path: RegExp, operation: string];

const ROWS: readonly Row[] = [
  ['Lambda', 'POST', /^\/2015-03-31\/functions\/([^/]+)\/invocations$/, 'Invoke'],
  ['Lambda', 'POST', /^\/2021-11-15\/functions\/([^/]+)\/response-streaming-invocations$/, 'InvokeWithResponseStream'],
  ['Lambda', 'POST', /^\/2014-11-13\/functions\/([^/]+)\/invoke-async$/, 'InvokeAsync'],
  ['Lambda', 'GET', /^\/2015-03-31\/functions\/([^/]+)$/, 'GetFunction'],
  ['Lambda', 'GET', /^\/2015-03-31\/functions$/, 'ListFunctions'],
  ['Lambda', 'GET', /^\/2015-03-31\/functions\/([^/]+)\/configuration$/, 'GetFunctionConfiguration'],
  ['BedrockRuntime', 'POST', /^\/model\/([^/]+)\/invoke$/, 'InvokeModel'],
  ['BedrockRuntime', 'POST', /^\/model\/([^/]+)\/invoke-with-response-stream$/, 'InvokeModelWithResponseStream'],
  ['BedrockRuntime', 'POST', /^\/model\/([^/]+)\/converse$/, 'Converse'],
  ['BedrockRuntime', 'POST', /^\/model\/([^/]+)\/converse-stream$/, 'ConverseStream'],
  ['BedrockRuntime', 'POST', /^\/model\/([^/]+)\/count-tokens$/, 'CountTokens'],
  ['BedrockRuntime', 'POST', /^\/guardrail\/([^/]+)\/version\/[^/]+\/apply$/, 'ApplyGuardrail'],
  ['BedrockAgentRuntime', 'POST', /^\/agents\/([^/]+)\/agentAliases\/[^/]+\/sessions\/[^/]+\/text$/, 'InvokeAgent'],
  ['BedrockAgentRuntime', 'POST', /^\/knowledgebases\/([^/]+)\/retrieve$/, 'Retrieve'],
  ['SESv2', 'POST', /^\/v2\/email\/outbound-emails$/, 'SendEmail'],
  ['SESv2', 'POST', /^\/v2\/email\/outbound-bulk-emails$/, 'SendBulkEmail'],
  ['ApiGatewayManagementApi', 'POST', /\/@connections\/[^/]+$/, 'PostToConnection'],
  ['ApiGatewayManagementApi', 'GET', /\/@connections\/[^/]+$/, 'GetConnection'],
  ['ApiGatewayManagementApi', 'DELETE', /\/@connections\/[^/]+$/, 'DeleteConnection'],
  ['AppConfigData', 'POST', /^\/configurationsessions$/, 'StartConfigurationSession'],
  ['AppConfigData', 'GET', /^\/configuration$/, 'GetLatestConfiguration'],
  ['Scheduler', 'POST', /^\/schedules\/([^/]+)$/, 'CreateSchedule'],
  ['Scheduler', 'PUT', /^\/schedules\/([^/]+)$/, 'UpdateSchedule'],
  ['Scheduler', 'GET', /^\/schedules\/([^/]+)$/, 'GetSchedule'],
  ['Scheduler', 'DELETE', /^\/schedules\/([^/]+)$/, 'DeleteSchedule'],
  ['RDSData', 'POST', /^\/Execute$/, 'ExecuteStatement'],
  ['RDSData', 'POST', /^\/BatchExecute$/, 'BatchExecuteStatement'],
  ['RDSData', 'POST', /^\/BeginTransaction$/, 'BeginTransaction'],
  ['RDSData', 'POST', /^\/CommitTransaction$/, 'CommitTransaction'],
  ['RDSData', 'POST', /^\/RollbackTransaction$/, 'RollbackTransaction'],
  ['IoTDataPlane', 'POST', /^\/topics\/.+$/, 'Publish'],
  ['XRay', 'POST', /^\/TraceSegments$/, 'PutTraceSegments'],
  ['SageMakerRuntime', 'POST', /^\/endpoints\/([^/]+)\/invocations$/, 'InvokeEndpoint'],
];

/** Smithy's RPC protocol names service and operation in the path. */
const SMITHY_RPC = /^\/service\/[^/]+\/operation\/([A-Za-z0-9]+)$/;

export function readRestRequest(service: string, method: string, path: string): RestRequest | undefined {
  const pathname = path.split('?', 1)[0]!.replace(/(.)\/$/, '$1');
  const rpc = SMITHY_RPC.exec(pathname)?.[1];
  if (rpc !== undefined) return { operation: rpc, resource: undefined };
  for (const [of, verb, shape, operation] of ROWS) {
    if (of !== service || verb !== method) continue;
    const match = shape.exec(pathname);
    if (match !== null) return { operation, resource: decoded(match[1]) };
  }
  return undefined;
}

function decoded(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return text;
  }
}
