// The last line of an ES module, which says that the module was evaluated. It stands after all lines of the user's, so that none of
// them moves, and begins with a declaration, so that what is no complete module does not become one.

import type { LoadFnOutput } from 'node:module';

/** Beyond so many the line is left out: the hook and it cost 20 µs a module. Their time is in those that import them. */
const MOST_MARKED = 100;
const NAME = 'spanstrapEvaluated';

/** Whoever draws: the modules are known there by numbers. */
export type MarkedModules = {
  /** The module will tell; undefined: nobody knows it. */
  mark(url: string): number | undefined;
  evaluated(number: number): void;
};

export class EvaluationMarks {
  readonly #modules: MarkedModules;
  #leftCount = MOST_MARKED;

  constructor(modules: MarkedModules) {
    this.#modules = modules;
    const value = (number: number): void => modules.evaluated(number);
    Object.defineProperty(globalThis, NAME, { value, configurable: true, writable: true });
  }

  get isUsedUp(): boolean {
    return this.#leftCount <= 0;
  }

  /** The module with its mark, or as it is. */
  marked(url: string, loaded: LoadFnOutput): LoadFnOutput {
    const { source } = loaded;
    if (this.isUsedUp || source === null || source === undefined) return loaded;
    this.#leftCount--;
    const number = this.#modules.mark(url);
    if (number === undefined) return loaded;
    const line = `\nexport{};typeof ${NAME}=="function"&&${NAME}(${number})`;
    const bytes = typeof source === 'string' ? source + line : Buffer.concat([bytesOf(source), Buffer.from(line)]);
    return { ...loaded, source: bytes };
  }

  /** Marks that are met from now on say nothing. */
  end(): void {
    delete (globalThis as Record<string, unknown>)[NAME];
  }
}

function bytesOf(source: Exclude<LoadFnOutput['source'], string | null | undefined>): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
