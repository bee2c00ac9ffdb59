#!/usr/bin/env bash
# The command line's answers: exit codes, and what it says of words that it does not know. exit_codes_test.sh DVTSIM
# SCENARIOS
set -uo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

hello=$scenarios/hello.yaml
{ cat "$hello" && echo '  - {expect: runs.completed == 0, abortOnFail: true}'; } >"$work/abort.yaml"
{ cat "$hello" && echo '  - runs.completed == 0'; } >"$work/fail.yaml"

expect 0 PASSED run "$hello"
expect 3 FAILED run "$work/fail.yaml"
expect 4 'ABORTED .*ended at' run "$work/abort.yaml"
expect 2 'unknown subcommand "runn" \(did you mean "run"\?\)' runn "$hello"
expect 2 'unknown option "--sed" \(did you mean "--seed"\?\)' run "$hello" --sed 3
expect 2 'seed: expected .*-1' run "$hello" --seed -1
expect 2 'cannot be opened' run "$work/none.yaml"
expect 2 'unknown key \(did you mean "stateStore"\?\)' run "$hello" --set topology.stateStor.writeLatency=40ms
expect 2 'the unit is missing' run "$hello" --set topology.stateStore.writeLatency=40
expect 2 'exists already' run "$hello" --store "$work/fail.yaml"
expect 2 'disk-full.yaml:[0-9]+:[0-9]+: faults.full.target: disk faults need .*found .*backend: memory' \
  run "$scenarios/disk-full.yaml" --store memory
expect 2 'disk faults need .*commit: batched' run "$scenarios/disk-full.yaml" --commit batched
expect 2 'disk faults need .*backend: :memory:' check "$scenarios/disk-full.yaml" --set "topology.stateStore.backend=':memory:'"
expect 0 PASSED run "$scenarios/disk-full.yaml" --store "$work/kept.db" --set topology.stateStore.backend=memory
expect 0 'sound' audit "$work/kept.db"
rm "$work"/kept.db*
touch "$work/mine"
expect 2 "holds 'abort.yaml'|holds 'fail.yaml'|holds 'mine'|holds 'said'" run "$hello" --out "$work"
expect 0 dvtsim version

# While somebody else has the directory, a run leaves it alone.
mkdir "$work/taken"
flock "$work/taken" -c "'$dvtsim' run '$hello' -q --out '$work/taken'" >"$work/said" 2>&1
[[ $? -eq 2 ]] && grep -q 'another run is writing there' "$work/said" && [[ -z $(ls "$work/taken") ]] ||
  { echo "two runs wrote to one directory"; failed=1; }

# A result that nobody can read is no success.
status=0
"$dvtsim" run "$hello" -q >/dev/full 2>"$work/said" || status=$?
[[ $status -eq 1 ]] && grep -q 'could not be written to stdout' "$work/said" || { echo "a full stdout: exit $status"; failed=1; }

# Files that plans name are opened and read by check: errors stand at the key that names the file.
plans() { # FILE LINE… — hello.yaml with these plans
  local file=$1
  shift
  { sed '/^workload:/,$d' "$hello"; printf 'workload:\n  plans:\n'; printf '    %s\n' "$@"
    printf '  arrivals: {runs: 1}\nwarehouses:\n  bq: {kinds: [dbt], concurrency: 1, duration: {small: 1s}}\n'; } >"$file"
}
plan='{"metadata": {"planId": "p", "planVersion": "1", "schemaVersion": "v1.2"}, "steps": [%s]}'
# shellcheck disable=SC2059
printf "$plan" '{"stepId": "a", "kind": "dbt"}' >"$work/good.json"
# shellcheck disable=SC2059
printf "$plan" '{"stepId": "a", "kind": "dbt", "dependsOn": ["b"]}' >"$work/dangling.json"
# shellcheck disable=SC2059
printf "$plan" '{"stepId": "a", "kind": "dbr"}' >"$work/kind.json"
printf '{"metadata": ' >"$work/cut.json"
plans "$work/plans.yaml" 'good: {file: good.json}'
expect 0 ok check "$work/plans.yaml"
plans "$work/plans.yaml" 'p: {file: none.json}'
expect 2 'plans.yaml:[0-9]+:15: workload.plans.p.file: cannot open .*none.json: No such file' check "$work/plans.yaml"
plans "$work/plans.yaml" 'p: {file: dangling.json}' 'q: {file: kind.json}' 'r: {file: cut.json}'
expect 2 'plans.p.file: .*dangling.json: .*unknown_dependency:a->b' check "$work/plans.yaml"
expect 2 'plans.q.file: .*kind.json: step a: no warehouse runs kind "dbr" .did you mean "dbt"' check "$work/plans.yaml"
expect 2 'plans.r.file: .*cut.json: ' check "$work/plans.yaml"
expect 2 'plans.r.file: .*cut.json: ' run "$work/plans.yaml"
plans "$work/plans.yaml" 'd: {dbt: {manifest: good.json}}' 'e: {dbt: {manifest: none.json, runResults: gone.json}}'
expect 2 'plans.d.dbt.manifest: .*good.json: ' check "$work/plans.yaml"
expect 2 'plans.e.dbt.manifest: cannot open' check "$work/plans.yaml"
expect 2 'plans.e.dbt.runResults: cannot open .*gone.json' check "$work/plans.yaml"
exit $failed
