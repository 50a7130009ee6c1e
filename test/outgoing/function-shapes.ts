// One function in all shapes in which functions are deployed: with its packages beside it or bundled, CommonJS or ES modules.

import { readFile } from 'node:fs/promises';
import { build, transform } from 'esbuild';

export type FunctionShape = {
  readonly name: string;
  /** Name and text of the one file. */
  readonly file: readonly [name: string, text: string];
  /** It needs its packages at run time. */
  readonly isBundled: boolean;
};

/** CommonJS packages call `require`, which ES modules lack: the banner that esbuild's own documentation gives. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);";

/** `path`: an ES module. `packages`: the folder with node_modules for what it imports. `wanted`: some shapes only. */
export async function shapesOf(path: string, packages: string, wanted?: readonly string[]): Promise<FunctionShape[]> {
  const source = await readFile(path, 'utf8');
  const bundle = async (format: 'cjs' | 'esm', minify: boolean): Promise<string> => {
    const { outputFiles } = await build({
      stdin: { contents: source, resolveDir: packages, loader: 'js' },
      bundle: true,
      platform: 'node',
      target: 'node24',
      format,
      minify,
      write: false,
      logLevel: 'silent',
      // Optional parts of the packages that are not installed.
      external: ['pg-native'],
      ...(format === 'esm' ? { banner: { js: REQUIRE } } : {}),
    });
    return outputFiles[0]!.text;
  };
  const { code: required } = await transform(source, { format: 'cjs', platform: 'node', target: 'node24' });
  const makers: Readonly<Record<string, () => Promise<FunctionShape['file']>>> = {
    require: async () => ['index.js', required],
    import: async () => ['index.mjs', source],
    'esbuild CJS': async () => ['index.js', await bundle('cjs', false)],
    'esbuild ESM': async () => ['index.mjs', await bundle('esm', false)],
    'esbuild minified': async () => ['index.js', await bundle('cjs', true)],
  };
  const shapes: FunctionShape[] = [];
  for (const [name, make] of Object.entries(makers)) {
    if (wanted?.includes(name) ?? true)
      shapes.push({ name, file: await make(), isBundled: name.startsWith('esbuild') });
  }
  return shapes;
}
