import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCredentials } from '../../../../instrumentation/export/aws/credentials.ts';
import { startHttpServer } from '../../../support/http-server.ts';
import { makeFolder } from '../../../support/temporary-folder.ts';

const keys = (name: string, token?: string) => ({
  accessKeyId: `id-${name}`,
  secretAccessKey: `secret-${name}`,
  sessionToken: token,
});

test('the environment’s credentials, as they are at each request', async () => {
  const env: Record<string, string> = { AWS_ACCESS_KEY_ID: 'id-a', AWS_SECRET_ACCESS_KEY: 'secret-a' };
  const credentials = createCredentials(env);
  assert.deepEqual(await credentials(), keys('a'));
  Object.assign(env, { AWS_ACCESS_KEY_ID: 'id-b', AWS_SECRET_ACCESS_KEY: 'secret-b', AWS_SESSION_TOKEN: 't' });
  assert.deepEqual(await credentials(), keys('b', 't'));
});

/** A container endpoint whose answers expire after so many minutes. */
async function startEndpoint(t: Parameters<typeof startHttpServer>[0], minutes: number | undefined) {
  const server = await startHttpServer(t, (_request, response) => {
    const Expiration = minutes === undefined ? undefined : new Date(Date.now() + minutes * 60_000).toISOString();
    response.end(JSON.stringify({ AccessKeyId: 'id-c', SecretAccessKey: 'secret-c', Token: 't', Expiration }));
  });
  return { server, env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${server.port}/v1?x=1` } };
}

for (const [what, minutes, requests] of [
  ['for an hour: asked once', 60, 1],
  ['for six minutes: asked once', 6, 1],
  ['for four minutes: asked every time, five minutes ahead', 4, 3],
  ['without an end: asked every time', undefined, 3],
] as const) {
  test(`the container endpoint, credentials good ${what}`, async (t) => {
    const { server, env } = await startEndpoint(t, minutes);
    const credentials = createCredentials({ ...env, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'token-1' });
    for (let i = 0; i < 3; i++) assert.deepEqual(await credentials(), keys('c', 't'));
    assert.equal(server.requests.length, requests);
    assert.equal(server.requests[0]?.headers.authorization, 'token-1');
    assert.equal(server.requests[0]?.path, '/v1?x=1');
  });
}

test('the token’s file is read anew, and wins over the variable', async (t) => {
  const { server, env } = await startEndpoint(t, undefined);
  const folder = makeFolder(t, { token: 'from-file\n' });
  await createCredentials({
    ...env,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: 'from-variable',
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${folder}/token`,
  })();
  assert.equal(server.requests[0]?.headers.authorization, 'from-file');
});

for (const [what, env, reason] of [
  ['nothing', {}, /neither AWS_ACCESS_KEY_ID nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set/],
  ['half a key', { AWS_ACCESS_KEY_ID: 'id' }, /neither/],
  ['no URL', { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'nonsense' }, /is not a URL/],
  [
    'a token file that is not there',
    { AWS_CONTAINER_CREDENTIALS_FULL_URI: 'http://127.0.0.1:1/', AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/no/file' },
    /\/no\/file cannot be read: ENOENT/,
  ],
] as const) {
  test(`${what}: says what is missing`, async () => {
    await assert.rejects(createCredentials(env)(), reason);
  });
}

test('an endpoint that answers something else, and then the right thing', async (t) => {
  let answer = 'not JSON';
  const server = await startHttpServer(t, (_request, response) => response.writeHead(500).end(answer));
  const credentials = createCredentials({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${server.port}/` });
  await assert.rejects(credentials(), /answered 500 without credentials/);
  answer = JSON.stringify({ AccessKeyId: 'id-c', SecretAccessKey: 'secret-c' });
  assert.deepEqual(await credentials(), keys('c'));
});
