// Finds and evaluates the user's module and picks the handler out of it, in the order and with the errors of the managed
// runtimes. Source: Lambda Developer Guide, "Define Lambda function handler in Node.js"; order observed from aws-lambda-ric.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorText, RuntimeError, runtimeError } from '../errors.ts';
import { type HandlerName, parseHandlerName } from './handler-name.ts';

export type ModuleLoader = {
  readonly require: NodeJS.Require;
  /** `import()` of the user's module system; takes a file URL. */
  importModule(url: string): Promise<unknown>;
  /** Tells the user something about their package, one line. */
  warn(text: string): void;
};

/** A function as it was exported; how to call it is another file's business. */
export type HandlerFunction = (...args: unknown[]) => unknown;

/**
 * Loads the handler named by `_HANDLER`.
 * @throws Runtime.MalformedHandlerName, Runtime.HandlerNotFound, Runtime.ImportModuleError, Runtime.UserCodeSyntaxError, or
 * whatever the user's module throws while it is evaluated
 */
export async function loadHandler(handler: string, taskRoot: string, loader: ModuleLoader): Promise<HandlerFunction> {
  const name = parseHandlerName(handler);
  const exports = await evaluate(name, taskRoot, loader);
  const found = findExport(exports, name.exportPath);
  if (!found) throw runtimeError('HandlerUndefined', { handler });
  if (typeof found !== 'function') throw runtimeError('HandlerNotAFunction', { handler });
  return found as HandlerFunction;
}

async function evaluate(name: HandlerName, taskRoot: string, loader: ModuleLoader): Promise<unknown> {
  const base = resolve(taskRoot, name.folder, name.module);
  try {
    const file = findFile(base, loader);
    if (file !== undefined) return await evaluateFile(file, loader);
    return await evaluateFile({ path: resolvePackage(name, taskRoot, loader), isModule: false }, loader);
  } catch (error) {
    throw translateLoadError(error);
  }
}

/** A package: `@scope/name` as it stands, else by its last name from the task root and from the folder. */
function resolvePackage(name: HandlerName, taskRoot: string, loader: ModuleLoader): string {
  const paths = [taskRoot, resolve(taskRoot, name.folder)];
  try {
    return loader.require.resolve(name.folder + name.module, { paths });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return loader.require.resolve(name.module, { paths });
  }
}

type UserFile = { readonly path: string; readonly isModule: boolean };

/** An extensionless file or a folder comes first, then `.js`, `.mjs`, `.cjs`. */
function findFile(base: string, loader: ModuleLoader): UserFile | undefined {
  if (existsSync(base)) return { path: base, isModule: false };
  if (isFile(`${base}.js`)) return { path: `${base}.js`, isModule: isModulePackage(dirname(base), loader) };
  if (isFile(`${base}.mjs`)) return { path: `${base}.mjs`, isModule: true };
  if (isFile(`${base}.cjs`)) return { path: `${base}.cjs`, isModule: false };
  return undefined;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

async function evaluateFile(file: UserFile, loader: ModuleLoader): Promise<unknown> {
  if (file.isModule) return loader.importModule(pathToFileURL(file.path).href);
  try {
    return loader.require(file.path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException)?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    // A module found out by its syntax, with a top-level await: only import() can wait for it.
    const path = loader.require.resolve(file.path);
    if (isRequiring(path, error as Error)) throw error;
    return loader.importModule(pathToFileURL(path).href);
  }
}

/** Whether it is a CommonJS module that requires the one with the await, by Node's require stack: then it has been evaluated. */
const isRequiring = (path: string, { message }: Error): boolean => message.split('\n').includes(`- ${path}`);

/** Whether the nearest package.json says `"type": "module"`; the search ends at a node_modules folder. */
function isModulePackage(folder: string, loader: ModuleLoader): boolean {
  for (let at = folder; ; at = dirname(at)) {
    if (at.endsWith('/node_modules')) return false;
    const path = join(at, 'package.json');
    if (existsSync(path)) {
      try {
        return JSON.parse(readFileSync(path, 'utf8')).type === 'module';
      } catch {
        loader.warn(errorText('PackageJsonUnreadable', { path }));
        return false;
      }
    }
    if (dirname(at) === at) return false;
  }
}

/** Walks the dotted path through anything truthy; what is not found there is looked for in the default export. */
function findExport(exports: unknown, path: string): unknown {
  const names = path.split('.');
  return walk(exports, names) || walk((exports as { default?: unknown } | undefined)?.default, names);
}

function walk(start: unknown, names: readonly string[]): unknown {
  let found = start;
  for (const name of names) {
    if (!found) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

function translateLoadError(error: unknown): unknown {
  if (error instanceof RuntimeError) return error;
  if (error instanceof SyntaxError) return runtimeError('UserCodeSyntaxError', { cause: error });
  if ((error as NodeJS.ErrnoException)?.code === 'MODULE_NOT_FOUND') {
    return runtimeError('ImportModuleError', { cause: error as Error });
  }
  return error;
}

/**
 * The function's own syntax error, when its stack names no file: Node knows which module of an `import` it is in, and tells it
 * when nobody catches the error.
 */
export function unplacedSyntaxError(error: unknown): SyntaxError | undefined {
  const { cause } = Object(error) as { cause?: unknown };
  if (!(error instanceof RuntimeError && cause instanceof SyntaxError)) return undefined;
  const [, ...frames] = String(cause.stack).split('\n');
  return frames.every((frame) => frame.includes('node:')) ? cause : undefined;
}
