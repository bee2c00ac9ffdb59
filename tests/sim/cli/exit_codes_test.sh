#!/usr/bin/env bash
# The command line's answers: exit codes, and what it says of words that it does not know. exit_codes_test.sh DVTSIM
# SCENARIOS
set -uo pipefail

dvtsim=$1
scenarios=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

expect() { # STATUS PATTERN ARGUMENT…
  local wanted=$1 pattern=$2 status=0
  shift 2
  "$dvtsim" "$@" >"$work/said" 2>&1 || status=$?
  if [[ $status -ne $wanted ]] || ! grep -qE -- "$pattern" "$work/said"; then
    echo "dvtsim $*: exit $status, wanted $wanted and /$pattern/; it said:"
    head -20 "$work/said"
    failed=1
  fi
}

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
touch "$work/mine"
expect 2 "holds 'abort.yaml'|holds 'fail.yaml'|holds 'mine'|holds 'said'" run "$hello" --out "$work"
expect 0 dvtsim version
exit $failed
