#!/usr/bin/env bash
# swarm and shrink from the command line. swarm_test.sh DVTSIM SCENARIOS
set -uo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
base=$scenarios/swarm/base.yaml

expect 0 '20 seeds, 20 fine' swarm "$base" --seeds 1..20 -j 2
expect 2 'needs workload.arrivals.rate' swarm "$scenarios/hello.yaml" --seeds 1..2
expect 7 'does not fail: there is nothing to shrink' shrink "$base" --swarm --seed 3

"$dvtsim" swarm "$base" --seeds 5..14 -q --output json >"$work/one.json"
"$dvtsim" swarm "$base" --seeds 5..14 -q -j 4 --output json >"$work/four.json"
cmp "$work/one.json" "$work/four.json" || failed=1

# A failing scenario becomes a small one that still fails, with the line that it came from.
expect 0 'still fails with 3: runs.failed == 0' shrink "$scenarios/traps/04-label-by-label.yaml" \
  --set 'assertions=[runs.failed == 0, runs.started > 0]' -o "$work/small.yaml" --time 20s
expect 3 'runs.failed == 0' run "$work/small.yaml"
grep -q '^# Fails with exit code 3' "$work/small.yaml" || { echo "the shrunk file does not say how it fails"; failed=1; }
exit $failed
