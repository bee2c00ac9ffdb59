// Interceptors that write down what the workflow code asked for and was given during a replay. The replayer itself
// compares activity types and ids, and no more; compare.mjs holds the recording against the history.
import { proxySinks } from '@temporalio/workflow';
import type { Sinks, WorkflowInterceptorsFactory } from '@temporalio/workflow';

export interface RecorderSinks extends Sinks {
  recorder: { note(entry: Record<string, unknown>): void };
}

const { recorder } = proxySinks<RecorderSinks>();

function described(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error, message: String(error) };
  const more = error as Error & { type?: string; retryState?: string; timeoutType?: string; nonRetryable?: boolean };
  return {
    name: error.name,
    message: error.message,
    type: more.type,
    retryState: more.retryState,
    timeoutType: more.timeoutType,
    nonRetryable: more.nonRetryable,
    cause: error.cause === undefined ? undefined : described(error.cause),
  };
}

export const interceptors: WorkflowInterceptorsFactory = () => ({
  inbound: [
    {
      async execute(input, next) {
        recorder.note({ kind: 'started', args: input.args });
        try {
          const value = await next(input);
          recorder.note({ kind: 'returned', value });
          return value;
        } catch (error) {
          recorder.note({ kind: 'threw', error: described(error) });
          throw error;
        }
      },
      async handleSignal(input, next) {
        recorder.note({ kind: 'signal', name: input.signalName, args: input.args });
        await next(input);
      },
    },
  ],
  outbound: [
    {
      // The promise is passed on as it is: an extra turn of the microtask queue could reorder the code under test.
      scheduleActivity(input, next) {
        const { seq, activityType, args, options } = input;
        recorder.note({ kind: 'activity', seq, activityType, args, options });
        const answer = next(input);
        answer.then(
          (value) => recorder.note({ kind: 'resolved', seq, value }),
          (error) => recorder.note({ kind: 'rejected', seq, error: described(error) }),
        );
        return answer;
      },
      continueAsNew(input, next) {
        recorder.note({ kind: 'continueAsNew', args: input.args });
        return next(input);
      },
    },
  ],
});
