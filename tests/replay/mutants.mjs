// Ways to break a history. Each takes a deep copy of an accepted one and returns it broken, or undefined where it does
// not apply. `renumber` closes the gap that a removed event leaves, so that ids alone do not give it away.
import { attributesKey, isActivityClose, isClosing, payloadsOf, shortType, values } from './history.mjs';

const idKeys = ['scheduledEventId', 'startedEventId', 'workflowTaskCompletedEventId', 'latestCancelRequestedEventId'];

function attributesOf(event) {
  return event[attributesKey(shortType(event))];
}
const typed = (json, type, test = () => true) => json.events.find((event) => shortType(event) === type && test(attributesOf(event), event));
const activity = (json, name, test = () => true) => typed(json, 'ActivityTaskScheduled', (a) => a.activityType.name === name && test(values(a.input)[0]));
const eventAt = (json, id) => json.events[Number(id) - 1];
const closeOf = (json, scheduled) => json.events.find((event) => isActivityClose(shortType(event)) && attributesOf(event).scheduledEventId === scheduled.eventId);

/** Gives contiguous ids to events whose eventIds are the old ones, and moves the references along. */
function renumber(json) {
  const now = new Map();
  json.events.forEach((event, index) => {
    if (!now.has(event.eventId)) now.set(event.eventId, String(index + 1));
  });
  json.events.forEach((event, index) => {
    const a = attributesOf(event);
    for (const key of idKeys) if (a[key] !== undefined) a[key] = now.get(a[key]) ?? a[key];
    event.eventId = String(index + 1);
    event.taskId = String(1048576 + index + 1);
  });
  return json;
}

/** The only signal of that name, in a history where its event was told. */
function effective(json, name, told) {
  const signals = json.events.filter((event) => shortType(event) === 'WorkflowExecutionSignaled' && attributesOf(event).signalName === name);
  return signals.length === 1 && activity(json, 'emitEvent', (input) => input.eventType === told) ? signals[0] : undefined;
}

function without(json, ...gone) {
  json.events = json.events.filter((event) => !gone.includes(event));
  return renumber(json);
}

function changeInput(event, change) {
  const a = attributesOf(event);
  const [input] = values(a.input);
  change(input);
  a.input = payloadsOf(input);
}

function swapped(json, first, second) {
  const i = json.events.indexOf(first);
  const j = json.events.indexOf(second);
  [json.events[i], json.events[j]] = [json.events[j], json.events[i]];
  return renumber(json);
}

/** Edits one event's attributes: the mutant in one line. */
const edit = (find, change) => (json) => {
  const event = find(json);
  if (!event) return undefined;
  change(attributesOf(event), event, json);
  return json;
};

const anyStep = (json) => activity(json, 'executeStep');
const firstEmit = (json) => activity(json, 'emitEvent', (input) => input.eventType === 'RunStarted');

export const mutants = {
  'activity type changed': edit(anyStep, (a) => (a.activityType.name = 'executeStepV2')),
  'input: eventType changed': edit(
    (json) => activity(json, 'emitEvent', (input) => input.eventType === 'StepCompleted'),
    (_a, event) => changeInput(event, (input) => (input.eventType = 'StepStarted')),
  ),
  'input: stepId changed': edit(anyStep, (_a, event) => changeInput(event, (input) => (input.step.stepId += 'x'))),
  'input: a member too many': edit(firstEmit, (_a, event) => changeInput(event, (input) => (input.payload = {}))),
  'input: a member missing': edit(
    (json) => activity(json, 'saveRunMetadata'),
    (_a, event) => changeInput(event, (input) => delete input.providerRunId),
  ),
  'input: planRef hash changed': edit(
    (json) => activity(json, 'fetchPlan'),
    (_a, event) => changeInput(event, (input) => (input.sha256 = input.sha256.replace(/^./, (c) => (c === '0' ? '1' : '0')))),
  ),
  'input of the execution changed': edit(
    (json) => json.events[0],
    (_a, event) => changeInput(event, (input) => (input.ctx.tenantId += 'x')),
  ),
  'result: the plan is another': edit(
    (json) => {
      const fetch = activity(json, 'fetchPlan');
      return fetch && closeOf(json, fetch);
    },
    (a) => {
      const [plan] = values(a.result);
      plan.metadata.fallbackBehavior = 'degrade';
      a.result = payloadsOf(plan);
    },
  ),
  'result: a step of another name': edit(
    (json) => {
      const step = anyStep(json);
      const close = step && closeOf(json, step);
      return close && shortType(close) === 'ActivityTaskCompleted' ? close : undefined;
    },
    (a) => {
      const [value] = values(a.result);
      a.result = payloadsOf({ ...value, stepId: `${value.stepId}x` });
    },
  ),
  // Not where a native cancel may have made the result meaningless.
  'result: COMPLETED becomes FAILED': edit(
    (json) => {
      const step = typed(json, 'WorkflowExecutionCancelRequested') ? undefined : anyStep(json);
      const close = step && closeOf(json, step);
      return close && shortType(close) === 'ActivityTaskCompleted' ? close : undefined;
    },
    (a) => {
      const [value] = values(a.result);
      a.result = payloadsOf({ ...value, status: 'FAILED' });
    },
  ),
  'result of a void activity': edit(
    (json) => {
      const emit = firstEmit(json);
      return emit && closeOf(json, emit);
    },
    (a) => (a.result = payloadsOf({ eventId: 'x' })),
  ),
  'result of the run changed': edit(
    (json) => typed(json, 'WorkflowExecutionCompleted'),
    (a) => {
      const [value] = values(a.result);
      a.result = payloadsOf({ ...value, status: value.status === 'COMPLETED' ? 'FAILED' : 'COMPLETED' });
    },
  ),
  'start-to-close timeout changed': edit(anyStep, (a) => (a.startToCloseTimeout = '1801s')),
  'schedule-to-close timeout added': edit(anyStep, (a) => (a.scheduleToCloseTimeout = '86400s')),
  'schedule-to-start timeout added': edit(anyStep, (a) => (a.scheduleToStartTimeout = '86400s')),
  'heartbeat timeout changed': edit(anyStep, (a) => (a.heartbeatTimeout = '77s')),
  'retry policy: one attempt more': edit(anyStep, (a) => (a.retryPolicy.maximumAttempts += 1)),
  'retry policy: another coefficient': edit(anyStep, (a) => (a.retryPolicy.backoffCoefficient = 2.5)),
  'retry policy: non-retryable type missing': edit(anyStep, (a) => delete a.retryPolicy.nonRetryableErrorTypes),
  'retry policy: another interval': edit(anyStep, (a) => (a.retryPolicy.maximumInterval = '61s')),
  'another task queue': edit(anyStep, (a) => (a.taskQueue.name = 'tq-elsewhere')),
  'wrong activityId': edit(anyStep, (a) => (a.activityId = String(Number(a.activityId) + 1))),
  'attempt changed': edit(
    (json) => typed(json, 'ActivityTaskStarted', (a) => Number(a.attempt) === 1),
    (a) => (a.attempt = 2),
  ),
  'started before its backoff': edit(
    (json) => typed(json, 'ActivityTaskStarted', (a) => Number(a.attempt) > 1),
    (a, event, json) => (event.eventTime = eventAt(json, a.scheduledEventId).eventTime),
  ),
  'closed before it started': edit(
    (json) => typed(json, 'ActivityTaskCompleted'),
    (a, event, json) => (event.eventTime = json.events[0].eventTime),
  ),
  'scheduledEventId of another activity': edit(
    (json) => {
      const [, second] = json.events.filter((event) => shortType(event) === 'ActivityTaskCompleted');
      return second;
    },
    (a, _event, json) => (a.scheduledEventId = typed(json, 'ActivityTaskScheduled').eventId),
  ),
  'startedEventId wrong': edit(
    (json) => typed(json, 'ActivityTaskCompleted'),
    (a) => (a.startedEventId = String(Number(a.startedEventId) - 1)),
  ),
  'workflowTaskCompletedEventId wrong': edit(anyStep, (a) => (a.workflowTaskCompletedEventId = String(Number(a.workflowTaskCompletedEventId) - 1))),
  'order of two steps of a layer swapped': (json) => {
    const steps = json.events.filter((event) => shortType(event) === 'ActivityTaskScheduled' && attributesOf(event).activityType.name === 'executeStep');
    const second = steps.find((event, index) => index > 0 && Number(event.eventId) === Number(steps[index - 1].eventId) + 1);
    if (!second) return undefined;
    const first = eventAt(json, Number(second.eventId) - 1);
    const ids = [attributesOf(first).activityId, attributesOf(second).activityId];
    const broken = swapped(json, first, second);
    attributesOf(second).activityId = ids[0];
    attributesOf(first).activityId = ids[1];
    return broken;
  },
  'order of two activities swapped': (json) => {
    const [first, second] = json.events.filter((event) => shortType(event) === 'ActivityTaskScheduled' && attributesOf(event).activityType.name !== 'fetchPlan');
    if (!second) return undefined;
    for (const key of ['activityType', 'input']) [attributesOf(first)[key], attributesOf(second)[key]] = [attributesOf(second)[key], attributesOf(first)[key]];
    return json;
  },
  'an event removed': (json) => {
    const event = typed(json, 'ActivityTaskStarted');
    if (!event) return undefined;
    json.events = json.events.filter((other) => other !== event);
    return json;
  },
  'ActivityTaskStarted removed, ids closed up': (json) => {
    const event = typed(json, 'ActivityTaskStarted');
    return event && without(json, event);
  },
  'an activity removed with its events': (json) => {
    const scheduled = activity(json, 'emitEvent', (input) => input.eventType === 'StepStarted');
    const close = scheduled && closeOf(json, scheduled);
    if (!close) return undefined;
    return without(json, scheduled, eventAt(json, attributesOf(close).startedEventId), close);
  },
  'a completion removed': (json) => {
    const close = typed(json, 'ActivityTaskCompleted');
    return close && without(json, close);
  },
  'a workflow task removed': (json) => {
    const completed = json.events.filter((event) => shortType(event) === 'WorkflowTaskCompleted')[1];
    if (!completed) return undefined;
    const a = attributesOf(completed);
    return without(json, eventAt(json, a.scheduledEventId), eventAt(json, a.startedEventId), completed);
  },
  'an event twice': (json) => {
    const at = json.events.findIndex((event) => shortType(event) === 'ActivityTaskCompleted');
    if (at < 0) return undefined;
    json.events.splice(at, 0, structuredClone(json.events[at]));
    return renumber(json);
  },
  'cut after a workflow task': (json) => {
    const tasks = json.events.filter((event) => shortType(event) === 'WorkflowTaskCompleted');
    if (tasks.length < 3) return undefined;
    json.events.length = Number(tasks.at(-2).eventId);
    return json;
  },
  'cut after an activity started': (json) => {
    const started = json.events.filter((event) => shortType(event) === 'ActivityTaskStarted').at(-1);
    if (!started) return undefined;
    json.events.length = Number(started.eventId);
    return json;
  },
  'cut after an activity closed': (json) => {
    const close = json.events.filter((event) => isActivityClose(shortType(event))).at(-2);
    if (!close) return undefined;
    json.events.length = Number(close.eventId);
    return json;
  },
  'cut after commands were written': (json) => {
    const scheduled = json.events.filter((event) => shortType(event) === 'ActivityTaskScheduled').at(-2);
    if (!scheduled) return undefined;
    json.events.length = Number(scheduled.eventId);
    return json;
  },
  'the closing event removed': (json) => {
    if (!isClosing(shortType(json.events.at(-1)))) return undefined;
    json.events.pop();
    return json;
  },
  'something after the closing event': (json) => {
    if (!isClosing(shortType(json.events.at(-1)))) return undefined;
    json.events.push({ ...structuredClone(typed(json, 'WorkflowTaskScheduled')), eventId: String(json.events.length + 1), taskId: '99999999' });
    return json;
  },
  'completed becomes failed': (json) => {
    const last = json.events.at(-1);
    if (shortType(last) !== 'WorkflowExecutionCompleted') return undefined;
    last.eventType = 'EVENT_TYPE_WORKFLOW_EXECUTION_FAILED';
    last.workflowExecutionFailedEventAttributes = { failure: { message: 'x', applicationFailureInfo: { type: 'X' } }, workflowTaskCompletedEventId: last.workflowExecutionCompletedEventAttributes.workflowTaskCompletedEventId };
    delete last.workflowExecutionCompletedEventAttributes;
    return json;
  },
  // Only signals with an effect: one that left no trace (known faults 2 and 5) can be lost without a trace too.
  'signal removed': (json) => {
    const signal = effective(json, 'resume', 'RunResumed');
    return signal && without(json, signal);
  },
  'signal renamed': edit(
    (json) => effective(json, 'pause', 'RunPaused'),
    (a) => (a.signalName = 'resume'),
  ),
  'signal unknown': edit(
    (json) => typed(json, 'WorkflowExecutionSignaled'),
    (a) => (a.signalName = 'stop'),
  ),
  'signal moved to the start': (json) => {
    const signal = effective(json, 'pause', 'RunPaused');
    if (!signal) return undefined;
    json.events = json.events.filter((event) => event !== signal);
    json.events.splice(1, 0, signal);
    return renumber(json);
  },
  'continue-as-new: another layer': edit(
    (json) => typed(json, 'WorkflowExecutionContinuedAsNew'),
    (_a, event) => changeInput(event, (input) => (input.resumeFromLayerIndex += 1)),
  ),
  'continue-as-new: count not raised': edit(
    (json) => typed(json, 'WorkflowExecutionContinuedAsNew'),
    (_a, event) => changeInput(event, (input) => (input.continuedAsNewCount -= 1)),
  ),
  'continue-as-new: threshold forgotten': edit(
    (json) => typed(json, 'WorkflowExecutionContinuedAsNew'),
    (_a, event) => changeInput(event, (input) => delete input.continueAsNewAfterLayerCount),
  ),
  'continue-as-new: another next run id': edit(
    (json) => typed(json, 'WorkflowExecutionContinuedAsNew'),
    (a) => (a.newExecutionRunId = '00000000-0000-4000-8000-000000000000'),
  ),
  'timeout of another type': edit(
    (json) => typed(json, 'ActivityTaskTimedOut', (a) => a.failure.timeoutFailureInfo.timeoutType === 'TIMEOUT_TYPE_START_TO_CLOSE'),
    (a) => (a.failure.timeoutFailureInfo.timeoutType = 'TIMEOUT_TYPE_SCHEDULE_TO_START'),
  ),
  'failure becomes retryable': edit(
    (json) => typed(json, 'ActivityTaskFailed', (a) => a.retryState === 'RETRY_STATE_NON_RETRYABLE_FAILURE'),
    (a) => {
      a.failure.applicationFailureInfo = { type: 'transient_error' };
    },
  ),
  'cancel request removed': (json) => {
    const request = typed(json, 'WorkflowExecutionCancelRequested');
    return request && without(json, request);
  },
  'attributes under another name': (json) => {
    const event = typed(json, 'ActivityTaskCompleted');
    if (!event) return undefined;
    event.activityTaskFailedEventAttributes = event.activityTaskCompletedEventAttributes;
    delete event.activityTaskCompletedEventAttributes;
    return json;
  },
  'a field misspelt': edit(
    (json) => typed(json, 'ActivityTaskScheduled'),
    (a) => {
      a.scheduleToClosetimeout = a.scheduleToCloseTimeout;
      delete a.scheduleToCloseTimeout;
    },
  ),
  'an unknown enum value': edit(
    (json) => typed(json, 'WorkflowTaskScheduled'),
    (a) => (a.taskQueue.kind = 'TASK_QUEUE_KIND_COMMON'),
  ),
  'eventId a number': (json) => {
    json.events[2].eventId = Number(json.events[2].eventId);
    return json;
  },
};
