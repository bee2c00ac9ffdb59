// Reading a history in Temporal's JSON form: attributes, payloads, times and durations. Nothing here judges.

import { isDeepStrictEqual } from 'node:util';

/** "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED" → "ActivityTaskScheduled". */
export function shortType(event) {
  return String(event.eventType)
    .replace(/^EVENT_TYPE_/, '')
    .toLowerCase()
    .replace(/(^|_)([a-z])/g, (_all, _gap, letter) => letter.toUpperCase());
}

/** "ActivityTaskScheduled" → "activityTaskScheduledEventAttributes". */
export function attributesKey(type) {
  return `${type[0].toLowerCase()}${type.slice(1)}EventAttributes`;
}

export function attributes(event) {
  return event[attributesKey(shortType(event))] ?? {};
}

const nanosPerSecond = 1_000_000_000n;

/** "1.5s" → 1500000000n; undefined and "0s" → 0n. Throws on anything else. */
export function duration(text) {
  if (text === undefined) return 0n;
  const match = /^(\d+)(?:\.(\d{1,9}))?s$/.exec(text);
  if (!match) throw new Error(`'${text}' is no duration of protobuf's JSON form, like "10s"`);
  return BigInt(match[1]) * nanosPerSecond + BigInt((match[2] ?? '').padEnd(9, '0'));
}

/** RFC 3339 with up to nine digits, Z → nanoseconds since 1970. */
export function instant(text) {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text ?? '');
  if (!match) throw new Error(`'${text}' is no instant of RFC 3339 in UTC`);
  return BigInt(Date.parse(`${match[1]}Z`)) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}

/** The values of a list of payloads; null for the null encoding. Throws on an encoding that is neither. */
export function values(payloads) {
  return (payloads?.payloads ?? []).map((payload) => {
    const encoding = Buffer.from(payload.metadata?.encoding ?? '', 'base64').toString();
    if (encoding === 'binary/null') return null;
    if (encoding !== 'json/plain') throw new Error(`a payload's encoding is '${encoding}'`);
    return JSON.parse(bytes(payload));
  });
}

/** A payload's bytes as text. */
export function bytes(payload) {
  return Buffer.from(payload.data ?? '', 'base64').toString();
}

/** {payloads: [...]} holding `value` as JSON. */
export function payloadsOf(value) {
  const encoding = Buffer.from('json/plain').toString('base64');
  return { payloads: [{ metadata: { encoding }, data: Buffer.from(JSON.stringify(value)).toString('base64') }] };
}

const closingTypes = new Set([
  'WorkflowExecutionCompleted',
  'WorkflowExecutionFailed',
  'WorkflowExecutionTimedOut',
  'WorkflowExecutionCanceled',
  'WorkflowExecutionTerminated',
  'WorkflowExecutionContinuedAsNew',
]);
export const isClosing = (type) => closingTypes.has(type);

const activityCloses = new Set([
  'ActivityTaskCompleted',
  'ActivityTaskFailed',
  'ActivityTaskTimedOut',
  'ActivityTaskCanceled',
]);
export const isActivityClose = (type) => activityCloses.has(type);

/** The history with what every reader asks for: short types, attributes, ids as numbers. */
export function read(json) {
  const events = (json.events ?? []).map((event) => ({
    id: Number(event.eventId),
    type: shortType(event),
    time: event.eventTime,
    a: attributes(event),
    raw: event,
  }));
  const started = events[0]?.a ?? {};
  return {
    events,
    workflowId: started.workflowId,
    runId: started.originalExecutionRunId,
    input: () => values(started.input)[0],
    last: events.at(-1),
    of: (type) => events.filter((event) => event.type === type),
  };
}

const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

/** Equal as JSON: objects that come out of the SDK's sandbox have other prototypes. */
export const same = (a, b) => isDeepStrictEqual(plain(a), plain(b));

/** The innermost cause of a failure: what the activity itself said. */
export function rootCause(failure) {
  let at = failure;
  while (at?.cause) at = at.cause;
  return at;
}

/** Map key → list, keys in the order of their first member. */
export function groupBy(list, keyOf) {
  const groups = new Map();
  for (const one of list) {
    const key = keyOf(one);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(one);
  }
  return groups;
}
