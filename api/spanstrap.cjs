// What functions may call: handed on to the layer where there is one, and nothing where there is none. A copy of this file may be
// anywhere, also inside a bundle.

'use strict';

const layer = () => globalThis[Symbol.for('spanstrap.api.1')];

const noSpan = {
  setAttribute: () => noSpan,
  setAttributes: () => noSpan,
  addEvent: () => noSpan,
  recordException() {},
  updateName: () => noSpan,
  isRecording: () => false,
  spanContext: () => ({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 }),
};

exports.annotate = (key, value) => layer()?.annotate(key, value);

exports.metadata = (key, value, namespace) => layer()?.metadata(key, value, namespace);

exports.withSpan = (name, work) => {
  const api = layer();
  return api === undefined ? work(noSpan) : api.withSpan(name, work);
};

exports.setRoute = (route) => layer()?.setRoute(route);

exports.forEachRecord = async (event, work) => {
  const api = layer();
  if (api !== undefined) return api.forEachRecord(event, work);
  const results = [];
  for (const record of recordsOf(event)) results.push(await work(record, noSpan));
  return results;
};

/** As the layer divides events. */
const recordsOf = (event) => {
  if (Array.isArray(event)) return event;
  if (Array.isArray(event?.Records)) return event.Records;
  if (Array.isArray(event?.records)) return event.records;
  if (Array.isArray(event?.messages)) return event.messages;
  const maps = event?.records ?? event?.rmqMessagesByQueue;
  if (typeof maps === 'object' && maps !== null) return Object.values(maps).flat();
  return [event];
};

exports.default = exports;
