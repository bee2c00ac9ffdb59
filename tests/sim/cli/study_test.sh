#!/usr/bin/env bash
# study, sweep, compare and search from the command line: exit codes, and that jobs and shards change nothing.
# study_test.sh DVTSIM SCENARIOS
set -uo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
busy=$scenarios/studies/busy.yaml

# A folder holds other YAML too; a file that is named must be a scenario.
mkdir "$work/folder"
cp "$scenarios/hello.yaml" "$scenarios/studies/replicas.yaml" "$work/folder"
expect 0 '1 passed, 0 failed, 1 skipped' test "$work/folder"
expect 2 'a Study holds many runs' test "$work/folder/replicas.yaml"
echo 'kind: [' >"$work/folder/broken.yaml"
expect 2 'broken.yaml:2' test "$work/folder"

short=(--set duration=30s --set warmup=5s)
expect 0 'passed: 3 of 3' study "$busy" "${short[@]}" --seeds 1..3
expect 3 'passed: 0 of 2' study "$busy" "${short[@]}" --seeds 1..2 --set 'assertions=[runs.started == 0]'
expect 0 'topology.projector.replicas=4' sweep "$busy" "${short[@]}" --seeds 1..2 --vary 'topology.projector.replicas=[3, 4]'
expect 2 'sweep: expected --vary' sweep "$busy"
expect 2 'did you mean' study "$busy" --vary 'topology.projector.replica=[3]'
expect 2 'did you mean runs.failed' study "$busy" --measure runs.faild
expect 2 'a Study holds many runs' run "${busy%busy.yaml}replicas.yaml"
expect 0 'replicas.yaml: ok' check "${busy%busy.yaml}replicas.yaml"
expect 2 'has no `compare`' compare "$busy"
expect 3 'nothing in the range suffices' search "$busy" "${short[@]}" --minimise topology.projector.replicas --in 1..3 \
  --such-that 'runs.started == 0'
expect 7 'could not be decided' search "$busy" "${short[@]}" --minimise topology.projector.replicas --in 1..3 \
  --such-that 'runs.failed == 0' --seeds 1..2
expect 0 'explain study.KEY|study' explain study
expect 0 'Runs of a cell at most' explain study.replications.max

sed 's/rate: 17/rate: 9/' "$busy" >"$work/calm.yaml"
expect 0 'calm against busy' compare "$busy" "$work/calm.yaml" "${short[@]}" --seeds 1..4 --measure runs.started
grep -qE 'runs.started +4 +-.*differs' "$work/said" || { echo "half the rate makes no difference:"; cat "$work/said"; failed=1; }

"$dvtsim" study "$busy" "${short[@]}" --seeds 1..5 -q --output json >"$work/one.json"
"$dvtsim" study "$busy" "${short[@]}" --seeds 1..5 -j 4 -q --output json >"$work/four.json"
cmp "$work/one.json" "$work/four.json" || failed=1
for shard in 1 2 3; do "$dvtsim" study "$busy" "${short[@]}" --seeds 1..5 -q --shard $shard/3 --out "$work/$shard" >/dev/null; done
"$dvtsim" study merge "$work"/3 "$work"/1 "$work"/2 -q --output json >"$work/merged.json"
cmp "$work/one.json" "$work/merged.json" || failed=1
exit $failed
