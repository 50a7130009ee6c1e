// Headers of exports out of Secrets Manager, Parameter Store or KMS, so that no key stands in the function's configuration. The
// entry of a bundle of its own: it is loaded during init, by functions that name a secret, while their module loads.

import { serviceEndpoint } from './endpoints.ts';
import { requestJson } from './json-request.ts';
import { type AwsCredentials, signedHeaders } from './sigv4.ts';

export type HeaderSecretOptions = {
  /** The ARN of a secret or of a parameter, or `kms:` and the base64 of what KMS encrypted. */
  readonly reference: string;
  /** The function's region: KMS has no ARN to read it from. */
  readonly region: string | undefined;
  /** Its name is the encryption context that Lambda's console gives KMS. */
  readonly functionName: string | undefined;
  /** Overrides of the services' endpoints: `AWS_ENDPOINT_URL_SSM` and so on. */
  readonly endpoints: Readonly<Record<'secretsmanager' | 'ssm' | 'kms', string | undefined>>;
  readonly proxyEnv?: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: number;
  credentials(): Promise<AwsCredentials>;
};

type Headers = Readonly<Record<string, string>>;

type Call = {
  readonly service: keyof HeaderSecretOptions['endpoints'];
  readonly region: string;
  readonly target: string;
  readonly input: object;
};

/**
 * The headers that a secret holds. It is either `key=value,key=value`, as in `OTEL_EXPORTER_OTLP_HEADERS`, or a JSON object.
 * Rejects with an Error that names the secret and the service's own error, never what is in it.
 */
export async function fetchHeaderSecret(options: HeaderSecretOptions): Promise<Headers> {
  const { reference } = options;
  const ciphertext = /^kms:(.+)$/.exec(reference)?.[1];
  const text = ciphertext === undefined ? await fetchByArn(options) : await decrypt(options, ciphertext);
  const headers = readHeaders(text);
  if (headers === undefined) {
    throw new Error(`${nameOf(reference)} is neither key=value,key=value nor a JSON object of texts`);
  }
  return headers;
}

/** ARNs are no secret, what KMS encrypted is not to be shown either. */
const nameOf = (reference: string): string => (reference.startsWith('kms:') ? 'the KMS secret' : reference);

async function fetchByArn(options: HeaderSecretOptions): Promise<string> {
  const { reference } = options;
  const [, service, region] = /^arn:[\w-]+:(secretsmanager|ssm):([\w-]+):\d*:/.exec(reference) ?? [];
  if (service === undefined || region === undefined) {
    throw new Error(
      'SPANSTRAP_OTLP_HEADERS_SECRET is neither the ARN of a Secrets Manager secret or an SSM parameter nor kms: and base64',
    );
  }
  if (service === 'ssm') {
    const input = { Name: reference, WithDecryption: true };
    const { Parameter } = await call(options, { service, region, target: 'AmazonSSM.GetParameter', input });
    return textOf((Parameter as { Value?: unknown } | undefined)?.Value, reference);
  }
  const { SecretString, SecretBinary } = await call(options, {
    service: 'secretsmanager',
    region,
    target: 'secretsmanager.GetSecretValue',
    input: { SecretId: reference },
  });
  if (typeof SecretBinary === 'string') return Buffer.from(SecretBinary, 'base64').toString();
  return textOf(SecretString, reference);
}

/** Lambda's console encrypts with the function's name as context, other tools without any. */
async function decrypt(options: HeaderSecretOptions, ciphertext: string): Promise<string> {
  const { region, functionName } = options;
  if (region === undefined) throw new Error('AWS_REGION is not set: there is no telling which KMS to ask');
  const decryptWith = (context: object): Promise<{ readonly Plaintext?: unknown }> =>
    call(options, {
      service: 'kms',
      region,
      target: 'TrentService.Decrypt',
      input: { CiphertextBlob: ciphertext, ...context },
    });
  const answer = await decryptWith({ EncryptionContext: { LambdaFunctionName: functionName } }).catch(
    (error: unknown) => {
      if (!(error as Error).message.includes('InvalidCiphertextException')) throw error;
      return decryptWith({});
    },
  );
  return Buffer.from(textOf(answer.Plaintext, 'the KMS secret'), 'base64').toString();
}

function textOf(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${name} has no text in it`);
}

async function call(
  options: HeaderSecretOptions,
  { service, region, target, input }: Call,
): Promise<Record<string, unknown>> {
  const override = options.endpoints[service];
  const url = override ? new URL(override) : serviceEndpoint(service, region);
  const text = JSON.stringify(input);
  const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const signing = { service, region, credentials: options.credentials };
  const signature = await signedHeaders(signing, { url, headers, body: Buffer.from(text) });
  const { status, body } = await requestJson({
    method: 'POST',
    url,
    headers: { ...headers, ...signature },
    body: text,
    timeoutMs: options.timeoutMs,
    proxyEnv: options.proxyEnv,
  });
  if (status === 200) return body;
  const { __type: type, message, Message } = body as { __type?: string; message?: string; Message?: string };
  const reason = [type?.split('#').pop(), message ?? Message].filter(Boolean).join(': ') || 'no reason given';
  throw new Error(`${nameOf(options.reference)}: ${service} answered ${status}, ${reason}`);
}

function readHeaders(text: string): Headers | undefined {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) return readJson(trimmed);
  const headers: Record<string, string> = {};
  for (const pair of trimmed.split(',')) {
    const equals = pair.indexOf('=');
    if (equals < 1) return undefined;
    try {
      headers[pair.slice(0, equals).trim()] = decodeURIComponent(pair.slice(equals + 1).trim());
    } catch {
      return undefined;
    }
  }
  return headers;
}

function readJson(text: string): Headers | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const entries = Object.entries(value as object);
  return entries.every(([, item]) => typeof item === 'string') ? (Object.fromEntries(entries) as Headers) : undefined;
}
