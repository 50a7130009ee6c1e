// The two ways in which a runtime answers an invocation, `/response` and `/error`: what is refused, what the caller then sees.
// Source: runtime interface emulator, `rapi/handler/invocation{response,error}.go`, `core/directinvoke`.

import { headers, PAYLOAD_LIMIT_BYTES } from '../../runtime/api/wire.ts';
import {
  classifyErrorType,
  invalidResponseModeHeader,
  responseTooLarge,
  truncatedResponse,
} from './platform-errors.ts';
import {
  type Answer,
  accepted,
  invalidRequestId,
  invalidResponseMode,
  invokeTimedOut,
  payloadTooLarge,
  truncatedRequest,
} from './refusals.ts';
import { type ApiCall, joinChunks } from './request-body.ts';
import type { RuntimeStep } from './runtime-states.ts';
import { type Delivery, headerText, type Sandbox } from './sandbox.ts';

const STREAM_LIMIT_BYTES = 200 * 1024 * 1024;

export async function takeResponse(sandbox: Sandbox, requestId: string, call: ApiCall): Promise<Answer> {
  const delivery = begin(sandbox, requestId, call, 'response');
  if ('status' in delivery) return refuse(call, delivery);
  const { invocation } = delivery;
  const mode = headerText(call, headers.responseMode);
  if (mode !== undefined && mode !== 'streaming') {
    invocation.fail('error', invalidResponseModeHeader);
    return refuse(call, invalidResponseMode);
  }
  const isStreamed = mode === 'streaming';
  const limitBytes =
    isStreamed && invocation.options.invokeMode !== 'buffered' ? STREAM_LIMIT_BYTES : PAYLOAD_LIMIT_BYTES;
  const body = await call.readBody({
    keepBytes: limitBytes,
    onChunk: isStreamed ? invocation.options.onChunk : undefined,
  });
  const sent = (answer: Answer): Answer => {
    delivery.states.take('sent');
    sandbox.answerTaken(delivery);
    return answer;
  };
  if (delivery.isTimedOut) return invokeTimedOut;
  if (body.isTruncated) {
    invocation.fail('error', truncatedResponse);
    return sent(truncatedRequest);
  }
  if (body.totalBytes > limitBytes) {
    invocation.fail('error', responseTooLarge(body.totalBytes));
    return sent(payloadTooLarge);
  }
  const streamErrorType = isStreamed ? body.trailers[headers.errorType] : undefined;
  invocation.settle({
    status: streamErrorType ? 'error' : 'success',
    payload: joinChunks(body),
    contentType: headerText(call, 'content-type'),
    errorType: streamErrorType,
    platformErrorType: streamErrorType && classifyErrorType(streamErrorType),
    responseMode: isStreamed ? 'streaming' : 'buffered',
    chunks: body.chunks,
    trailers: body.trailers,
    echoedInvocationId: headerText(call, headers.invocationId),
    requestHeaders: call.headers,
  });
  return sent(accepted);
}

export async function takeError(sandbox: Sandbox, requestId: string, call: ApiCall): Promise<Answer> {
  const delivery = begin(sandbox, requestId, call, 'error');
  if ('status' in delivery) return refuse(call, delivery);
  const body = await call.readBody({ keepBytes: PAYLOAD_LIMIT_BYTES });
  if (delivery.isTimedOut) return invokeTimedOut;
  const errorType = headerText(call, headers.errorType);
  const payload = joinChunks(body);
  delivery.invocation.settle({
    status: 'error',
    payload,
    contentType: headerText(call, 'content-type'),
    errorType: errorType ?? errorTypeOfBody(payload),
    platformErrorType: classifyErrorType(errorType),
    xrayCause: parsedOrUndefined(headerText(call, headers.xrayErrorCause)),
    echoedInvocationId: headerText(call, headers.invocationId),
    requestHeaders: call.headers,
  });
  delivery.states.take('sent');
  sandbox.answerTaken(delivery);
  return accepted;
}

/** Finds the invocation and takes the state's step, or says why not. */
function begin(sandbox: Sandbox, requestId: string, call: ApiCall, step: RuntimeStep): Delivery | Answer {
  const echoed = headerText(call, headers.invocationId);
  const delivery = sandbox.deliveryOf(requestId, echoed);
  if (!delivery) return sandbox.hasTimedOut(requestId) ? invokeTimedOut : invalidRequestId;
  const { invocationId } = delivery.invocation.options;
  if (invocationId !== undefined && echoed !== undefined && echoed !== invocationId) return invokeTimedOut;
  const refused = delivery.states.take(step);
  // Managed Instances know no process-wide state: an id that is being answered already is simply not valid any more.
  if (refused) return sandbox.isConcurrent ? invalidRequestId : refused;
  return delivery;
}

async function refuse(call: ApiCall, answer: Answer): Promise<Answer> {
  await call.readBody({ keepBytes: 0 });
  return answer;
}

function errorTypeOfBody(payload: Buffer): string | undefined {
  const body = parsedOrUndefined(payload.toString('utf8'));
  const type = typeof body === 'object' && body !== null ? (body as { errorType?: unknown }).errorType : undefined;
  return typeof type === 'string' ? type : undefined;
}

function parsedOrUndefined(json: string | undefined): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch {
    return undefined;
  }
}
