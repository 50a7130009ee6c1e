// The records of an event, each as an event of its own that holds nothing else, so that everything that is known of events is known
// of them.

type EventRecord = {
  readonly record: unknown;
  /** What recognition takes. */
  readonly event: unknown;
};

type Fields = Readonly<Record<string, unknown>>;

/** api/spanstrap.cjs divides events in the same way where there is no layer. */
export function recordsOf(event: unknown): EventRecord[] {
  if (Array.isArray(event)) return event.map((record) => ({ record, event: [record] }));
  if (typeof event !== 'object' || event === null) return [{ record: event, event }];
  const fields = event as Fields;
  for (const name of ['Records', 'records', 'messages']) {
    const list = fields[name];
    if (Array.isArray(list)) return list.map((record) => ({ record, event: { ...fields, [name]: [record] } }));
  }
  for (const name of ['records', 'rmqMessagesByQueue']) {
    const lists = fields[name];
    if (typeof lists === 'object' && lists !== null) return divide(fields, name, lists as Fields);
  }
  return [{ record: event, event }];
}

/** Kafka has a list for each partition, RabbitMQ one for each queue. */
function divide(event: Fields, name: string, lists: Fields): EventRecord[] {
  return Object.entries(lists).flatMap(([key, list]) =>
    (Array.isArray(list) ? list : []).map((record) => ({ record, event: { ...event, [name]: { [key]: [record] } } })),
  );
}
