// Property: the runtime's context manager against OpenTelemetry's own. A random program of `with`, `bind`, values set and
// deleted, and async boundaries must see the same values everywhere.

import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { type Context, type ContextManager, ROOT_CONTEXT as OFFICIAL_ROOT } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ActiveContext, ROOT_CONTEXT } from '../../instrumentation/active-context.ts';
import { Clock } from '../../instrumentation/clock.ts';
import { createSdk } from '../../instrumentation/opentelemetry/sdk.ts';
import { ordersResource } from '../instrumentation/orders-resource.ts';
import { fc } from '../support/property.ts';

const keys = [Symbol('a'), Symbol('b'), Symbol.for('OpenTelemetry Context Key SPAN')];

type Change = { readonly key: number; readonly value: unknown } | { readonly key: number; readonly isDeleted: true };
type Boundary = 'sync' | 'await' | 'immediate' | 'timeout' | 'nextTick' | 'queueMicrotask' | 'emitter';
type Program = {
  readonly base: 'active' | 'root';
  readonly changes: readonly Change[];
  readonly enter: 'with' | 'with this' | 'bind' | 'bind emitter' | 'bind nothing';
  readonly boundary: Boundary;
  readonly throws: boolean;
  readonly children: readonly Program[];
};

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ key: fc.nat(2), value: fc.oneof(fc.integer(), fc.constantFrom(undefined, null, 'x')) }),
  fc.record({ key: fc.nat(2), isDeleted: fc.constant(true as const) }),
);

const { program } = fc.letrec<{ program: Program }>((tie) => ({
  program: fc.record({
    base: fc.constantFrom('active', 'active', 'root'),
    changes: fc.array(change, { maxLength: 3 }),
    enter: fc.constantFrom('with', 'with', 'with this', 'bind', 'bind emitter', 'bind nothing'),
    boundary: fc.constantFrom<Boundary>(
      'sync',
      'await',
      'immediate',
      'timeout',
      'nextTick',
      'queueMicrotask',
      'emitter',
    ),
    throws: fc.boolean(),
    children: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('program'), { maxLength: 3 })),
  }),
}));

/** Runs the program and writes down what is visible at every step. */
async function run(
  manager: ContextManager,
  root: Context,
  programs: readonly Program[],
  log: unknown[],
): Promise<void> {
  const look = (): void => void log.push(keys.map((key) => manager.active().getValue(key)));
  for (const step of programs) {
    look();
    let context = step.base === 'root' ? root : manager.active();
    for (const part of step.changes) {
      const key = keys[part.key]!;
      context = 'isDeleted' in part ? context.deleteValue(key) : context.setValue(key, part.value);
    }
    const work = async function (this: unknown, ...args: unknown[]): Promise<void> {
      log.push([this === undefined ? 'no this' : typeof this, args]);
      look();
      await cross(step.boundary, look);
      await run(manager, root, step.children, log);
      look();
      if (step.throws) throw new Error('thrown on purpose');
    };
    try {
      await enter(manager, step.enter, context, work);
    } catch (error) {
      log.push((error as Error).message);
    }
    look();
  }
}

type Work = (this: unknown, ...args: unknown[]) => Promise<void>;

function enter(manager: ContextManager, how: Program['enter'], context: Context, work: Work): Promise<void> {
  switch (how) {
    case 'with':
      return manager.with(context, work, undefined, 1, 'two');
    case 'with this':
      return manager.with(context, work, { own: true }, 1);
    case 'bind': {
      const bound = manager.bind(context, work);
      return bound.length === work.length ? bound.call('me', 3) : Promise.reject(new Error('another length'));
    }
    case 'bind emitter': {
      const emitter = manager.bind(context, new EventEmitter());
      return new Promise((resolve, reject) => {
        emitter.once('event', (...args) => work(...args).then(resolve, reject));
        emitter.emit('event', 4);
      });
    }
    default:
      return manager.bind(context, { work }).work();
  }
}

async function cross(boundary: Boundary, look: () => void): Promise<void> {
  switch (boundary) {
    case 'sync':
      return;
    case 'await':
      await null;
      return;
    case 'immediate':
      return new Promise((resolve) => setImmediate(() => resolve(look())));
    case 'timeout':
      return new Promise((resolve) => setTimeout(() => resolve(look()), 0));
    case 'nextTick':
      return new Promise((resolve) => process.nextTick(() => resolve(look())));
    case 'queueMicrotask':
      return new Promise((resolve) => queueMicrotask(() => resolve(look())));
    case 'emitter': {
      const emitter = new EventEmitter();
      return new Promise((resolve) => {
        emitter.on('x', () => resolve(look()));
        setImmediate(() => emitter.emit('x'));
      });
    }
  }
}

const invocation = { context: ROOT_CONTEXT };

function createManager(): ActiveContext<typeof invocation> {
  const manager: ActiveContext<typeof invocation> = new ActiveContext((context, emitter) =>
    sdk.bindEmitter(context, emitter),
  );
  const sdk = createSdk({
    resource: ordersResource(),
    clock: new Clock(),
    contextManager: manager,
    activeTrace: () => undefined,
    spanStarted() {},
    spanEnded() {},
  });
  return manager;
}

test('a random program sees in the runtime’s contexts what it sees in OpenTelemetry’s', async () => {
  const manager = createManager();
  const oracle = new AsyncLocalStorageContextManager().enable();
  await fc.assert(
    fc.asyncProperty(fc.array(program, { minLength: 1, maxLength: 3 }), async (programs) => {
      const [ours, theirs]: unknown[][] = [[], []];
      await run(manager, ROOT_CONTEXT, programs, ours!);
      await run(oracle, OFFICIAL_ROOT, programs, theirs!);
      assert.deepEqual(ours, theirs);
    }),
    { numRuns: 100 },
  );
});

test('two programs at the same time do not see each other', async () => {
  const manager = createManager();
  await fc.assert(
    fc.asyncProperty(program, program, async (first, second) => {
      const [alone, together, other]: unknown[][] = [[], [], []];
      await run(manager, ROOT_CONTEXT, [first], alone!);
      await Promise.all([run(manager, ROOT_CONTEXT, [first], together!), run(manager, ROOT_CONTEXT, [second], other!)]);
      assert.deepEqual(together, alone);
    }),
    { numRuns: 60 },
  );
});

test('the owner goes along whatever context user code makes active', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(program, { maxLength: 2 }), fc.boolean(), async (programs, isOwned) => {
      const manager = createManager();
      const owners = new Set<typeof invocation | undefined>();
      const watching: ContextManager = {
        active: () => {
          owners.add(manager.owner());
          return manager.active();
        },
        with: (...args) => manager.with(...args),
        bind: (...args) => manager.bind(...args),
        enable: () => watching,
        disable: () => watching,
      };
      const work = (): Promise<void> => run(watching, ROOT_CONTEXT, programs, []);
      await (isOwned ? manager.runFor(invocation, work) : work());
      owners.delete(isOwned ? invocation : undefined);
      assert.deepEqual([...owners], []);
      assert.equal(manager.owner(), undefined);
    }),
    { numRuns: 60 },
  );
});
