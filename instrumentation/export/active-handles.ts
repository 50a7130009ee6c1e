// What Node still waits for, by name and number: the likely reason of an invocation that does not end.

/** Such as `3 Timeout`, `TCPSocketWrap`. */
export function activeHandles(): string[] {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => (count === 1 ? kind : `${count} ${kind}`));
}
