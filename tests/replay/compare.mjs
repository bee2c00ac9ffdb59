// Holds a replay's recording against the history. The SDK's replayer compares the types and ids of activities; this
// compares everything else that the code asked for and was given: inputs, the four timeouts as the server fills them,
// retry policies, results against the activities' contracts (domain §6), signals, and how the execution ended.
import { createHash } from 'node:crypto';

import { bytes, duration, groupBy, isClosing, read, rootCause, same, values } from './history.mjs';
import { pendingTask } from './lint.mjs';

const unitNanos = { ns: 1n, us: 1_000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n, d: 86_400_000_000_000n };

/** "30m", "1h30m", "250ms", as the SDK's options and scenario files write durations → nanoseconds. */
export function spelled(text) {
  if (text === undefined) return 0n;
  let sum = 0n;
  let rest = String(text);
  while (rest !== '') {
    const match = /^(\d+)(ns|us|ms|s|m|h|d)/.exec(rest);
    if (!match) throw new Error(`'${text}' is no duration`);
    sum += BigInt(match[1]) * unitNanos[match[2]];
    rest = rest.slice(match[0].length);
  }
  return sum;
}

/** What production asks for (domain §6); a scenario's topology.activityOptions changes it. */
const production = {
  startToClose: '30m',
  scheduleToStart: '0s',
  scheduleToClose: '0s',
  heartbeat: '0s',
  maxAttempts: 3,
  initialInterval: '1s',
  coefficient: 2,
  maxInterval: '60s',
};

/** The options a scenario gives an activity: {default: {…}, dbt: {…}} → those of one activity. */
function optionsOf(activityType, kind, activityOptions = {}) {
  const byKind = activityType === 'executeStep' ? activityOptions[kind] : undefined;
  return { ...production, ...activityOptions.default, ...byKind };
}

function smallest(limits) {
  const set = limits.filter((limit) => limit > 0n);
  return set.length === 0 ? 0n : set.reduce((a, b) => (a < b ? a : b));
}

/** The server's filling and capping of the four timeouts; 0 means none. */
export function filled(asked, runTimeout) {
  const scheduleToClose = smallest([asked.scheduleToClose, runTimeout]);
  const within = (limit) => (limit > 0n ? smallest([limit, scheduleToClose]) : scheduleToClose);
  const startToClose = within(asked.startToClose);
  return {
    scheduleToClose,
    scheduleToStart: within(asked.scheduleToStart),
    startToClose,
    heartbeat: asked.heartbeat > 0n ? smallest([asked.heartbeat, startToClose]) : 0n,
  };
}

/** What of domain §6 an activity's result breaks; undefined if nothing. `payloads` as in the history. */
function brokenContract(activityType, input, payloads) {
  const list = payloads?.payloads ?? [];
  if (activityType === 'saveRunMetadata' || activityType === 'emitEvent') {
    const [value] = values(payloads);
    return list.length === 0 || (list.length === 1 && value === null) ? undefined : `returns nothing, got ${JSON.stringify(value)}`;
  }
  if (list.length !== 1) return `returns one value, got ${list.length}`;
  const [value] = values(payloads);
  if (activityType === 'fetchPlan') {
    const sha256 = createHash('sha256').update(bytes(list[0])).digest('hex');
    if (sha256 !== input.sha256) return `the plan's bytes have SHA-256 ${sha256}, the reference says ${input.sha256}`;
    if (input.sizeBytes !== undefined && Buffer.byteLength(bytes(list[0])) !== input.sizeBytes) return `the plan's size is not ${input.sizeBytes}`;
    for (const key of ['planId', 'planVersion', 'schemaVersion'])
      if (value.metadata?.[key] !== input[key]) return `the plan's ${key} is ${value.metadata?.[key]}, the reference says ${input[key]}`;
    for (const step of value.steps)
      for (const key of Object.keys(step))
        if (!['stepId', 'kind', 'dependsOn'].includes(key)) return `INVALID_STEP_SCHEMA: field_not_allowed:${key}`;
    return undefined;
  }
  if (activityType === 'executeStep') {
    const { stepId, status, retriable, error, ...more } = value ?? {};
    if (stepId !== input.step.stepId) return `the result speaks of step ${stepId}, asked was ${input.step.stepId}`;
    if (status !== 'COMPLETED' && status !== 'FAILED') return `status ${status}`;
    if (status === 'COMPLETED' && (retriable !== undefined || error !== undefined)) return 'COMPLETED carries no retriable and no error';
    return Object.keys(more).length === 0 ? undefined : `unknown members: ${Object.keys(more)}`;
  }
  return `no activity of the plan workflow is named ${activityType}`;
}

class Comparison {
  constructor(json, recording, activityOptions) {
    this.json = json;
    this.history = read(json);
    this.recording = recording;
    this.activityOptions = activityOptions;
    this.problems = [];
    this.pending = pendingTask(json);
  }

  bad(event, what) {
    this.problems.push(`event ${event?.id ?? 'after the last'} ${event?.type ?? ''}: ${what}`);
  }

  noted(kind) {
    return this.recording.filter((entry) => entry.kind === kind);
  }

  run() {
    this.started();
    this.activities();
    this.signals();
    this.ending();
    return this.problems;
  }

  started() {
    const event = this.history.events[0];
    const { a } = event;
    if (a.workflowType?.name !== 'runPlanWorkflow') this.bad(event, `workflowType ${a.workflowType?.name}`);
    const inputs = values(a.input);
    if (inputs.length !== 1) return this.bad(event, `${inputs.length} inputs, expected one`);
    const { planRef, ctx, continueAsNewAfterLayerCount, resumeFromLayerIndex, continuedAsNewCount, ...more } = inputs[0];
    if (Object.keys(more).length > 0) this.bad(event, `unknown members of the input: ${Object.keys(more)}`);
    const members = (what, value, names, optional = []) => {
      const all = Object.keys(value ?? {});
      const missing = names.filter((name) => !all.includes(name));
      const unknown = all.filter((name) => !names.includes(name) && !optional.includes(name));
      if (missing.length + unknown.length > 0) this.bad(event, `${what}: missing [${missing}], unknown [${unknown}]`);
    };
    members('planRef', planRef, ['uri', 'sha256', 'schemaVersion', 'planId', 'planVersion'], ['sizeBytes']);
    members('ctx', ctx, ['tenantId', 'projectId', 'environmentId', 'runId', 'targetAdapter']);
    if (ctx?.runId !== a.workflowId) this.bad(event, `workflowId ${a.workflowId}, ctx.runId ${ctx?.runId}`);
    if ((continuedAsNewCount ?? 0) > 0 !== (a.continuedExecutionRunId !== undefined)) this.bad(event, 'continuedAsNewCount and continuedExecutionRunId do not agree');
    for (const count of [continueAsNewAfterLayerCount, resumeFromLayerIndex, continuedAsNewCount])
      if (count !== undefined && !(Number.isInteger(count) && count >= 0)) this.bad(event, `${count} is no count`);
    const [start] = this.noted('started');
    if (start && !same(start.args, inputs)) this.bad(event, 'the code was started with another input');
  }

  activities() {
    const scheduled = this.history.of('ActivityTaskScheduled');
    // After a native cancel the SDK refuses every further activity: asked for, and never a command.
    const refused = new Set(this.noted('rejected').filter(({ error }) => error.name === 'CancelledFailure').map(({ seq }) => seq));
    const asked = this.noted('activity').filter(({ seq }) => !refused.has(seq));
    scheduled.forEach((event, index) => {
      const ask = asked[index];
      if (!ask) return this.bad(event, 'the code never asked for it');
      this.activity(event, ask);
    });
    if (asked.length > scheduled.length && this.pending === 'none') {
      const { activityType, args } = asked[scheduled.length];
      this.bad(undefined, `the code goes on with ${activityType} ${JSON.stringify(args[0]?.eventType ?? '')}, the history ends`);
    }
    const closes = new Map(this.history.events.filter(({ type }) => /^ActivityTask(Completed|Failed|TimedOut)$/.test(type)).map((event) => [Number(event.a.scheduledEventId), event]));
    scheduled.forEach((event, index) => {
      const close = closes.get(event.id);
      if (close && asked[index]) this.result(event, close, asked[index].seq);
    });
  }

  activity(event, ask) {
    const { a } = event;
    if (a.activityId !== String(ask.seq)) this.bad(event, `activityId ${a.activityId}, the code's was ${ask.seq}`);
    if (a.activityType?.name !== ask.activityType) return this.bad(event, `the code asked for ${ask.activityType}`);
    const inputs = values(a.input);
    if (!same(inputs, ask.args))
      this.bad(event, `input ${JSON.stringify(inputs)}, the code gave ${JSON.stringify(ask.args)}`);
    const kind = ask.args[0]?.step?.kind;
    const wanted = optionsOf(ask.activityType, kind, this.activityOptions);
    // The code's own options are production's. They are what the history must hold, unless the scenario asks for others.
    const { retry, startToCloseTimeout } = ask.options;
    const own = { ...production, startToClose: startToCloseTimeout, maxAttempts: retry.maximumAttempts, initialInterval: retry.initialInterval, coefficient: retry.backoffCoefficient, maxInterval: retry.maximumInterval };
    const options = { ...own, ...Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== production[name])) };
    const limits = filled(
      {
        scheduleToClose: spelled(options.scheduleToClose),
        scheduleToStart: spelled(options.scheduleToStart),
        startToClose: spelled(options.startToClose),
        heartbeat: spelled(options.heartbeat),
      },
      duration(this.history.events[0].a.workflowRunTimeout),
    );
    for (const [name, limit] of Object.entries(limits))
      if (duration(a[`${name}Timeout`]) !== limit) this.bad(event, `${name}Timeout ${a[`${name}Timeout`]}, expected ${Number(limit) / 1e9}s`);
    const policy = a.retryPolicy ?? {};
    const equal =
      duration(policy.initialInterval) === spelled(options.initialInterval) &&
      Number(policy.backoffCoefficient) === Number(options.coefficient) &&
      duration(policy.maximumInterval) === spelled(options.maxInterval) &&
      Number(policy.maximumAttempts ?? 0) === Number(options.maxAttempts) &&
      same(policy.nonRetryableErrorTypes, retry.nonRetryableErrorTypes);
    if (!equal) this.bad(event, `retryPolicy ${JSON.stringify(policy)}, expected ${JSON.stringify({ ...retry, ...options })}`);
    const queue = ask.activityType === 'executeStep' && (kind === 'dbt' || kind === 'spark') ? 'tq-data' : 'tq-control';
    if (a.taskQueue?.name !== queue) this.bad(event, `task queue ${a.taskQueue?.name}, expected ${queue}`);
  }

  result(event, close, seq) {
    const input = values(event.a.input)[0];
    const resolved = this.recording.find((entry) => entry.kind === 'resolved' && entry.seq === seq);
    const rejected = this.recording.find((entry) => entry.kind === 'rejected' && entry.seq === seq);
    if (close.type === 'ActivityTaskCompleted') {
      const broken = brokenContract(event.a.activityType?.name, input, close.a.result);
      if (broken) this.bad(close, broken);
      const given = values(close.a.result)[0] ?? undefined;
      if (resolved && !same(resolved.value, given)) this.bad(close, 'the code was given another result');
      if (rejected && !this.history.of('WorkflowExecutionCancelRequested').length) this.bad(close, 'the code was given a failure');
      return;
    }
    if (resolved) this.bad(close, 'the code was given a result');
    const policy = event.a.retryPolicy ?? {};
    if (close.type === 'ActivityTaskFailed') {
      const info = close.a.failure?.applicationFailureInfo;
      if (!info) return this.bad(close, 'no applicationFailureInfo');
      const start = this.history.events[Number(close.a.startedEventId) - 1];
      const final = info.nonRetryable || policy.nonRetryableErrorTypes?.includes(info.type);
      const exhausted = Number(start?.a.attempt) === Number(policy.maximumAttempts);
      const cancelled = this.history.of('ActivityTaskCancelRequested').some(({ a }) => a.scheduledEventId === close.a.scheduledEventId);
      const state = cancelled ? 'RETRY_STATE_CANCEL_REQUESTED' : final ? 'RETRY_STATE_NON_RETRYABLE_FAILURE' : exhausted ? 'RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED' : undefined;
      if (state !== undefined && close.a.retryState !== state) this.bad(close, `retryState ${close.a.retryState}, expected ${state}`);
      if (state === undefined && duration(event.a.scheduleToCloseTimeout) === 0n && !this.history.of('ActivityTaskCancelRequested').length)
        this.bad(close, `attempt ${start?.a.attempt} of ${policy.maximumAttempts} failed with '${info.type}' and was not retried`);
      const root = rejected && rootCause(rejected.error);
      if (root && root.name === 'ApplicationFailure' && root.type !== info.type) this.bad(close, `the code was given '${root.type}'`);
    }
  }

  signals() {
    // By name: signals of different names that came before their handlers are handed over in the handlers' order.
    const events = this.history.of('WorkflowExecutionSignaled');
    const left = groupBy(events, ({ a }) => a.signalName);
    for (const entry of this.noted('signal')) {
      const event = left.get(entry.name)?.shift();
      if (!event) this.bad(undefined, `signal ${entry.name} was handled and is not there`);
      else if (!same(values(event.a.input), entry.args)) this.bad(event, `the code handled it with ${JSON.stringify(entry.args)}`);
    }
    const unseen = [...left.values()].flat();
    const after = this.history.of('WorkflowTaskCompleted').at(-1)?.id ?? 0;
    for (const event of unseen) if (event.id < after) this.bad(event, 'the code never handled it');
    for (const event of events)
      if (!['pause', 'resume', 'cancel'].includes(event.a.signalName)) this.bad(event, `the plan workflow has no signal ${event.a.signalName}`);
  }

  ending() {
    const last = this.history.last;
    const returned = this.noted('returned')[0];
    const again = this.noted('continueAsNew')[0];
    const threw = this.noted('threw')[0];
    const outcome = returned ? 'WorkflowExecutionCompleted' : again ? 'WorkflowExecutionContinuedAsNew' : threw ? 'threw' : undefined;
    if (!isClosing(last.type) || last.type === 'WorkflowExecutionTerminated' || last.type === 'WorkflowExecutionTimedOut') {
      // Without an outstanding task, code that ended means a history that was cut. A workflow task that failed for the
      // code's error is tried again for ever: no outcome.
      const failing = threw && threw.error.name !== 'ActivityFailure';
      if (outcome && this.pending === 'none' && last.type !== 'WorkflowExecutionTerminated' && !failing)
        this.bad(undefined, `the code ended (${outcome}), the history does not`);
      return;
    }
    if (last.type === 'WorkflowExecutionCompleted') {
      if (!returned) return this.bad(last, `the code did not return (${outcome ?? 'it waits'})`);
      const [value] = values(last.a.result);
      if (!same(value, returned.value)) this.bad(last, `result ${JSON.stringify(value)}, the code returned ${JSON.stringify(returned.value)}`);
    } else if (last.type === 'WorkflowExecutionContinuedAsNew') {
      if (!again) return this.bad(last, `the code did not continue as new (${outcome ?? 'it waits'})`);
      if (!same(values(last.a.input), again.args))
        this.bad(last, `input ${JSON.stringify(values(last.a.input))}, the code gave ${JSON.stringify(again.args)}`);
      if (last.a.workflowType?.name !== 'runPlanWorkflow') this.bad(last, `workflowType ${last.a.workflowType?.name}`);
    } else if (last.type === 'WorkflowExecutionCanceled') {
      const cancelled = threw && (threw.error.name === 'CancelledFailure' || threw.error.cause?.name === 'CancelledFailure');
      if (!cancelled) this.bad(last, `the code was not cancelled (${JSON.stringify(threw?.error ?? outcome ?? 'it waits')})`);
      if (this.history.of('WorkflowExecutionCancelRequested').length === 0) this.bad(last, 'nobody requested the cancellation');
    } else if (last.type === 'WorkflowExecutionFailed') {
      if (threw?.error.name !== 'ActivityFailure') return this.bad(last, `the code did not fail (${JSON.stringify(threw?.error ?? outcome ?? 'it waits')})`);
      const root = rootCause(threw.error);
      const told = rootCause(last.a.failure);
      const type = told?.applicationFailureInfo?.type ?? told?.timeoutFailureInfo?.timeoutType;
      const own = root.type ?? (root.timeoutType && `TIMEOUT_TYPE_${root.timeoutType}`);
      if (type !== own) this.bad(last, `failure '${type}', the code's was '${own}'`);
    }
  }
}

/** Every difference between history and recording, as text. `activityOptions` as in the scenario's topology. */
export function compare(json, recording, activityOptions) {
  try {
    return new Comparison(json, recording, activityOptions).run();
  } catch (error) {
    return [`unreadable: ${error.message}`];
  }
}
