// dvtsim's own history checker as a judge beside the others: `dvtsim import temporal --check`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const kFilesPerCall = 100;

/** Breaches by file, or undefined when a file could not even be read. */
function ask(dvtsim, files) {
  const { status, stdout, stderr, error } = spawnSync(dvtsim, ['--output', 'json', 'import', 'temporal', '--check', ...files], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (error) throw error;
  if (status === 2) return { unreadable: stderr.trim().split('\n')[0] };
  if (status !== 0 && status !== 5) throw new Error(`${dvtsim} import temporal --check exited with ${status}: ${stderr}`);
  return { breaches: JSON.parse(stdout).histories.map((history) => history.breaches) };
}

/** Map name → [text] for items {name, json}. */
export function check(dvtsim, items) {
  const told = new Map();
  const dir = mkdtempSync(join(tmpdir(), 'dvtsim-replay-'));
  try {
    const files = items.map((item, index) => {
      const file = join(dir, `${index}.json`);
      writeFileSync(file, JSON.stringify(item.json));
      return file;
    });
    const tell = (first, count) => {
      const answer = ask(dvtsim, files.slice(first, first + count));
      if (answer.breaches) {
        answer.breaches.forEach((breaches, index) =>
          told.set(items[first + index].name, breaches.map(({ rule, event, message }) => `${rule} at event ${event}: ${message}`)),
        );
      } else if (count === 1) {
        told.set(items[first].name, [`unreadable: ${answer.unreadable}`]);
      } else {
        for (let at = first; at < first + count; ++at) tell(at, 1);
      }
    };
    for (let first = 0; first < items.length; first += kFilesPerCall) tell(first, Math.min(kFilesPerCall, items.length - first));
  } finally {
    rmSync(dir, { recursive: true });
  }
  return told;
}
