// Finds out what an invocation is: recognises its event, finds its place in its trace, decides whether it is recorded, and begins its
// record. In a bundle of its own: most invocations are looked into after their response.

import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import type { InitFacts, Invocation } from '../runtime/lifecycle.ts';
import type { ArrivedInvocation } from './arrived-invocation.ts';
import {
  InvocationRecord,
  type InvocationSurroundings,
  type RecordKeeper,
  type RecordOptions,
} from './invocation-record.ts';
import type { KeepRules } from './keep-rules.ts';
import { onlyMessage } from './message-links.ts';
import { chooseParent, type Parentage } from './parent.ts';
import { addAccount } from './resource.ts';
import type { Sampler } from './sampler.ts';
import { layeredCarrier } from './triggers/carriers.ts';
import type { Recogniser } from './triggers/recogniser.ts';
import type { Carrier, Trigger } from './triggers/trigger.ts';
import { UnrecordedInvocation } from './unrecorded-invocation.ts';

/** Finds the context of the caller where only the user knows it to be; undefined: there is none. Never throws. */
export type ContextExtractor = (event: unknown, invocation: Invocation) => Carrier | undefined;

export type RecordingOptions = InvocationSurroundings & {
  readonly keeper: RecordKeeper;
  /** Nothing is recorded any more. */
  isOff(): boolean;
  /** X-Ray documents are wanted and there is a daemon to take them. */
  readonly hasXray: boolean;
  readonly hasOtlp: boolean;
  readonly sampler: Sampler;
  /** What OTLP gets although the sampler does not want it. */
  readonly keep?: KeepRules | undefined;
  /** False where init was not waited for: provisioned concurrency. */
  readonly isColdStart: boolean;
  readonly recognise: Recogniser;
  /** What becomes of the context of a message that comes alone. */
  readonly messagingContext: 'link' | 'parent';
  /** Invocations that only keep the function warm are not recorded. */
  readonly dropsWarmUps: boolean;
  readonly extract: ContextExtractor | undefined;
};

/** What the first recorded invocation has of the init before it. */
export type InitShare = {
  /** It waited for the init. */
  readonly hasPaid: boolean;
  /** Drawn below it; undefined: another one has it. */
  readonly facts: InitFacts | undefined;
  /** How much the clock's origin has moved since. */
  readonly shiftMs: number;
};

export class Recording {
  #options: RecordingOptions;

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** What user code says after it was loaded: somebody has asked for the resource before. */
  configure(changes: Partial<RecordingOptions>): void {
    this.#options = { ...this.#options, ...changes };
  }

  get resource(): ReadableSpan['resource'] {
    return this.#options.resource;
  }

  get invocations(): Pick<RecordingOptions, 'recognise' | 'trigger' | 'contextRules'> {
    return this.#options;
  }

  /** `event` as it came. */
  begin(arrived: ArrivedInvocation, event: unknown, init: InitShare): InvocationRecord | UnrecordedInvocation {
    const { clock, hasXray, hasOtlp, sampler, recognise, trigger: triggerOptions } = this.#options;
    const { invocation } = arrived;
    const { isFirst } = arrived.facts;
    if (isFirst) addAccount(this.#options.resource, invocation.invokedFunctionArn);
    const trigger = recognise(event, triggerOptions, {
      clientContextJson: invocation.clientContextJson,
      eventBytes: invocation.eventBytes,
      receivedEpochMs: clock.epochMs(invocation.receivedAt),
    });
    const extracted = this.#options.extract?.(event, invocation);
    const message =
      this.#options.messagingContext === 'parent' && extracted === undefined ? onlyMessage(trigger) : undefined;
    const parentage = this.#chooseParent(arrived, trigger, extracted, message);
    const { header } = parentage;
    const isWanted = !this.#options.isOff() && (trigger.source !== 'warm-up' || !this.#options.dropsWarmUps);
    const isSampledForXray = isWanted && hasXray && header?.sampled === true && header.parentId !== undefined;
    const isForOtlp = isWanted && hasOtlp;
    const isSampled = isForOtlp && sampler.isSampled(parentage.traceId, parentage.isParentSampled, header?.sampled);
    const keep = isForOtlp && !isSampled ? this.#options.keep : undefined;
    if (!isSampledForXray && !isSampled && keep === undefined) {
      return new UnrecordedInvocation(this.#options, invocation.traceHeader, parentage);
    }
    const options: RecordOptions = {
      isColdStart: isFirst && this.#options.isColdStart && init.hasPaid,
      isMessageParent: message !== undefined,
      isSampledForOtlp: isSampled,
      // Whether it is kept its end tells, and calls are made before.
      isSampledForW3c: hasOtlp ? isSampled : isSampledForXray,
      keep,
      isSampledForXray,
      init: init.facts && init.hasPaid ? { facts: init.facts, shiftMs: init.shiftMs } : undefined,
      keeper: this.#options.keeper,
    };
    return new InvocationRecord(this.#options, arrived, trigger, parentage, options);
  }

  /** `extracted`: what the user's own extractor has found. `message`: of the only one, when it is to be the parent. */
  #chooseParent(
    { invocation: { traceContext }, facts: { header } }: ArrivedInvocation,
    trigger: Trigger,
    extracted: Carrier | undefined,
    message: Carrier | undefined,
  ): Parentage {
    // What the user's extractor finds is meant; what the platform says of itself comes after what the caller says.
    const platform = traceContext && { get: (name: string) => traceContext[name as keyof typeof traceContext] };
    const carrier = layeredCarrier(extracted, trigger.carrier, platform);
    return chooseParent({ header, carrier, message }, this.#options.contextRules);
  }
}
