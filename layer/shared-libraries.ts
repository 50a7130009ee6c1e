// What the Node binary needs of the system, against what provided.al2023 has. Reads it with readelf, where that is installed.

import { runCommand } from './command.ts';
import { BuildError } from './progress.ts';

export type ElfNeeds = {
  /** NEEDED entries, e.g. `libstdc++.so.6`. */
  readonly libraries: readonly string[];
  /** Highest version of each symbol family, e.g. `GLIBC` -> `2.28`. */
  readonly versions: Readonly<Record<string, string>>;
};

/** Libraries of the AL2023 minimal image that Node's official binaries name. `libatomic.so.1`, which Node 26 needs, is not there. */
const librariesOfImage: ReadonlySet<string> = new Set([
  'ld-linux-x86-64.so.2',
  'ld-linux-aarch64.so.1',
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libstdc++.so.6',
]);

/** AL2023: glibc 2.34, libstdc++ of gcc 11 at least. */
const versionsOfImage: Readonly<Record<string, string>> = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.13' };

const compareVersions = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** undefined when readelf is not installed. */
export const readElfNeeds = async (path: string): Promise<ElfNeeds | undefined> => {
  const { exitCode, stdout } = await runCommand(['readelf', '--wide', '--dynamic', '--version-info', path], {
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (exitCode !== 0) return undefined;
  const libraries = [...stdout.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map(([, name]) => name!);
  const versions: Record<string, string> = {};
  for (const [, family, version] of stdout.matchAll(/Name: ([A-Z]+)_([\d.]+)/g)) {
    if (compareVersions(version!, versions[family!] ?? '0') > 0) versions[family!] = version!;
  }
  return { libraries, versions };
};

/** Throws a BuildError that names what the image does not have. */
export const checkElfNeeds = (what: string, { libraries, versions }: ElfNeeds): void => {
  const missing = libraries.filter((name) => !librariesOfImage.has(name));
  for (const [family, present] of Object.entries(versionsOfImage)) {
    const needed = versions[family] ?? '0';
    if (compareVersions(needed, present) > 0) missing.push(`${family}_${needed}`);
  }
  if (missing.length === 0) return;
  throw new BuildError(
    `${what} needs ${missing.join(', ')}, which provided.al2023 does not have`,
    'a Node line whose official binaries need less, such as 24',
  );
};
