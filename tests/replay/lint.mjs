// The structure that Temporal's server gives every history: ids, references, the life of workflow tasks and
// activities, times, attempts. An execution's history is judged by itself; chain.mjs judges executions together.
import { attributesKey, duration, instant, isActivityClose, isClosing, read, shortType } from './history.mjs';

const commandEvents = new Set([
  'ActivityTaskScheduled',
  'ActivityTaskCancelRequested',
  'TimerStarted',
  'TimerCanceled',
  'MarkerRecorded',
  'WorkflowExecutionCompleted',
  'WorkflowExecutionFailed',
  'WorkflowExecutionCanceled',
  'WorkflowExecutionContinuedAsNew',
]);

const outsideEvents = new Set(['WorkflowExecutionSignaled', 'WorkflowExecutionCancelRequested', 'TimerFired']);

const seconds = (nanos) => `${Number(nanos) / 1e9} s`;

/** Delays between the first and attempt n: the sum of min(initial × coefficient^(k-1), maximum). */
function backoffBefore(attempt, policy) {
  let sum = 0n;
  let next = duration(policy.initialInterval);
  const most = duration(policy.maximumInterval);
  for (let k = 1; k < attempt; ++k) {
    sum += most > 0n && next > most ? most : next;
    next = BigInt(Math.round(Number(next) * policy.backoffCoefficient));
  }
  return sum;
}

class Lint {
  constructor(json) {
    this.json = json;
    this.history = read(json);
    this.problems = [];
    this.activities = new Map(); // scheduledEventId → what is known
    this.ids = new Set();
    this.task = { state: 'none' };
    this.lastCompleted = null;
    this.lastStarted = 0;
    this.inCommands = false;
    this.unhandled = null; // an outside event that no workflow task was scheduled for
    this.transient = false; // a task failed on the common queue: the next one is not recorded until it completes
  }

  bad(event, what) {
    this.problems.push(`event ${event?.id ?? '?'} ${event?.type ?? ''}: ${what}`);
  }

  ref(event, key, type) {
    const id = Number(event.a[key]);
    const target = this.history.events[id - 1];
    if (!Number.isInteger(id) || id <= 0 || id >= event.id || target?.type !== type) {
      this.bad(event, `${key} ${event.a[key]} is no ${type} before it`);
      return undefined;
    }
    return id;
  }

  run() {
    const { events } = this.history;
    if (events.length === 0) return ['no events'];
    let taskId = -1n;
    events.forEach((event, index) => {
      if (typeof event.raw.eventId !== 'string' || event.id !== index + 1)
        this.bad(event, `eventId ${JSON.stringify(event.raw.eventId)} where "${index + 1}" is due`);
      const key = attributesKey(shortType(event.raw));
      if (typeof event.raw[key] !== 'object') this.bad(event, `no ${key}`);
      const others = Object.keys(event.raw).filter((name) => name.endsWith('EventAttributes') && name !== key);
      if (others.length > 0) this.bad(event, `attributes of another type: ${others}`);
      const next = BigInt(event.raw.taskId ?? -1);
      if (next <= taskId) this.bad(event, `taskId ${event.raw.taskId} does not grow`);
      taskId = next;
      if ((event.type === 'WorkflowExecutionStarted') !== (index === 0)) this.bad(event, 'not at its place');
      if (isClosing(event.type) && index !== events.length - 1) this.bad(event, 'is not the last event');
      this.step(event);
    });
    this.end();
    return this.problems;
  }

  step(event) {
    const { type } = event;
    if (type === 'WorkflowExecutionStarted') this.executionStarted(event);
    else if (type.startsWith('WorkflowTask')) this.workflowTask(event);
    else if (type.startsWith('ActivityTask')) this.activity(event);
    else if (outsideEvents.has(type)) this.outside(event);
    else if (isClosing(type)) this.closing(event);
    if (commandEvents.has(type)) {
      if (!this.inCommands) this.bad(event, 'an event of a command, but no WorkflowTaskCompleted is before it');
      if (Number(event.a.workflowTaskCompletedEventId) !== this.lastCompleted)
        this.bad(event, `workflowTaskCompletedEventId ${event.a.workflowTaskCompletedEventId}, expected ${this.lastCompleted}`);
    }
    // The Canceled of an activity that had not started may stand among the events of commands; all else ends them.
    if (!commandEvents.has(type) && type !== 'WorkflowTaskCompleted' && type !== 'ActivityTaskCanceled')
      this.inCommands = false;
  }

  executionStarted(event) {
    for (const key of ['workflowType', 'taskQueue', 'input', 'workflowTaskTimeout', 'originalExecutionRunId', 'workflowId'])
      if (event.a[key] === undefined) this.bad(event, `no ${key}`);
    this.unhandled = event;
  }

  outside(event) {
    if (event.type === 'WorkflowExecutionSignaled' && !event.a.signalName) this.bad(event, 'no signalName');
    if (this.task.state === 'started' && !this.transient) this.bad(event, 'written while a workflow task was started');
    if (this.task.state === 'none') this.unhandled ??= event;
  }

  closing(event) {
    // Only these come without a command; a started task is failed (FORCE_CLOSE_COMMAND) before them.
    const forced = event.type === 'WorkflowExecutionTerminated' || event.type === 'WorkflowExecutionTimedOut';
    if (this.task.state === 'started') this.bad(event, 'written while a workflow task was started');
    if (!forced && this.task.state !== 'none') this.bad(event, 'a closing command while a workflow task was outstanding');
    if (forced) this.unhandled = null;
  }

  workflowTask(event) {
    const { type, a } = event;
    const task = this.task;
    if (type === 'WorkflowTaskScheduled') {
      if (task.state !== 'none') this.bad(event, 'another workflow task is outstanding');
      if (!this.unhandled && !this.transient) this.bad(event, 'nothing happened that needs a workflow task');
      const attempt = Number(a.attempt ?? 1);
      if (attempt > 1 && !this.transient) this.bad(event, `attempt ${attempt}, but no task failed before it`);
      this.task = { state: 'scheduled', scheduled: event.id, at: instant(event.time), sticky: a.taskQueue?.kind === 'TASK_QUEUE_KIND_STICKY' };
      this.unhandled = null;
      return;
    }
    const scheduled = this.ref(event, 'scheduledEventId', 'WorkflowTaskScheduled');
    if (scheduled !== undefined && scheduled !== task.scheduled) this.bad(event, 'refers to another workflow task');
    if (type === 'WorkflowTaskStarted') {
      if (task.state !== 'scheduled') this.bad(event, `started a task that is ${task.state}`);
      Object.assign(task, { state: 'started', started: event.id });
      this.lastStarted = event.id;
      return;
    }
    const byServer = type === 'WorkflowTaskTimedOut' && a.timeoutType === 'TIMEOUT_TYPE_SCHEDULE_TO_START';
    if (byServer) {
      if (task.state !== 'scheduled' || !task.sticky) this.bad(event, 'only a scheduled sticky task times out so');
      else if (instant(event.time) - task.at !== 10_000_000_000n)
        this.bad(event, `the sticky queue's schedule-to-start is 10 s, not ${seconds(instant(event.time) - task.at)}`);
    } else {
      if (task.state !== 'started') this.bad(event, `closes a task that is ${task.state}`);
      const started = this.ref(event, 'startedEventId', 'WorkflowTaskStarted');
      if (started !== undefined && started !== task.started) this.bad(event, 'refers to another start');
    }
    this.transient = type !== 'WorkflowTaskCompleted';
    this.task = { state: 'none' };
    if (type === 'WorkflowTaskCompleted') {
      this.lastCompleted = event.id;
      this.inCommands = true;
      return;
    }
    if (type === 'WorkflowTaskFailed' && !a.cause) this.bad(event, 'no cause');
    // The next task is due; on the common queue it is a transient one, which is recorded when it completes.
    this.unhandled = event;
  }

  activity(event) {
    const { type, a } = event;
    if (type === 'ActivityTaskScheduled') {
      if (this.ids.has(a.activityId)) this.bad(event, `activityId ${a.activityId} twice`);
      this.ids.add(a.activityId);
      if (a.activityId !== String(this.ids.size)) this.bad(event, `activityId ${a.activityId}, expected ${this.ids.size}`);
      if (!a.activityType?.name) this.bad(event, 'no activityType');
      this.activities.set(event.id, { event, at: instant(event.time) });
      return;
    }
    const scheduled = this.ref(event, 'scheduledEventId', 'ActivityTaskScheduled');
    const activity = this.activities.get(scheduled);
    if (!activity) return;
    if (activity.closed) this.bad(event, `activity ${activity.event.a.activityId} is closed already`);
    if (type === 'ActivityTaskCancelRequested') {
      activity.cancelRequested = event.id;
    } else if (type === 'ActivityTaskStarted') {
      this.activityStarted(event, activity);
    } else {
      this.activityClosed(event, activity);
    }
  }

  activityStarted(event, activity) {
    if (activity.started) this.bad(event, 'started twice');
    const attempt = Number(event.a.attempt ?? 0);
    const policy = activity.event.a.retryPolicy ?? {};
    const most = Number(policy.maximumAttempts ?? 0);
    if (attempt < 1 || (most > 0 && attempt > most)) this.bad(event, `attempt ${attempt} of ${most}`);
    if (attempt > 1 !== (event.a.lastFailure !== undefined)) this.bad(event, `attempt ${attempt} and lastFailure do not agree`);
    const at = instant(event.time);
    const earliest = activity.at + backoffBefore(attempt, policy);
    if (at < earliest) this.bad(event, `attempt ${attempt} started ${seconds(earliest - at)} before its backoff was over`);
    if (this.task.state === 'started') this.bad(event, 'written while a workflow task was started');
    Object.assign(activity, { started: event.id, startedAt: at, attempt });
  }

  activityClosed(event, activity) {
    const { type, a } = event;
    activity.closed = event.id;
    const at = instant(event.time);
    if (at < activity.at) this.bad(event, 'closed before it was scheduled');
    if (activity.started) {
      if (Number(a.startedEventId) !== activity.started) this.bad(event, `startedEventId ${a.startedEventId}, expected ${activity.started}`);
      if (at < activity.startedAt) this.bad(event, 'closed before it started');
      const limit = duration(activity.event.a.startToCloseTimeout);
      if (limit > 0n && at - activity.startedAt > limit) this.bad(event, `ran for longer than ${seconds(limit)}`);
    } else if (type === 'ActivityTaskCompleted' || type === 'ActivityTaskFailed') {
      this.bad(event, 'closed without ActivityTaskStarted');
    } else if (Number(a.startedEventId ?? 0) !== 0) {
      this.bad(event, `startedEventId ${a.startedEventId}, but it did not start`);
    }
    if (type === 'ActivityTaskTimedOut') this.activityTimedOut(event, activity, at);
    if (type === 'ActivityTaskFailed' && !a.failure) this.bad(event, 'no failure');
    if (type === 'ActivityTaskCompleted' && a.result !== undefined && !Array.isArray(a.result.payloads))
      this.bad(event, 'a result without payloads breaks the replayer');
    if (type === 'ActivityTaskCanceled') {
      if (Number(a.latestCancelRequestedEventId ?? 0) !== activity.cancelRequested) this.bad(event, 'no cancel request before it');
    }
    if (this.task.state === 'started') this.bad(event, 'written while a workflow task was started');
    if (this.task.state === 'none') this.unhandled ??= event;
  }

  activityTimedOut(event, activity, at) {
    const type = event.a.failure?.timeoutFailureInfo?.timeoutType;
    const asked = activity.event.a;
    const most = Number(asked.retryPolicy?.maximumAttempts ?? 0);
    const exact = (limit, since, what) => {
      if (at - since !== duration(limit)) this.bad(event, `${what} is ${limit}, it took ${seconds(at - since)}`);
    };
    // An attempt that timed out too late for another one is recorded as schedule-to-close, before its time.
    const ran = (limit) => activity.started && duration(limit) > 0n && at - activity.startedAt >= duration(limit);
    const usedUp = ran(asked.startToCloseTimeout) || ran(asked.heartbeatTimeout);
    if (type === 'TIMEOUT_TYPE_SCHEDULE_TO_CLOSE' && usedUp && duration(asked.scheduleToCloseTimeout) > 0n) return;
    if (type === 'TIMEOUT_TYPE_SCHEDULE_TO_CLOSE') exact(asked.scheduleToCloseTimeout, activity.at, 'schedule-to-close');
    else if (type === 'TIMEOUT_TYPE_SCHEDULE_TO_START') {
      if (activity.started) this.bad(event, 'schedule-to-start of an activity that started');
      if (duration(asked.scheduleToStartTimeout) === 0n) this.bad(event, 'no schedule-to-start timeout was asked for');
    } else if (type === 'TIMEOUT_TYPE_START_TO_CLOSE' || type === 'TIMEOUT_TYPE_HEARTBEAT') {
      if (!activity.started) return this.bad(event, `${type} of an activity that did not start`);
      if (type === 'TIMEOUT_TYPE_START_TO_CLOSE') exact(asked.startToCloseTimeout, activity.startedAt, 'start-to-close');
      else if (at - activity.startedAt < duration(asked.heartbeatTimeout) || duration(asked.heartbeatTimeout) === 0n)
        this.bad(event, `heartbeat timeout is ${asked.heartbeatTimeout}, it ran ${seconds(at - activity.startedAt)}`);
      const expires = duration(asked.scheduleToCloseTimeout);
      if (most > 0 && activity.attempt < most && expires === 0n) this.bad(event, `attempt ${activity.attempt} of ${most} should be retried`);
    } else this.bad(event, `timeoutType ${type}`);
  }

  end() {
    const last = this.history.last;
    if (isClosing(last.type)) return;
    for (const { event, started, closed } of this.activities.values())
      if (started && !closed) this.bad(event, 'started, never closed: a server writes both at once');
    if (this.task.state === 'none' && this.unhandled && !this.transient)
      this.bad(this.unhandled, 'no workflow task was scheduled for it');
  }
}

/** Every offence against the server's structure, as text; empty if there is none. */
export function lint(json) {
  try {
    return new Lint(json).run();
  } catch (error) {
    return [`unreadable: ${error.message}`];
  }
}

/** 'none', 'scheduled' or 'started': the recorded workflow task at the history's end; 'transient' for one that is not
 *  recorded. Commands that the code issues and the history lacks are only right while a task is outstanding. */
export function pendingTask(json) {
  let state = 'none';
  for (const { type } of read(json).events) {
    if (type === 'WorkflowTaskScheduled') state = 'scheduled';
    else if (type === 'WorkflowTaskStarted') state = 'started';
    else if (type === 'WorkflowTaskCompleted') state = 'none';
    else if (type === 'WorkflowTaskFailed' || type === 'WorkflowTaskTimedOut') state = 'transient';
  }
  return state;
}
