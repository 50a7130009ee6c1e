// The CommonJS packages in this process that tracing has to do with, read off the module cache.

import { readFileSync } from 'node:fs';

export type LoadedPackage = { readonly name: string; readonly version: string };

const IN_PACKAGE = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//;
const OF_INTEREST =
  /^(?:pg|pg-pool|postgres|mysql2?|mongodb|ioredis|redis|@redis\/client|undici|express|fastify|hono|aws-sdk|@aws-sdk\/client-.+|@smithy\/(?:core|smithy-client)|@grpc\/grpc-js|aws-xray-sdk-core|@opentelemetry\/(?:api|sdk-.+)|@sentry\/node|dd-trace|newrelic)$/;

/** `files` are the keys of `require.cache`. */
export function loadedPackages(files: readonly string[]): LoadedPackage[] {
  const folders = new Map<string, string>();
  for (const file of files) {
    const [, folder, name] = IN_PACKAGE.exec(file) ?? [];
    if (folder !== undefined && name !== undefined && OF_INTEREST.test(name)) folders.set(folder, name);
  }
  return [...folders]
    .map(([folder, name]) => ({ name, version: versionIn(folder) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function versionIn(folder: string): string {
  try {
    return String(JSON.parse(readFileSync(`${folder}/package.json`, 'utf8')).version);
  } catch {
    return '(version unknown)';
  }
}
