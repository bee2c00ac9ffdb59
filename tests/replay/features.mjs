// What a history shows, told from its events alone: the rows of the feature table.
import { duration, instant, isActivityClose, isClosing, read, values } from './history.mjs';

const emitted = (h) => h.of('ActivityTaskScheduled').filter(({ a }) => a.activityType?.name === 'emitEvent').map(({ a }) => values(a.input)[0].eventType);
const steps = (h) => h.of('ActivityTaskScheduled').filter(({ a }) => a.activityType?.name === 'executeStep');
const signals = (h, name) => h.of('WorkflowExecutionSignaled').filter(({ a }) => a.signalName === name);
const start = (h, close) => h.events[Number(close.a.startedEventId) - 1];
const scheduled = (h, event) => h.events[Number(event.a.scheduledEventId) - 1];
const timedOut = (type) => (h) => h.of('ActivityTaskTimedOut').some(({ a }) => a.failure?.timeoutFailureInfo?.timeoutType === type);
const result = (h) => (h.last.type === 'WorkflowExecutionCompleted' ? values(h.last.a.result)[0].status : undefined);
const taskFailed = (cause) => (h) => h.of('WorkflowTaskFailed').some(({ a }) => a.cause === `WORKFLOW_TASK_FAILED_CAUSE_${cause}`);
const taskTimedOut = (type) => (h) => h.of('WorkflowTaskTimedOut').some(({ a }) => a.timeoutType === type);
const isOpen = (h) => !isClosing(h.last.type);
const counts = (h) => h.of('WorkflowExecutionStarted').map(() => values(h.events[0].a.input)[0].continuedAsNewCount ?? 0)[0];

/** Layers of parallel steps: executeStep scheduled by one workflow task. */
const widest = (h) => {
  const by = new Map();
  for (const { a } of steps(h)) by.set(a.workflowTaskCompletedEventId, (by.get(a.workflowTaskCompletedEventId) ?? 0) + 1);
  return Math.max(0, ...by.values());
};

/** Written after something that happened later: the flush puts closes of activities behind everything else. */
const reordered = (h) =>
  h.events.some((event, index) => {
    if (!isActivityClose(event.type)) return false;
    for (let at = index - 1; at >= 0; --at) {
      const before = h.events[at];
      if (before.type.startsWith('WorkflowTask')) return false;
      if (before.type === 'WorkflowExecutionSignaled' && instant(before.time) > instant(event.time)) return true;
    }
    return false;
  });

const ordinary = new Set(['WorkflowExecutionStarted', 'WorkflowTaskScheduled', 'WorkflowTaskStarted', 'WorkflowTaskCompleted', 'ActivityTaskScheduled', 'ActivityTaskStarted', 'ActivityTaskCompleted', 'WorkflowExecutionCompleted']);

/** name → does this history show it? */
export const features = {
  'plain run': (h) => result(h) === 'COMPLETED' && h.events.every(({ type }) => ordinary.has(type)) && widest(h) === 1,
  'parallel layer': (h) => widest(h) > 1,
  'activity retried and completed': (h) => h.of('ActivityTaskCompleted').some((close) => Number(start(h, close).a.attempt) > 1),
  'retries exhausted': (h) => h.of('ActivityTaskFailed').some(({ a }) => a.retryState === 'RETRY_STATE_MAXIMUM_ATTEMPTS_REACHED'),
  'non-retryable failure': (h) => h.of('ActivityTaskFailed').some(({ a }) => a.retryState === 'RETRY_STATE_NON_RETRYABLE_FAILURE'),
  'timeout: start-to-close': timedOut('TIMEOUT_TYPE_START_TO_CLOSE'),
  'timeout: schedule-to-start': timedOut('TIMEOUT_TYPE_SCHEDULE_TO_START'),
  'timeout: schedule-to-close': timedOut('TIMEOUT_TYPE_SCHEDULE_TO_CLOSE'),
  'timeout: heartbeat': timedOut('TIMEOUT_TYPE_HEARTBEAT'),
  'heartbeats keep an activity alive': (h) =>
    h.of('ActivityTaskCompleted').some((close) => {
      const limit = duration(scheduled(h, close).a.heartbeatTimeout);
      return limit > 0n && instant(close.time) - instant(start(h, close).time) > limit;
    }),
  'pause and resume': (h) => emitted(h).includes('RunResumed'),
  'pause and resume within a layer: no trace': (h) => signals(h, 'resume').length > 0 && !emitted(h).includes('RunPaused') && !isOpen(h),
  'pause lost at continue-as-new': (h) => h.last.type === 'WorkflowExecutionContinuedAsNew' && signals(h, 'pause').length > emitted(h).filter((type) => type === 'RunPaused').length && signals(h, 'resume').length < signals(h, 'pause').length,
  'cancel by signal': (h) => signals(h, 'cancel').length > 0 && result(h) === 'CANCELLED',
  'cancel by signal while paused': (h) => signals(h, 'cancel').length > 0 && result(h) === 'CANCELLED' && emitted(h).at(-2) === 'RunPaused',
  'cancel by signal, too late': (h) => signals(h, 'cancel').length > 0 && result(h) === 'COMPLETED',
  'native cancel': (h) => h.last.type === 'WorkflowExecutionCanceled',
  'native cancel while paused': (h) => h.last.type === 'WorkflowExecutionCanceled' && emitted(h).at(-1) === 'RunPaused' && h.of('ActivityTaskCancelRequested').length === 0,
  'native cancel of running activities': (h) => h.last.type === 'WorkflowExecutionCanceled' && h.of('ActivityTaskCancelRequested').length > 0,
  'native cancel, too late': (h) => h.of('WorkflowExecutionCancelRequested').length > 0 && h.last.type === 'WorkflowExecutionCompleted',
  'terminated': (h) => h.last.type === 'WorkflowExecutionTerminated',
  'terminated in a workflow task (FORCE_CLOSE_COMMAND)': taskFailed('FORCE_CLOSE_COMMAND'),
  'continued as new': (h) => h.last.type === 'WorkflowExecutionContinuedAsNew',
  'last of a chain of three or more': (h) => counts(h) >= 2 && isClosing(h.last.type) && h.last.type !== 'WorkflowExecutionContinuedAsNew',
  'workflow task timed out (start-to-close)': taskTimedOut('TIMEOUT_TYPE_START_TO_CLOSE'),
  'workflow task failed (the code threw)': taskFailed('WORKFLOW_WORKER_UNHANDLED_FAILURE'),
  'UNHANDLED_COMMAND': taskFailed('UNHANDLED_COMMAND'),
  'sticky fallback (schedule-to-start)': taskTimedOut('TIMEOUT_TYPE_SCHEDULE_TO_START'),
  'buffered events reordered': reordered,
  'run failed by a step': (h) => result(h) === 'FAILED',
  'workflow failed by an activity': (h) => h.last.type === 'WorkflowExecutionFailed',
  'open at the end': isOpen,
  'plan of 200 steps': (h) => steps(h).length >= 200,
};

/** The names of the features that a history shows. */
export function featuresOf(json) {
  const h = read(json);
  return Object.keys(features).filter((name) => features[name](h));
}
