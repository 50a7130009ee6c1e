// A mistake of whoever typed the command: exit code 2, one line that says what is wrong, one that says what to try.

export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly advice: string;

  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}
