// Whether a version lies in one of the ranges that instrumentations state: comparisons (`>=8.0.3 <9`) and carets (`^5.0.0`). A version
// with a prerelease counts as the release it leads to.

type Version = readonly [major: number, minor: number, patch: number];

function parse(text: string): Version | undefined {
  const match = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
}

function compare(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

function fits(version: Version, condition: string): boolean {
  const [, operator = '', text = ''] = /^(>=|<=|>|<|=|\^|)(.*)$/.exec(condition) ?? [];
  if (text === '*') return true;
  const bound = parse(text);
  if (bound === undefined) return false;
  const order = compare(version, bound);
  if (operator === '>=') return order >= 0;
  if (operator === '<=') return order <= 0;
  if (operator === '>') return order > 0;
  if (operator === '<') return order < 0;
  if (operator !== '^') return order === 0;
  const next: Version = bound[0] > 0 ? [bound[0] + 1, 0, 0] : [0, bound[1] + 1, 0];
  return order >= 0 && compare(version, next) < 0;
}

export function isInRange(version: string, ranges: readonly string[]): boolean {
  const parsed = parse(version);
  if (parsed === undefined) return false;
  return ranges.some((range) =>
    range
      .trim()
      .split(/\s+/)
      .every((condition) => fits(parsed, condition)),
  );
}
