// What a command of the command line is, and what it sees of the world.

/** What a command sees of the process. */
export type Io = {
  readonly out: (text: string) => void;
  readonly error: (text: string) => void;
  readonly readInput: () => Promise<string>;
  readonly columns: number;
  readonly isColored: boolean;
};

export type Command = {
  readonly summary: string;
  readonly help: string;
  /** Resolves with the exit code. Throws UsageError for mistakes of the caller. */
  run(argv: readonly string[], io: Io): Promise<number>;
};
