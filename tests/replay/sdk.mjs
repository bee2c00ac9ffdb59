// The real SDK's replayer, offline: bundles workflows.ts once and replays histories through one replay worker. For each
// history: the SDK's verdict and the recording of what the workflow code asked for (recorder.ts).
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

let bundle;
async function workflowBundle() {
  if (bundle) return bundle;
  // What the replayer complains about is its verdict; its logs would only repeat it.
  const logger = new DefaultLogger('ERROR', () => {});
  Runtime.install({ logger, telemetryOptions: { logging: { forward: {}, filter: 'OFF' } } });
  bundle = await bundleWorkflowCode({
    workflowsPath: here('./workflows.ts'),
    workflowInterceptorModules: [here('./recorder.ts')],
    logger,
  });
  return bundle;
}

/** Yields {name, error, recording} for each {name, json}; `error` is undefined when the SDK accepts the history. */
export async function* replayAll(histories) {
  const rest = [...histories];
  while (rest.length > 0) {
    let recording = [];
    const sinks = { recorder: { note: { fn: (_info, entry) => void recording.push(entry), callDuringReplay: true } } };
    let fed;
    function* feed() {
      while (rest.length > 0) {
        fed = rest.shift();
        recording = [];
        const workflowId = fed.json.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? 'none';
        yield { workflowId, history: fed.json };
      }
    }
    try {
      const results = Worker.runReplayHistories({ workflowBundle: await workflowBundle(), sinks }, feed());
      for await (const { error } of results) yield { name: fed.name, error, recording };
    } catch (error) {
      // A history that cannot even be read ends the worker; the next one gets a new worker.
      if (fed === undefined) throw error;
      yield { name: fed.name, error, recording };
    }
  }
}

/** The versions that judged, for the report. */
export function versions() {
  const { version } = JSON.parse(readFileSync(here('./node_modules/@temporalio/worker/package.json'), 'utf8'));
  return { worker: version, node: process.versions.node };
}
