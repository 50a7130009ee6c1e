// Entry of the bundle `secret`: headers of exports out of a secret. Loaded during init, so that the answer is there before the
// first export.

import { createCredentials } from '../instrumentation/export/aws/credentials.ts';
import { fetchHeaderSecret } from '../instrumentation/export/aws/header-secret.ts';
import type { OtlpHeaders } from '../instrumentation/export/otlp/options.ts';
import { readProxyEnvironment } from '../instrumentation/export/proxy.ts';
import type { ExportContext } from './export-context.ts';

const TIMEOUT_MS = 3000;

/** Begins to fetch at once. What it returns gives the headers, and fetches anew after a failure. */
export function openHeaderSecret({ env }: Pick<ExportContext, 'env'>, reference: string): () => Promise<OtlpHeaders> {
  const { AWS_ENDPOINT_URL: anyEndpoint } = env;
  // What is wrong with a proxy the exporter tells.
  const proxyEnv = readProxyEnvironment(env, () => {});
  const credentials = createCredentials(env);
  const fetchNow = (): Promise<OtlpHeaders> =>
    fetchHeaderSecret({
      reference,
      region: env.AWS_REGION,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      // The names that the AWS SDKs read.
      endpoints: {
        secretsmanager: env.AWS_ENDPOINT_URL_SECRETS_MANAGER || anyEndpoint,
        ssm: env.AWS_ENDPOINT_URL_SSM || anyEndpoint,
        kms: env.AWS_ENDPOINT_URL_KMS || anyEndpoint,
      },
      ...(proxyEnv && { proxyEnv }),
      timeoutMs: TIMEOUT_MS,
      credentials,
    });
  let first: Promise<OtlpHeaders> | undefined = fetchNow();
  // The export that needs it reports the failure.
  first.catch(() => {});
  return () => {
    const fetching = first ?? fetchNow();
    first = undefined;
    return fetching;
  };
}
