// The function's own AWS credentials: from the environment, or from the container endpoint that SnapStart functions have instead
// (AWS SDKs and Tools Reference Guide, "Container credential provider"). No other provider exists on Lambda.

import { readFileSync } from 'node:fs';
import { wallNow } from '../../../runtime/untouched.ts';
import { requestJson } from './json-request.ts';
import type { AwsCredentials } from './sigv4.ts';

/** The process's environment, read anew each time. */
export type CredentialEnvironment = {
  readonly AWS_ACCESS_KEY_ID?: string | undefined;
  readonly AWS_SECRET_ACCESS_KEY?: string | undefined;
  readonly AWS_SESSION_TOKEN?: string | undefined;
  readonly AWS_CONTAINER_CREDENTIALS_FULL_URI?: string | undefined;
  readonly AWS_CONTAINER_CREDENTIALS_RELATIVE_URI?: string | undefined;
  readonly AWS_CONTAINER_AUTHORIZATION_TOKEN?: string | undefined;
  readonly AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE?: string | undefined;
};

const CONTAINER_HOST = 'http://169.254.170.2';
/** Credentials are fetched anew this long before they expire. */
const EARLY_MS = 5 * 60_000;
const FETCH_TIMEOUT_MS = 1000;

/** A source of credentials; it rejects with an Error that says what is missing. */
export function createCredentials(env: CredentialEnvironment): () => Promise<AwsCredentials> {
  let fetched: { readonly credentials: AwsCredentials; readonly freshUntilEpochMs: number } | undefined;
  return async () => {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
    if (accessKeyId && secretAccessKey) {
      return { accessKeyId, secretAccessKey, sessionToken: env.AWS_SESSION_TOKEN || undefined };
    }
    if (fetched === undefined || wallNow() >= fetched.freshUntilEpochMs) fetched = await fetchFromContainer(env);
    return fetched.credentials;
  };
}

async function fetchFromContainer(
  env: CredentialEnvironment,
): Promise<{ credentials: AwsCredentials; freshUntilEpochMs: number }> {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const uri = relative ? CONTAINER_HOST + relative : env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!uri) throw new Error('neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set');
  const url = URL.parse(uri);
  if (url === null) throw new Error('AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL');
  const authorization = readToken(env);
  const { status, body } = await requestJson({
    method: 'GET',
    url,
    headers: authorization ? { authorization } : {},
    timeoutMs: FETCH_TIMEOUT_MS,
  });
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken, Expiration } = body;
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') {
    throw new Error(`the container credentials endpoint answered ${status} without credentials`);
  }
  const expiresEpochMs = typeof Expiration === 'string' ? Date.parse(Expiration) : Number.NaN;
  return {
    credentials: {
      accessKeyId,
      secretAccessKey,
      sessionToken: typeof sessionToken === 'string' ? sessionToken : undefined,
    },
    // Without a date they are asked for every time.
    freshUntilEpochMs: Number.isNaN(expiresEpochMs) ? 0 : expiresEpochMs - EARLY_MS,
  };
}

/** The file wins over the variable, and is read anew because its token is rotated. */
function readToken(env: CredentialEnvironment): string | undefined {
  const { AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } = env;
  if (!file) return token;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE ${file} cannot be read: ${code}`);
  }
}
