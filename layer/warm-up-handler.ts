// The function that runs in the build's warm-up process; not in the layer. It does what ordinary functions do, so that the code
// for it is in the code caches: nothing, an outgoing HTTP request, a span of its own.

import { get } from 'node:http';
import { trace } from '@opentelemetry/api';

export type WarmUpEvent = { readonly warmUp: 'return' | 'request' | 'span' | 'end'; readonly url?: string };

const fetchUrl = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
    }).on('error', reject);
  });

export const handler = async (event: WarmUpEvent): Promise<unknown> => {
  if (event.warmUp === 'end') (globalThis as unknown as { spanstrapWarmUpEnded(): never }).spanstrapWarmUpEnded();
  if (event.warmUp === 'request') await fetchUrl(event.url!);
  if (event.warmUp === 'span') {
    trace.getTracer('warm-up').startActiveSpan('work', (span) => {
      span.setAttribute('items', 3);
      span.end();
    });
  }
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: '{"ok":true}' };
};
