// What the build tells the person in front of it: one line per step, and one `try:` line at the end of every failure.

const isColoured = process.stdout.isTTY === true && !process.env.NO_COLOR;
const paint = (code: number, text: string): string => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = (text: string): string => paint(1, text);
export const dim = (text: string): string => paint(2, text);
export const green = (text: string): string => paint(32, text);
export const yellow = (text: string): string => paint(33, text);
export const red = (text: string): string => paint(31, text);

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Prints `what  details  seconds`; `startedAt` is a value of `performance.now()`. */
export const sayStep = (what: string, details: string, startedAt?: number): void => {
  const took = startedAt === undefined ? '' : dim(`  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  say(`${what.padEnd(24)} ${details}${took}`);
};

/** Decimal megabytes and kilobytes, as Lambda's console counts them. */
export const formatBytes = (bytes: number): string =>
  bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : bytes >= 1e4 ? `${(bytes / 1e3).toFixed(0)} kB` : `${bytes} B`;

/** A failure that the user can do something about. */
export class BuildError extends Error {
  readonly advice: string;

  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BuildError';
    this.advice = advice;
  }
}

/** The lines of a failure; the last one starts with `try:`. */
export const describeFailure = (error: unknown): string => {
  if (error instanceof BuildError) return `${red('failed:')} ${error.message}\ntry: ${error.advice}`;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${red('failed:')} ${text}\ntry: ./build.sh clean, then ./build.sh again; if it stays, report these lines`;
};
