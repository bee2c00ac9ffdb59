// Layers of a plan (domain §6): without any `dependsOn` one step a layer in declaration order, otherwise Kahn's
// frontiers, each in declaration order. Throws the production engine's schema errors, as plain errors.
import type { Step } from './contracts.ts';

function fail(what: string): never {
  throw new Error(`INVALID_PLAN_SCHEMA: ${what}`);
}

export function planLayers(steps: Step[]): Step[][] {
  const known = new Set<string>();
  for (const { stepId } of steps) {
    if (known.has(stepId)) fail(`duplicate_step_id:${stepId}`);
    known.add(stepId);
  }
  if (!steps.some((step) => Array.isArray(step.dependsOn))) return steps.map((step) => [step]);

  const waitingFor = new Map<string, Set<string>>();
  for (const { stepId, dependsOn } of steps) {
    for (const dependency of dependsOn ?? []) {
      if (typeof dependency !== 'string' || dependency === '') fail(`invalid_dependency_value:${stepId}`);
      if (!known.has(dependency)) fail(`unknown_dependency:${stepId}->${dependency}`);
      if (dependency === stepId) fail(`self_dependency:${stepId}`);
    }
    waitingFor.set(stepId, new Set(dependsOn));
  }
  const layers: Step[][] = [];
  let rest = steps;
  while (rest.length > 0) {
    const layer = rest.filter((step) => waitingFor.get(step.stepId)!.size === 0);
    if (layer.length === 0) fail('cyclic_dependencies_detected');
    layers.push(layer);
    rest = rest.filter((step) => !layer.includes(step));
    for (const step of rest) for (const done of layer) waitingFor.get(step.stepId)!.delete(done.stepId);
  }
  return layers;
}
