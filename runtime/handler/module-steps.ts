// The tree of init steps that module events make. It is told what begins and ends, and knows nothing of Node's hooks.

import { fileURLToPath, pathToFileURL } from 'node:url';
import type { InitStep, Instant } from '../lifecycle.ts';

/** What takes less is not shown. */
const WORTH_SHOWING_MS = 3;
/** More steps than this are a picture that nobody reads: the shorter ones go. */
const MOST_STEPS = 200;

type Steps = InitStep[];

/** A `require` that has not returned; without a path the evaluation of a graph. */
export type Frame = {
  readonly path: string | undefined;
  readonly startedAt: Instant;
  readonly steps: Steps;
  yieldedAt?: Instant;
};

/** A module of an import graph. */
type GraphModule = {
  readonly url: string;
  readonly importer: GraphModule | undefined;
  readonly resolvedAt: Instant;
  readonly loadSteps: Steps;
  /** What was evaluated because of it. */
  readonly evaluationSteps: Steps;
  /** When the first of what it imports began to be evaluated. */
  beganAt: Instant;
  /** It will tell when it was evaluated. */
  isAwaited: boolean;
};

export class ModuleSteps {
  readonly #taskRoot: string;
  readonly #now: () => Instant;
  readonly #root: Steps = [];
  readonly #frames: Frame[] = [];
  readonly #modules: GraphModule[] = [];
  readonly #numbers = new Map<string, number>();
  /** Modules of the graph that are being read, each imported by the one before. */
  #reading: GraphModule[] = [];
  #resolvingAt: Instant = 0;
  /** When the last evaluation ended: the next one begins there. */
  #evaluatedAt: Instant = 0;

  constructor(taskRoot: string, now: () => Instant) {
    this.#taskRoot = taskRoot.endsWith('/') ? taskRoot : `${taskRoot}/`;
    this.#now = now;
  }

  get moduleCount(): number {
    return this.#modules.length;
  }

  requireBegan(path: string): Frame {
    const frame = { path, startedAt: this.#now(), steps: [] };
    this.#frames.push(frame);
    return frame;
  }

  requireEnded(frame: Frame): void {
    const endedAt = this.#now();
    this.#closeReading(0, endedAt);
    this.#frames.length = this.#frames.indexOf(frame);
    const { path = '', startedAt, steps } = frame;
    const above = this.#frames.at(-1);
    // The first one of a CommonJS part of the graph has its place there.
    const module = above !== undefined && above.path === undefined ? this.#find(pathToFileURL(path).href) : undefined;
    if (module !== undefined) this.#finish(module, startedAt, endedAt, steps);
    else this.#add(this.#here(), path, startedAt, endedAt, steps);
    this.#evaluatedAt = endedAt;
  }

  /** A module looks for another one: what it had read since is complete. */
  resolving(importer: string | undefined): void {
    this.#resolvingAt = this.#now();
    const at = this.#reading.findLastIndex(({ url }) => url === importer);
    this.#closeReading(at + 1, this.#resolvingAt);
  }

  found(url: string, importer: string | undefined): void {
    if (this.#numbers.has(url)) return;
    const module: GraphModule = {
      url,
      importer: importer === undefined ? undefined : this.#find(importer),
      resolvedAt: this.#resolvingAt,
      loadSteps: [],
      evaluationSteps: [],
      beganAt: Number.POSITIVE_INFINITY,
      isAwaited: false,
    };
    this.#numbers.set(url, this.#modules.length);
    this.#modules.push(module);
    this.#reading.push(module);
  }

  /** The number under which `evaluated` will be told of a module; undefined when it is no part of a graph. */
  mark(url: string): number | undefined {
    const module = this.#find(url);
    if (module !== undefined) module.isAwaited = true;
    return this.#numbers.get(url);
  }

  /** A whole graph has been read: its evaluation can begin. */
  graphRead(): void {
    if (this.#reading.length === 0) return;
    this.#evaluatedAt = this.#now();
    this.#closeReading(0, this.#evaluatedAt);
  }

  evaluated(number: number): void {
    const module = this.#modules[number];
    if (!module?.isAwaited) return;
    const at = this.#now();
    this.#finish(module, Math.min(this.#evaluatedAt, at), at, []);
    this.#evaluatedAt = at;
  }

  evaluationBegan(): Frame {
    this.#evaluatedAt = this.#now();
    const frame = { path: undefined, startedAt: this.#evaluatedAt, steps: [] };
    this.#frames.push(frame);
    return frame;
  }

  evaluationYielded(frame: Frame): void {
    frame.yieldedAt ??= this.#now();
  }

  evaluationEnded(frame: Frame): void {
    const endedAt = this.#now();
    this.#closeReading(0, endedAt);
    this.#frames.length = this.#frames.indexOf(frame);
    const { startedAt, yieldedAt, steps } = frame;
    frame.yieldedAt = endedAt;
    if (yieldedAt !== undefined && isWorthShowing(yieldedAt, endedAt))
      steps.push({ name: 'top-level await', startedAt: yieldedAt, endedAt });
    if (isWorthShowing(startedAt, endedAt)) this.#here().push({ name: 'evaluation', startedAt, endedAt, steps });
  }

  end(): readonly InitStep[] {
    this.#closeReading(0, this.#now());
    this.#frames.length = 0;
    for (let leastMs = WORTH_SHOWING_MS; countSteps(this.#root) > MOST_STEPS; leastMs *= 2) prune(this.#root, leastMs);
    return this.#root;
  }

  #here(): Steps {
    return this.#frames.at(-1)?.steps ?? this.#root;
  }

  #find(url: string): GraphModule | undefined {
    const number = this.#numbers.get(url);
    return number === undefined ? undefined : this.#modules[number];
  }

  #add(to: Steps, path: string, startedAt: Instant, endedAt: Instant, steps: Steps): void {
    if (!isWorthShowing(startedAt, endedAt)) return;
    to.push({ name: this.#nameOf(path), path, startedAt, endedAt, ...(steps.length > 0 && { steps }) });
  }

  /** Reading of the graph goes on `from` here: what lies above is complete. */
  #closeReading(from: number, endedAt: Instant): void {
    for (let at = this.#reading.length - 1; at >= from; at--) {
      const { url, resolvedAt, loadSteps } = this.#reading[at]!;
      if (!isWorthShowing(resolvedAt, endedAt)) continue;
      const above = this.#reading[at - 1]?.loadSteps;
      const graph: Steps = [];
      this.#add(above ?? graph, fileURLToPath(url), resolvedAt, endedAt, loadSteps);
      if (above === undefined)
        this.#here().push({ name: 'import graph', startedAt: resolvedAt, endedAt, steps: graph });
    }
    this.#reading.length = Math.min(this.#reading.length, from);
  }

  /** Everything a module imports is evaluated before it: its time is theirs and its own. */
  #finish(module: GraphModule, ownFrom: Instant, endedAt: Instant, steps: Steps): void {
    module.isAwaited = false;
    const startedAt = Math.min(module.beganAt, ownFrom);
    let above = module.importer;
    while (above !== undefined && !above.isAwaited) above = above.importer;
    if (above !== undefined) above.beganAt = Math.min(above.beganAt, startedAt);
    if (!isWorthShowing(startedAt, endedAt)) return;
    const inside = [...module.evaluationSteps, ...steps];
    this.#add(above?.evaluationSteps ?? this.#here(), fileURLToPath(module.url), startedAt, endedAt, inside);
  }

  #nameOf(path: string): string {
    const at = path.lastIndexOf('/node_modules/');
    if (at !== -1) return path.slice(at + '/node_modules/'.length);
    return path.startsWith(this.#taskRoot) ? path.slice(this.#taskRoot.length) : path;
  }
}

const isWorthShowing = (startedAt: Instant, endedAt: Instant): boolean => endedAt - startedAt >= WORTH_SHOWING_MS;

function countSteps(steps: readonly InitStep[]): number {
  return steps.reduce((sum, step) => sum + 1 + countSteps(step.steps ?? []), 0);
}

function prune(steps: Steps, leastMs: number): void {
  const kept = steps.filter(({ startedAt, endedAt }) => endedAt - startedAt >= leastMs);
  steps.splice(0, steps.length, ...kept);
  for (const step of kept) if (step.steps !== undefined) prune(step.steps as Steps, leastMs);
}
