// The global functions with which functions configure OpenTelemetry's own Lambda layer. Here only which there are; what they do is
// in a bundle that nobody else loads.

/** A file that `NODE_OPTIONS=--require` names has put them there, before anything of ours was loaded. */
export const configureHookNames = (): string[] =>
  Object.keys(globalThis).filter((name) =>
    /^configure(?:Tracer|SdkRegistration|Instrumentations|Lambda|Aws|Meter|Logger)/.test(name),
  );
