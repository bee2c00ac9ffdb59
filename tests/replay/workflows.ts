// runPlanWorkflow for the real SDK: the production interpreter's contract (domain §6) written a second time, in
// TypeScript, against the contract and not after engine/plan/layers_workflow.cpp. A history that dvtsim recorded must
// replay here command by command. Known faults 1 to 7 (domain §19) are part of the contract and of this code.
import {
  ActivityFailure,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

import { planLayers } from './layers.ts';
import type {
  ContinuedStatus,
  EmitEventInput,
  ExecuteStepInput,
  Plan,
  PlanRef,
  RunPlanInput,
  RunPlanResult,
  SaveRunMetadataInput,
  Step,
  StepResult,
} from './contracts.ts';

const activities = proxyActivities<{
  saveRunMetadata(input: SaveRunMetadataInput): Promise<void>;
  emitEvent(input: EmitEventInput): Promise<void>;
  fetchPlan(ref: PlanRef): Promise<Plan>;
  executeStep(input: ExecuteStepInput): Promise<StepResult>;
}>({
  startToCloseTimeout: '30m',
  retry: {
    initialInterval: '1s',
    backoffCoefficient: 2,
    maximumInterval: '60s',
    maximumAttempts: 3,
    nonRetryableErrorTypes: ['PermanentStepError'],
  },
});

const pause = defineSignal('pause');
const resume = defineSignal('resume');
const cancel = defineSignal<[string?]>('cancel');
const status = defineQuery<ContinuedStatus>('status');

/** Leaves the interpreter when a continue-as-new is due: the SDK's own exception must not meet our catch. */
class DueForContinueAsNew {
  constructor(readonly nextLayerIndex: number) {}
}

export async function runPlanWorkflow(input: RunPlanInput): Promise<RunPlanResult> {
  const { ctx, planRef } = input;
  const continuedAsNewCount = input.continuedAsNewCount ?? 0;
  const layersPerExecution = input.continueAsNewAfterLayerCount ?? 0;
  let paused = false;
  let cancelled = false;
  let cancelReason: string | undefined;

  setHandler(pause, () => {
    paused = true;
  });
  setHandler(resume, () => {
    paused = false;
  });
  setHandler(cancel, (reason) => {
    cancelled = true;
    cancelReason = reason;
  });
  setHandler(status, () => ({
    status: cancelled ? 'CANCELLED' : paused ? 'PAUSED' : 'RUNNING',
    cancelReason,
    continuedAsNewCount,
  }));

  const emit = (eventType: string, stepId?: string): Promise<void> =>
    activities.emitEvent(stepId === undefined ? { ctx, planRef, eventType } : { ctx, planRef, eventType, stepId });

  let runStarted = false; // the log holds RunStarted
  let ending = false; // the event of the run's end was asked for
  const end = async (eventType: string, word: RunPlanResult['status']): Promise<RunPlanResult> => {
    ending = true;
    await emit(eventType);
    return { runId: ctx.runId, status: word, continuedAsNewCount };
  };

  // An activity that failed for good counts as a failed step; a cancellation of the workflow does not.
  const execute = async (step: Step): Promise<boolean> => {
    try {
      return (await activities.executeStep({ step, ctx })).status === 'COMPLETED';
    } catch (error) {
      if (isCancellation(error) || !(error instanceof ActivityFailure)) throw error;
      return false;
    }
  };

  const interpret = async (): Promise<RunPlanResult | DueForContinueAsNew> => {
    if (continuedAsNewCount === 0) {
      await activities.saveRunMetadata({
        tenantId: ctx.tenantId,
        projectId: ctx.projectId,
        environmentId: ctx.environmentId,
        runId: ctx.runId,
        planId: planRef.planId,
        planVersion: planRef.planVersion,
        provider: 'temporal',
        providerWorkflowId: ctx.runId,
        providerRunId: ctx.runId,
      });
      await emit('RunStarted');
    }
    runStarted = true;
    const layers = planLayers((await activities.fetchPlan(planRef)).steps);
    const first = input.resumeFromLayerIndex ?? 0;
    for (let at = first; at < layers.length; ++at) {
      if (cancelled) return end('RunCancelled', 'CANCELLED');
      if (paused) {
        await emit('RunPaused');
        await condition(() => !paused || cancelled);
        if (cancelled) return end('RunCancelled', 'CANCELLED');
        await emit('RunResumed');
      }
      for (const step of layers[at]) await emit('StepStarted', step.stepId);
      const completed = await Promise.all(layers[at].map(execute));
      for (let i = 0; i < layers[at].length; ++i) {
        if (!completed[i]) {
          await emit('StepFailed', layers[at][i].stepId);
          return end('RunFailed', 'FAILED');
        }
        await emit('StepCompleted', layers[at][i].stepId);
      }
      const next = at + 1;
      if (layersPerExecution > 0 && next - first >= layersPerExecution && next < layers.length) {
        return new DueForContinueAsNew(next);
      }
    }
    return end('RunCompleted', 'COMPLETED');
  };

  let outcome: RunPlanResult | DueForContinueAsNew;
  try {
    outcome = await interpret();
  } catch (error) {
    // What nobody foresaw (a plan that cannot be fetched or is invalid, an event that cannot be written) is told as
    // RunFailed as well as it can be, unless the run has not begun or its end was being told; after a native cancel the
    // SDK refuses even that. Then an ActivityFailure fails the execution and any other error fails the workflow task,
    // which the server retries (known fault 4).
    if (runStarted && !ending) await emit('RunFailed').catch(() => undefined);
    throw error;
  }
  if (!(outcome instanceof DueForContinueAsNew)) return outcome;
  return continueAsNew<typeof runPlanWorkflow>({
    ...input,
    continueAsNewAfterLayerCount: layersPerExecution,
    resumeFromLayerIndex: outcome.nextLayerIndex,
    continuedAsNewCount: continuedAsNewCount + 1,
  });
}
