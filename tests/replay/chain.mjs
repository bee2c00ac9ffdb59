// Judges a run's executions together, and with what the run's database says of it: the links of the continue-as-new
// chain, what is handed on, that nothing is cut off, and how the run ended.

import { isClosing, read, same, values } from './history.mjs';

/** `executions`: [{name, chain, json}] of one workflow id; `known`: {outcome, executions: {chain: events}} of the
 *  run's database, if there is one. Returns problems by name: Map name → [text]. */
export function judgeChain(executions, known) {
  const problems = new Map(executions.map(({ name }) => [name, []]));
  const sorted = [...executions].sort((a, b) => a.chain - b.chain).map((one) => ({ ...one, h: read(one.json) }));
  const bad = (one, what) => problems.get(one.name).push(what);
  sorted.forEach((one, index) => {
    const { h } = one;
    const started = h.events[0]?.a ?? {};
    if (one.chain !== index) bad(one, `execution ${one.chain} of the chain, ${index} is due`);
    const before = sorted[index - 1];
    if (before) linked(before, one, started, bad);
    else if (started.continuedExecutionRunId !== undefined || started.firstExecutionRunId !== started.originalExecutionRunId)
      bad(one, 'is not the first execution');
    const last = index === sorted.length - 1;
    if (!last && h.last?.type !== 'WorkflowExecutionContinuedAsNew') bad(one, 'did not continue as new, but another execution follows');
    if (last && h.last?.type === 'WorkflowExecutionContinuedAsNew') bad(one, 'continued as new, but no execution follows');
    if (known) {
      const events = known.executions[one.chain];
      if (events !== h.events.length) bad(one, `${h.events.length} events, the run's database says ${events}`);
    }
  });
  if (known) ended(sorted.at(-1), known, bad);
  return problems;
}

function linked(before, one, started, bad) {
  const handed = before.h.last?.a ?? {};
  const [input] = values(started.input);
  if (handed.newExecutionRunId !== started.originalExecutionRunId) bad(one, `run id ${started.originalExecutionRunId}, the execution before named ${handed.newExecutionRunId}`);
  if (started.continuedExecutionRunId !== before.h.runId) bad(one, `continuedExecutionRunId ${started.continuedExecutionRunId}, expected ${before.h.runId}`);
  if (started.firstExecutionRunId !== before.h.events[0].a.firstExecutionRunId) bad(one, 'another firstExecutionRunId');
  if (handed.input && !same(values(handed.input), values(started.input))) bad(one, 'not started with what the execution before handed on');
  const [was] = values(before.h.events[0].a.input);
  const kept = ({ planRef, ctx }) => ({ planRef, ctx });
  if (!same(kept(input), kept(was))) bad(one, 'another planRef or ctx than before');
  if ((input.continuedAsNewCount ?? 0) !== (was.continuedAsNewCount ?? 0) + 1) bad(one, `continuedAsNewCount ${input.continuedAsNewCount}`);
  if (!(input.resumeFromLayerIndex > (was.resumeFromLayerIndex ?? 0))) bad(one, `resumeFromLayerIndex ${input.resumeFromLayerIndex}`);
}

const statuses = { completed: 'COMPLETED', failed: 'FAILED', cancelled: 'CANCELLED' };

function ended(one, known, bad) {
  const last = one.h.last;
  const open = !isClosing(last?.type ?? '');
  if ((known.outcome === 'open') !== open) return bad(one, `the run's database says '${known.outcome}', the history ends with ${last?.type}`);
  if (open) return undefined;
  const allowed = {
    completed: last.type === 'WorkflowExecutionCompleted',
    failed: ['WorkflowExecutionCompleted', 'WorkflowExecutionFailed', 'WorkflowExecutionTimedOut'].includes(last.type),
    cancelled: ['WorkflowExecutionCompleted', 'WorkflowExecutionCanceled'].includes(last.type),
    terminated: last.type === 'WorkflowExecutionTerminated',
  }[known.outcome];
  if (!allowed) bad(one, `the run's database says '${known.outcome}', the history ends with ${last.type}`);
  const status = last.type === 'WorkflowExecutionCompleted' ? values(last.a.result)[0]?.status : undefined;
  if (status !== undefined && statuses[known.outcome] !== status) bad(one, `the run's database says '${known.outcome}', the result ${status}`);
  return undefined;
}
