// Exits 0 when node_modules holds what package-lock.json says. Plain JavaScript for the shell's own Node: it runs before
// anything is installed.

import { existsSync, readFileSync } from 'node:fs';

const readPackages = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).packages;

const isForThisMachine = ({ os, cpu }) =>
  (os === undefined || os.includes(process.platform)) && (cpu === undefined || cpu.includes(process.arch));

const isInstalled = () => {
  const wanted = readPackages('../package-lock.json');
  const present = readPackages('../node_modules/.package-lock.json');
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' ||
      (entry.optional && (!isForThisMachine(entry) || entry.libc !== undefined)) ||
      (present[path]?.version === entry.version &&
        present[path]?.integrity === entry.integrity &&
        existsSync(new URL(`../${path}/package.json`, import.meta.url))),
  );
};

try {
  process.exitCode = isInstalled() ? 0 : 1;
} catch {
  process.exitCode = 1;
}
