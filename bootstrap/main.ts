// The way in: reads the environment, puts runtime and instrumentation together, loads the handler and hands over to the loop.
// The only place that knows both sides; it owns the process.

import { installTracing, type Tracing } from '../instrumentation/tracing.ts';
import { type Endpoint, parseEndpoint } from '../runtime/api/connection.ts';
import { ExtensionsApi } from '../runtime/api/extensions-api.ts';
import { RuntimeApi } from '../runtime/api/runtime-api.ts';
import { installAwslambda } from '../runtime/awslambda.ts';
import { installConsole } from '../runtime/console.ts';
import { errorBody } from '../runtime/error-body.ts';
import { errorText } from '../runtime/errors.ts';
import { describeResources, letEventLoopTurn, watchEventLoop } from '../runtime/event-loop.ts';
import { type Extension, noExtension, registerExtension } from '../runtime/extension.ts';
import { offerGarbageCollector } from '../runtime/garbage-collector.ts';
import { useCompileCache } from '../runtime/handler/compile-cache.ts';
import { checkHandlerStyle } from '../runtime/handler/handler-style.ts';
import { type HandlerFunction, loadHandler, unplacedSyntaxError } from '../runtime/handler/module-loading.ts';
import { watchModules } from '../runtime/handler/module-times.ts';
import { installPackageFallback } from '../runtime/handler/package-fallback.ts';
import { guarded, type InitStep, now, unobserved } from '../runtime/lifecycle.ts';
import { openLogSocket } from '../runtime/log-socket.ts';
import { Loop } from '../runtime/loop.ts';
import { readStreamingMark, type StreamingMark } from '../runtime/streaming-mark.ts';
import { readText, textOf } from '../runtime/thrown-value.ts';
import { createUserScope } from '../runtime/user-scope.ts';
import { type Doctor, withDoctor } from './doctor-visits.ts';
import type { Host } from './host.ts';
import { loadExtractor } from './load-extractor.ts';
import { EXIT_FAILURE, EXIT_UNCAUGHT_EXCEPTION, endProcess, guardProcess } from './process-guards.ts';
import { findSettingsFile, otherVariables, readIdentity, requireVariable, takeVariable } from './settings/settings.ts';
import { readSettings } from './settings/settings-reader.ts';
import { settingsTable } from './settings/settings-table.ts';
import { chooseTracing } from './tracing-options.ts';
import { SPANSTRAP_VERSION } from './version.ts';

/** As it was given. User code may put another object in its place, and what it is shown and asked for is then in that one. */
const { env } = process;
const presentEnv = (): NodeJS.ProcessEnv => process.env;

/** Everything that is told of is a warning. */
const QUIET_LEVELS: ReadonlySet<string> = new Set(['error', 'none']);

const INIT_CUT_OFF = 'the environment was shut down before the handler was loaded: init took too long';

/** Serves invocations until the platform ends the process, or ends it with the documented exit codes. */
export async function main(host: Host): Promise<void> {
  const startedAt = now();
  const path = findSettingsFile(env);
  const file = path === undefined ? undefined : (host.loadBundle('settings-file') as File).readSettingsFile(path);
  const { settings, unusable } = readSettings(settingsTable, env, file?.values);
  const compat = settings.handlerCompat;
  const { AWS_LAMBDA_MAX_CONCURRENCY: maxConcurrency, _LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET: logSocket } = env;
  const isConcurrent = maxConcurrency !== undefined;

  // Registration takes a round trip: it is under way while everything else is put together and the handler is loaded.
  const endpoint = parseEndpoint(requireVariable(env, 'AWS_LAMBDA_RUNTIME_API'));
  const userAgent = `spanstrap/${SPANSTRAP_VERSION}`;
  const steps: InitStep[] = [{ name: 'node boot', startedAt: 0, endedAt: startedAt }];
  // Only spans that leave after the response need a word from the platform before it freezes the process.
  const events = isConcurrent || settings.flushMode !== 'async' ? [] : (['INVOKE'] as const);
  const registration = register(settings.isDisabled, endpoint, userAgent, events).then((registered) => {
    steps.push({ name: 'extension registration', startedAt, endedAt: now() });
    return registered;
  });
  const api = new RuntimeApi(endpoint, userAgent);
  api.connect();
  await letEventLoopTurn();

  let tracing: Tracing | undefined;
  const store = installAwslambda({
    isMultiConcurrent: isConcurrent,
    isGlobalHidden: ['1', 'true'].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA ?? ''),
  });
  const scope = createUserScope(store, presentEnv, isConcurrent);
  const writeLog = isConcurrent && logSocket ? await openLogSocket(logSocket) : undefined;
  const log = installConsole({
    format: env.AWS_LAMBDA_LOG_FORMAT,
    level: env.AWS_LAMBDA_LOG_LEVEL,
    telemetryFd: takeVariable(env, '_LAMBDA_TELEMETRY_LOG_FD'),
    isMultiConcurrent: isConcurrent,
    compat,
    currentInvocation: () => scope.current(),
    activeTrace: () => tracing?.activeTrace(),
    ...(writeLog && { write: writeLog }),
  });
  const report = (message: string): void => {
    if (!QUIET_LEVELS.has(settings.logLevel)) log.warn(message, 'spanstrap');
  };
  for (const problem of file?.problems ?? []) report(problem);
  const others = otherVariables(env, settingsTable);
  if (unusable.length + others.length > 0) {
    for (const problem of (host.loadBundle('settings-check') as Check).describeProblems(unusable, others))
      report(problem);
  }
  const { writeLine } = log;
  let choice: ReturnType<typeof chooseTracing>;
  try {
    choice = chooseTracing({ settings, env, file: file?.values ?? {}, report, writeLine }, host);
    if (choice !== undefined) tracing = installTracing(choice);
  } catch (error) {
    // What NODE_OPTIONS has preloaded may have changed the globals that it needs.
    const reason = readText(error, 'stack') ?? textOf(error);
    report(`nothing is traced: the tracer could not be installed: ${reason}`);
  }
  const traced = tracing === undefined ? unobserved : guarded(tracing.observer, tracing.fault);
  const openDoctor = (): Doctor =>
    (host.loadBundle('doctor') as DoctorBundle).openDoctor({
      env,
      file: file?.values ?? {},
      settings,
      choice,
      inspect: () => tracing?.inspect(),
      steps,
      require: host.require,
      report,
    });
  const observer = settings.isDoctorOn ? withDoctor(traced, openDoctor, report) : traced;

  let loop: Loop | undefined;
  const endInit = (error: unknown, errorType: string): void =>
    observer.initEnded({ startedAt: 0, endedAt: now(), steps, error, errorType });
  const failInit = async (error: unknown): Promise<void> => {
    const body = errorBody(error, { compat });
    endInit(error, body.errorType);
    await api.failInit(body).catch((failure) => report(`${failure}`));
  };
  const isEnding = guardProcess({
    process,
    log,
    fail: (error) => (loop === undefined ? failInit(error) : loop.crash(error)),
    flush(reason, deadlineEpochMs) {
      if (reason === 'shutdown' && loop === undefined) endInit(new Error(INIT_CUT_OFF), 'Sandbox.Timedout');
      return observer.flush(reason, deadlineEpochMs);
    },
    exit: (end) => tracing?.exit(end),
  });

  offerGarbageCollector();
  const resolution = installPackageFallback({
    layerPackages: host.packagesFolder,
    nodePath: () => presentEnv().NODE_PATH,
  });

  const loadStartedAt = now();
  steps.push({ name: 'runtime load', startedAt, endedAt: loadStartedAt });
  let handler: HandlerFunction;
  let streaming: StreamingMark;
  let onContextMethod: () => void;
  try {
    const taskRoot = requireVariable(env, 'LAMBDA_TASK_ROOT');
    const debug = settings.logLevel === 'debug' ? report : undefined;
    const releaseCompileCache = useCompileCache({ taskRoot, temporaryFolder: '/tmp', debug });
    const modules =
      tracing === undefined || settings.initModules === 'off' ? undefined : watchModules(taskRoot, resolution);
    handler = await loadHandler(requireVariable(env, '_HANDLER'), taskRoot, {
      ...host,
      importModule: (url) => modules?.time(() => host.importModule(url)) ?? host.importModule(url),
      warn: (text) => log.warn(text),
    }).finally(releaseCompileCache);
    steps.push({
      name: 'handler load',
      startedAt: loadStartedAt,
      endedAt: now(),
      ...(modules && { steps: modules.stop() }),
    });
    const { contextExtractor } = settings;
    if (tracing !== undefined && contextExtractor !== undefined) {
      const extractorStartedAt = now();
      await loadExtractor(contextExtractor, taskRoot, host, tracing, report);
      steps.push({ name: 'context extractor', startedAt: extractorStartedAt, endedAt: now() });
    }
    streaming = readStreamingMark(handler);
    onContextMethod = checkHandlerStyle(handler, {
      compat,
      isStreaming: streaming.isStreaming,
      executionEnvironment: env.AWS_EXECUTION_ENV,
      isWarningSilenced: env.AWS_LAMBDA_NODEJS_DISABLE_CALLBACK_WARNING !== undefined,
      warn: (text) => log.warn(text),
    });
  } catch (error) {
    if (isEnding()) return;
    log.logInitError(error);
    await failInit(error);
    if (compat === 'node22') return endProcess(process, observer, EXIT_UNCAUGHT_EXCEPTION);
    return endProcess(process, observer, EXIT_FAILURE, unplacedSyntaxError(error));
  }
  const extension = await registration;
  if (isEnding()) return;
  if (extension.refusal !== undefined)
    log.warn(errorText('ExtensionRefused', { problem: extension.refusal }), 'spanstrap');
  observer.initEnded({ startedAt: 0, endedAt: now(), steps });
  // Both polls are out before anything else is done: init ends with them.
  const polled = isConcurrent ? undefined : api.next();
  extension.poll({
    flush: (deadlineEpochMs) => observer.flush('invocation', deadlineEpochMs),
    isEnding,
    onLost: report,
  });
  loop = new Loop({
    handler,
    streaming,
    isConcurrent,
    openStream: (options) => new (host.loadBundle('streaming') as Streaming).StreamedAnswer(options),
    observer,
    extension,
    scope,
    compat,
    log,
    workingDirectory: process.cwd(),
    xrayErrorCause(...args) {
      try {
        return (host.loadBundle('error-cause') as ErrorCause).xrayErrorCause(...args);
      } catch {
        // Not even a file can be opened, which may be what the error is about: it is reported all the same.
        return '';
      }
    },
    whenIdle: watchEventLoop(process),
    identity: () => readIdentity(presentEnv()),
    describeUnfinished: () => describeResources(process),
    onContextMethod,
  });
  try {
    if (maxConcurrency === undefined) return await loop.serve(api, polled);
    const { serveConcurrently } = host.loadBundle('concurrency') as Concurrency;
    const openApi = (): RuntimeApi => new RuntimeApi(endpoint, userAgent);
    await serveConcurrently({ loop, maxConcurrency, api, openApi, observer, log });
  } catch (error) {
    log.error(`${error}`);
    await endProcess(process, observer, EXIT_FAILURE);
  }
}

function register(
  isDisabled: boolean,
  endpoint: Endpoint,
  userAgent: string,
  events: readonly 'INVOKE'[],
): Promise<Extension> {
  if (isDisabled) return Promise.resolve(noExtension);
  return registerExtension(new ExtensionsApi(endpoint, userAgent), events);
}

type File = typeof import('./settings/settings-file.ts');
type DoctorBundle = typeof import('./doctor/open-doctor.ts');
type Check = typeof import('./settings/settings-check.ts');
type Concurrency = typeof import('../runtime/concurrent-serving.ts');
type Streaming = typeof import('../runtime/streamed-answer.ts');
type ErrorCause = typeof import('../runtime/error-cause.ts');
