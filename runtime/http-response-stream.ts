// `awslambda.HttpResponseStream`: puts status, headers and cookies in front of a streamed response, for function URLs and
// API Gateway. Source: Lambda Developer Guide, "Response streaming for Lambda functions".

import { HTTP_INTEGRATION_CONTENT_TYPE, HTTP_INTEGRATION_PRELUDE_END_BYTES } from './api/wire.ts';

/** What a response stream offers to code that puts something in front of the first bytes. */
export interface PrefixableStream {
  setContentType(contentType: string): void;
  _onBeforeFirstWrite?: ((write: (chunk: string | Uint8Array) => void) => void) | undefined;
}

// biome-ignore lint/complexity/noStaticOnlyClass: user code finds a class under this name on the managed runtimes
export class HttpResponseStream {
  /**
   * Returns the same stream; the prelude goes out before the first write, or before the end when nothing is written.
   * `prelude`: `{ statusCode, headers, cookies }`, passed on as JSON.
   * @throws Runtime.InvalidStreamingOperation when something has been written already
   */
  static from<Stream extends PrefixableStream>(stream: Stream, prelude?: unknown): Stream {
    stream.setContentType(HTTP_INTEGRATION_CONTENT_TYPE);
    const json = Buffer.from(JSON.stringify(prelude) ?? '{}');
    const bytes = Buffer.concat([json, Buffer.alloc(HTTP_INTEGRATION_PRELUDE_END_BYTES)]);
    stream._onBeforeFirstWrite = (write) => write(bytes);
    return stream;
  }
}
