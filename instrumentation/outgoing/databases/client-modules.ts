// Which modules of databases' clients need an instrumentation, and of which package and version they are. In a bundle of its own,
// so that the instrumentations are not loaded for clients that publish their calls themselves.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { LoadedModule } from '../watch-modules.ts';

/** A module of a client, found in its package. */
export type ClientModule = {
  /** By the names of `OTEL_NODE_ENABLED_INSTRUMENTATIONS`. */
  readonly instrumentation: string;
  /** Of the package. */
  readonly name: string;
  readonly version: string;
  /** With the package's name: `mysql2/lib/connection.js`. */
  readonly file: string;
  readonly isMain: boolean;
  readonly exports: object;
};

export type ClientModules = {
  /** Patches the module, if it is one of a package that needs it; the package's name. */
  apply(module: LoadedModule): string | undefined;
};

/** The instrumentation of each package. */
const PACKAGES: Readonly<Record<string, string>> = {
  pg: 'pg',
  'pg-pool': 'pg',
  mysql2: 'mysql2',
  mongodb: 'mongodb',
  ioredis: 'ioredis',
  redis: 'redis',
  '@redis/client': 'redis',
  '@node-redis/client': 'redis',
};

/** Versions that have the file publish their calls themselves, and are traced by that. */
const PUBLISHING: Readonly<Record<string, string>> = {
  mysql2: 'lib/tracing.js',
  ioredis: 'built/tracing.js',
  '@redis/client': 'dist/lib/client/tracing.js',
};

/** `patch` is called once for each module that may need it; false: there is nothing to patch in it. */
export function createClientModules(
  isEnabled: (instrumentation: string) => boolean,
  patch: (module: ClientModule) => boolean,
): ClientModules {
  const patched = new WeakSet<object>();
  return {
    apply({ id, parentFilename, exports }) {
      const place = locate(id, parentFilename);
      const instrumentation = place && PACKAGES[place.name];
      if (instrumentation === undefined || !isEnabled(instrumentation) || patched.has(exports)) return undefined;
      const { name, folder, file, isMain } = place!;
      const publishing = PUBLISHING[name];
      const version = manifestOf(folder)?.version;
      if (version === undefined || (publishing !== undefined && existsSync(join(folder, publishing)))) return undefined;
      if (!patch({ instrumentation, name, version, file, isMain, exports })) return undefined;
      patched.add(exports);
      return name;
    },
  };
}

type Place = Pick<ClientModule, 'name' | 'file' | 'isMain'> & { readonly folder: string };

const IN_PACKAGE = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/](.+)$/;

function locate(id: string, parentFilename: string | undefined): Place | undefined {
  const isPath = id.startsWith('/');
  if (!isPath && parentFilename === undefined) return undefined;
  const filename = isPath ? id : createRequire(parentFilename!).resolve(id);
  const [, folder, name, file] = IN_PACKAGE.exec(filename) ?? [];
  if (folder === undefined || name === undefined || file === undefined) return undefined;
  return { name, folder, file: `${name}/${file}`, isMain: id === name || filename === mainOf(folder) };
}

type Manifest = { readonly version?: string; readonly main?: string };

const manifests = new Map<string, Manifest | undefined>();

function manifestOf(folder: string): Manifest | undefined {
  if (!manifests.has(folder)) {
    try {
      manifests.set(folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
    } catch {
      manifests.set(folder, undefined);
    }
  }
  return manifests.get(folder);
}

function mainOf(folder: string): string | undefined {
  try {
    return createRequire(join(folder, 'package.json')).resolve(join(folder, manifestOf(folder)?.main ?? 'index.js'));
  } catch {
    return undefined;
  }
}
