// Times the user's modules while they are loaded: `require` as a tree, the graph of an `import` as it is read, and its evaluation
// module by module. Node tells of none of it: `Module.prototype.load` is replaced for as long as init lasts, the resolve hook
// that there is sees the graph grow, and its modules get a last line that says when they were evaluated (docs/decisions/time-of-each-module.md).
// Source: Node.js, "Customization Hooks", "TracingChannel" (`module.import`).

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import Module, { getCompileCacheDir, type LoadFnOutput, registerHooks } from 'node:module';
import { type InitStep, now } from '../lifecycle.ts';
import { setImmediate } from '../untouched.ts';
import { EvaluationMarks } from './evaluation-marks.ts';
import { ModuleSteps } from './module-steps.ts';
import type { Resolution } from './package-fallback.ts';

const IMPORT_CALLED = 'tracing:module.import:end';

export type ModuleTimes = {
  /** Calls `import()`; what it reads, evaluates and awaits is timed. */
  time(load: () => Promise<unknown>): Promise<unknown>;
  /** What took long enough to be a step. Nothing is watched, and nothing costs anything, afterwards. */
  stop(): readonly InitStep[];
};

export function watchModules(taskRoot: string, resolution: Resolution): ModuleTimes {
  const steps = new ModuleSteps(taskRoot, now);
  const restoreLoad = replaceLoad(steps);
  let unhook = (): void => {};
  return {
    async time(load) {
      unhook();
      unhook = watchGraphs(steps, resolution);
      const { moduleCount } = steps;
      const loading = load();
      attempt(() => steps.graphRead());
      const evaluation = steps.evaluationBegan();
      // The next turn of the event loop comes when the evaluation has ended, or waits; if the graph was read by then.
      if (steps.moduleCount > moduleCount) setImmediate(() => attempt(() => steps.evaluationYielded(evaluation)));
      try {
        return await loading;
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        // What is no complete module has another error for its mark: without one it has its own. What was evaluated is not, once more.
        unhook();
        return await load();
      } finally {
        attempt(() => steps.evaluationEnded(evaluation));
      }
    },
    stop() {
      unhook();
      restoreLoad();
      return attempt(() => steps.end()) ?? [];
    },
  };
}

/** What user code made of the built-ins must not come back at it from here: its modules are loaded, timed or not. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

type Loader = { load(this: Module, filename: string): void };

function replaceLoad(steps: ModuleSteps): () => void {
  const prototype = Module.prototype as unknown as Loader;
  const { load: original } = prototype;
  let isWatching = true;
  function load(this: Module, filename: string): void {
    const frame = isWatching ? attempt(() => steps.requireBegan(filename)) : undefined;
    try {
      original.call(this, filename);
    } finally {
      if (frame !== undefined) attempt(() => steps.requireEnded(frame));
    }
  }
  prototype.load = load;
  return () => {
    isWatching = false;
    // Somebody may have replaced it in turn, and calls this one.
    if (prototype.load === load) prototype.load = original;
  };
}

function watchGraphs(steps: ModuleSteps, resolution: Resolution): () => void {
  const importCalled = (): void => attempt(() => steps.graphRead());
  subscribe(IMPORT_CALLED, importCalled);
  // A code cache of the user's is compared with the source: then that stays as it is.
  const marks = getCompileCacheDir() === undefined ? new EvaluationMarks(steps) : undefined;
  const hooks = marks && hookLoad(marks);
  resolution.watch({
    resolving: (context) =>
      attempt(() => {
        if (context.conditions.includes('import')) steps.resolving(context.parentURL);
      }),
    found: (url, context) =>
      attempt(() => {
        if (context.conditions.includes('import') && url.startsWith('file:')) steps.found(url, context.parentURL);
      }),
  });
  return () => {
    resolution.watch(undefined);
    hooks?.deregister();
    unsubscribe(IMPORT_CALLED, importCalled);
    marks?.end();
  };
}

function hookLoad(marks: EvaluationMarks): ReturnType<typeof registerHooks> {
  const hooks = registerHooks({
    load(url, context, next): LoadFnOutput {
      const loaded = next(url, context);
      if (loaded.format !== 'module') return loaded;
      const marked = attempt(() => marks.marked(url, loaded)) ?? loaded;
      if (marks.isUsedUp) hooks.deregister();
      return marked;
    },
  });
  return hooks;
}
