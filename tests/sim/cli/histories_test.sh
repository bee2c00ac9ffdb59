#!/usr/bin/env bash
# Histories from run to export to import: what is kept, written, refused and re-enacted. histories_test.sh DVTSIM SCENARIOS
set -euo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

"$dvtsim" run "$scenarios/hello.yaml" -q --record histories --out "$work/run" >/dev/null
"$dvtsim" run "$scenarios/hello.yaml" -q --out "$work/plain" >/dev/null
fingerprint() { grep -o '"fingerprint": "[0-9a-f]*"' "$1/result.json"; }
[[ $(fingerprint "$work/run") == "$(fingerprint "$work/plain")" ]] || { echo "recording changes the run"; failed=1; }

# Every execution in a file RUNID.N.json; one by its run's id, to stdout or a file, the same bytes.
expect 0 '' export temporal-history "$work/run" --all -o "$work/all"
file=$(ls "$work/all")
id=${file%.0.json}
[[ $file =~ ^[0-9a-f-]{36}\.0\.json$ ]] || { echo "unexpected file name $file"; failed=1; }
"$dvtsim" export temporal-history "$work/run" --run "$id" >"$work/stdout.json"
"$dvtsim" export temporal-history "$work/run" --run "$id.0" -o "$work/one.json"
cmp "$work/all/$file" "$work/stdout.json" || failed=1
cmp "$work/all/$file" "$work/one.json" || failed=1

expect 7 'holds no histories; run with --record histories' export temporal-history "$work/plain" --all -o "$work/none"
expect 2 "no such run in $work/run; did you mean $id" export temporal-history "$work/run" --run "${id%?}x"
expect 2 'expected either --run ID or --all' export temporal-history "$work/run"
expect 2 'expected -o DIRECTORY' export temporal-history "$work/run" --all
expect 2 'no run.db in there' export temporal-history "$work/all" --all -o "$work/none"
expect 2 'did you mean temporal-history' export temporal-histories "$work/run" --all
expect 2 'not there yet' export perfetto "$work/run"
expect 2 'add --out DIR' run "$scenarios/hello.yaml" --record histories

# Our own history keeps the rules; a copy without its first activity's start does not.
expect 0 'keeps the rules' import temporal --check "$work/one.json"
sed 's/"startedEventId":"6",//' "$work/one.json" >"$work/broken.json"
expect 5 'references-are-given at event 7 \(ActivityTaskCompleted\): startedEventId is missing' import temporal --check "$work/broken.json"
expect 2 'expected an object with an array of "events"' import temporal "$work/run/result.json"

# And comes back as a scenario that does the work again.
expect 0 'executeStep' import temporal "$work/one.json" -o "$work/again.yaml"
expect 0 '' check "$work/again.yaml"
expect 0 '1 passed' test "$work/again.yaml"

# Children's executions are kept as their run's is: a file each under their own run ids, all by the rules, and the
# parents' come back as scenarios.
"$dvtsim" run "$scenarios/children.yaml" -q --record histories --out "$work/family" >/dev/null
"$dvtsim" export temporal-history "$work/family" --all -o "$work/members"
runs=$(sed -n '/"started"/{s/.*"started": \([0-9]*\).*/\1/;p;q}' "$work/family/result.json")
mapfile -t parents < <(grep -L parentWorkflowExecution "$work/members"/*.json)
mapfile -t children < <(grep -l parentWorkflowExecution "$work/members"/*.json)
[[ $runs -gt 25 && ${#parents[@]} -eq $runs && ${#children[@]} -eq $((4 * runs)) ]] ||
  { echo "of $runs runs with four children each, ${#parents[@]} parents and ${#children[@]} children came"; failed=1; }
expect 0 'keeps the rules' import temporal --check "$work/members"/*.json
# Without the two emitEvent activities that make a run of it, a parent has no activities.
expect 0 'child workflow' import temporal "${parents[0]}" -o "$work/parent.yaml"
expect 0 '' check "$work/parent.yaml"
expect 0 '1 passed' test "$work/parent.yaml"
expect 0 'no activities' import temporal "${children[0]}" -o "$work/child.yaml"
expect 0 'counts.timers_fired == ' run "$work/child.yaml"
# Several arrive as they were started.
expect 0 'child workflow' import temporal "${parents[@]:0:3}" -o "$work/three.yaml"
expect 0 '✓ runs.started == 3' run "$work/three.yaml"
exit $failed
