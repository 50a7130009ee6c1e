// What happens to one invocation: an environment is found or started, init is awaited and repeated, the event delivered, the
// time limit watched, and at the end the environment frozen or reset.

import type { EmulatorSettings } from './emulator-options.ts';
import type { Environments } from './environments.ts';
import type { PendingInvocation } from './invocation.ts';
import { exitError, exitText, timeoutError } from './platform-errors.ts';
import { endLine, extensionLine, initReportLine, reportLine, startLine, timeoutLine } from './platform-log.ts';
import type { ProcessExit } from './process.ts';
import type { InitFailure, Sandbox } from './sandbox.ts';

export type InvocationFlowOptions = {
  readonly settings: EmulatorSettings;
  readonly environments: Environments;
  /** A line of the platform's own log. */
  readonly log: (line: string) => void;
  /** No other invocation waits: the environment may be frozen. */
  readonly isLast: () => boolean;
};

export class InvocationFlow {
  readonly #options: InvocationFlowOptions;

  constructor(options: InvocationFlowOptions) {
    this.#options = options;
  }

  /** Resolves when the environment is done with the invocation: idle, frozen, or gone. */
  async serve(invocation: PendingInvocation): Promise<void> {
    const { settings, environments, log } = this.#options;
    let sandbox = environments.living();
    invocation.cold = sandbox === undefined || !sandbox.isUsed;
    sandbox ??= environments.start();
    sandbox.process.thaw();
    let failure = await environments.initOutcome(sandbox, settings.initTimeoutMs);
    if (failure) {
      log(initReportLine(performance.now() - sandbox.process.startedAt, failure));
      await environments.destroy(sandbox, failure.cause === 'timeout' ? 'timeout' : 'failure');
      // Init runs once more inside the invocation, on the function's own clock.
      invocation.start();
      sandbox = this.#startedMeanwhile() ?? environments.start();
      failure = await environments.initOutcome(sandbox, invocation.timeoutMs);
    }
    if (failure) return this.#failInit(sandbox, invocation, failure);
    if (!sandbox.isUsed) for (const extension of sandbox.extensions.all) log(extensionLine(extension));
    sandbox.isUsed = true;
    if (invocation.cold) invocation.initMs = sandbox.initMs;
    await this.#run(sandbox, invocation);
  }

  /** With several invocations at once another one may have started the new environment already. */
  #startedMeanwhile(): Sandbox | undefined {
    const { settings, environments } = this.#options;
    return settings.maxConcurrency === undefined ? undefined : environments.living();
  }

  async #failInit(sandbox: Sandbox, invocation: PendingInvocation, failure: InitFailure): Promise<void> {
    if (failure.cause === 'timeout') return this.#timeOut(sandbox, invocation);
    if (failure.cause === 'exit') return this.#crash(sandbox, invocation, failure.exit);
    const { body, contentType, errorType } = failure;
    invocation.settle({ status: 'init-error', payload: body, contentType, errorType, platformErrorType: errorType });
    await this.#options.environments.destroy(sandbox, 'failure');
    invocation.end({ how: 'reset', cause: 'crash', exit: await sandbox.process.exited });
  }

  async #run(sandbox: Sandbox, invocation: PendingInvocation): Promise<void> {
    const { settings, log, isLast } = this.#options;
    const { requestId, timeoutMs } = invocation;
    const { environment, isFreezing } = settings;
    const clock = Promise.withResolvers<'timeout'>();
    let timer: NodeJS.Timeout | undefined;
    const startClock = (): void => {
      timer = setTimeout(() => clock.resolve('timeout'), invocation.startedAt! + timeoutMs - performance.now());
    };
    const delivered = sandbox.deliver(invocation).then(() => {
      log(startLine(requestId, environment.functionVersion));
      // With several at once an event may wait for a free poll; only then does its time begin.
      if (sandbox.isConcurrent) startClock();
    });
    if (!sandbox.isConcurrent) {
      invocation.start();
      startClock();
    }
    const how = await Promise.race([invocation.left, sandbox.process.exited, clock.promise]);
    clearTimeout(timer);
    if (how === 'timeout') return this.#timeOut(sandbox, invocation);
    if ('exitCode' in how) return this.#crash(sandbox, invocation, how);
    await delivered;
    log(endLine(requestId));
    if (how.idleMs !== undefined) log(reportLine(invocation, how.idleMs, environment.memoryMb));
    // A later invocation waits its turn behind this one: no freeze can hit work that has begun.
    if (isFreezing && isLast()) await sandbox.process.freeze();
    invocation.end(how);
  }

  async #timeOut(sandbox: Sandbox, invocation: PendingInvocation): Promise<void> {
    const { environments, log } = this.#options;
    const { requestId, timeoutMs } = invocation;
    log(timeoutLine(requestId, timeoutMs));
    invocation.fail('timeout', timeoutError(requestId, timeoutMs));
    const delivery = sandbox.deliveries.find((candidate) => candidate.invocation === invocation);
    if (sandbox.isConcurrent && delivery) {
      sandbox.timeOut(delivery);
      return invocation.end(await invocation.left);
    }
    await environments.destroy(sandbox, 'timeout');
    invocation.end({ how: 'reset', cause: 'timeout' });
  }

  async #crash(sandbox: Sandbox, invocation: PendingInvocation, exit: ProcessExit): Promise<void> {
    const { environments, log } = this.#options;
    const { requestId } = invocation;
    log(`RequestId: ${requestId} Error: ${exitText(exit)}`);
    invocation.fail('crash', exitError(requestId, exit));
    await environments.destroy(sandbox, 'failure');
    invocation.end({ how: 'reset', cause: 'crash', exit });
  }
}
