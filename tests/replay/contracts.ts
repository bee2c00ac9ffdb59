// The shapes of domain §6, "Activity contracts".
export interface PlanRef {
  uri: string;
  sha256: string;
  schemaVersion: string;
  planId: string;
  planVersion: string;
  sizeBytes?: number;
}

export interface RunContext {
  tenantId: string;
  projectId: string;
  environmentId: string;
  runId: string;
  targetAdapter: string;
}

export interface Step {
  stepId: string;
  kind: string;
  dependsOn?: string[];
}

export interface Plan {
  metadata: Record<string, unknown>;
  steps: Step[];
}

export interface RunPlanInput {
  planRef: PlanRef;
  ctx: RunContext;
  continueAsNewAfterLayerCount?: number;
  resumeFromLayerIndex?: number;
  continuedAsNewCount?: number;
}

export interface RunPlanResult {
  runId: string;
  status: 'COMPLETED' | 'FAILED' | 'CANCELLED';
  continuedAsNewCount: number;
}

export interface SaveRunMetadataInput {
  tenantId: string;
  projectId: string;
  environmentId: string;
  runId: string;
  planId: string;
  planVersion: string;
  provider: 'temporal';
  providerWorkflowId: string;
  providerRunId: string;
}

export interface EmitEventInput {
  ctx: RunContext;
  planRef: PlanRef;
  eventType: string;
  stepId?: string;
  logicalAttemptId?: number;
}

export interface ExecuteStepInput {
  step: Step;
  ctx: RunContext;
}

export interface StepResult {
  stepId: string;
  status: 'COMPLETED' | 'FAILED';
  retriable?: boolean;
  error?: string;
}

/** The answer of query `status`. */
export interface ContinuedStatus {
  status: 'RUNNING' | 'PAUSED' | 'CANCELLED';
  cancelReason?: string;
  continuedAsNewCount: number;
}
