#!/usr/bin/env bash
# backtest and review from the command line: what decides, the exit codes, and that jobs change nothing.
# backtest_test.sh DVTSIM SCENARIOS
set -uo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

cd "$work" || exit 1  # paths of --set start here
cat >"$work/stall.yaml" <<'END'
apiVersion: dvtsim/v1
kind: Scenario
metadata: {name: stall}
duration: 25m
warmup: 1m
workload:
  plans: {p: {synthetic: {steps: 3, layers: 2, kind: dbt, size: small}}}
  arrivals: {process: poisson, rate: 30/m}
faults:
  stall: {kind: stall, target: projector, at: 5m, for: 7m}
alerts: {ruleSets: [], files: [rules.yaml]}
END
cat >"$work/rules.yaml" <<'END'
groups:
- name: pages
  rules:
  - {alert: Lag, expr: 'max(dvt_projection_lag_events) > 100 and max(dvt_projection_lag_seconds) > 1', for: 1m, labels: {severity: page}}
- name: noise
  rules:
  - {alert: AnyLag, expr: 'max(dvt_projection_lag_events) > 2', labels: {severity: ticket}}
END
# Six firings, none of them false: below 50 % beyond doubt, not below 5 %.
expect 0 'rules/Lag +page +6 +6 +6 +0 +0 ' backtest "$work/stall.yaml" --seeds 1..6 --limit 50% -q -o "$work/one.json"
expect 7 'decide nothing at 5.0 %' backtest "$work/stall.yaml" --seeds 1..6 -q
expect 0 '' backtest "$work/stall.yaml" --seeds 1..6 --limit 50% -q -j 2 -o "$work/two.json"
cmp "$work/one.json" "$work/two.json" || { echo "jobs change the result"; failed=1; }
# A page that cries wolf fails its set.
sed 's/severity: ticket/severity: page/' "$work/rules.yaml" >"$work/loud.yaml"
expect 3 'loud +failed' backtest "$work/stall.yaml" --seeds 1..3 -q --set 'alerts.files=[loud.yaml]'
expect 3 '"verdict": "failed"' backtest "$work/stall.yaml" --seeds 1..3 -q --set 'alerts.files=[loud.yaml]' --output json
expect 2 'nosuch.yaml: cannot be opened' backtest "$work/stall.yaml" --set 'alerts.files=[nosuch.yaml]'
expect 2 'expected A..B|expected' backtest "$work/stall.yaml" --seeds x
expect 2 '--limit x' backtest "$work/stall.yaml" --limit x
expect 0 'loud/AnyLag .* for ' review "$work/stall.yaml" --seeds 1..3 -q --set 'alerts.files=[loud.yaml]'
expect 0 'loud/Lag .* keep' review "$work/stall.yaml" --seeds 1..3 -q --set 'alerts.files=[loud.yaml]'

# A broken rule file is refused with its place, by every command.
sed 's/expr/exp/' "$work/rules.yaml" >"$work/broken.yaml"
for command in check run backtest review; do
  expect 2 'broken.yaml:4:.*unknown key "exp" \(did you mean "expr"' "$command" "$work/stall.yaml" \
    --set 'alerts.files=[broken.yaml]'
done

# What a run exports: its own rules, promtool tests, dashboards, one metric.
"$dvtsim" run "$scenarios/rules/own-rules.yaml" -q --store memory --out "$work/run" >/dev/null || failed=1
expect 0 "alert: 'WriteLatencyHigh'" export rules "$work/run"
expect 0 'keep_firing_for: 10m' export rules "$work/run"
expect 2 'expected -o DIRECTORY' export promtool-tests "$work/run"
expect 0 'rules, [0-9]+ checks' export promtool-tests "$work/run" -o "$work/tests"
grep -q 'exp_labels: {objective: "statestore-write", rule_set: "sre-rules", severity: "page"}' "$work/tests/tests.yaml" ||
  { echo "no page is expected in tests.yaml"; failed=1; }
expect 0 '' export grafana "$work/run" -o "$work/boards"
for board in objectives executive operations developer; do
  python3 -m json.tool "$work/boards/dvtsim-$board.json" >/dev/null || { echo "$board is no JSON"; failed=1; }
done
expect 0 '^dvt_projection_gaps_total' export openmetrics "$work/run" --metric dvt_projection_gaps_total
expect 2 'did you mean dvt_projection_gaps_total' export openmetrics "$work/run" --metric dvt_projection_gap_total
if "$dvtsim" export openmetrics "$work/run" --metric dvt_projection_gaps_total | grep -q '^dvt_[^p]'; then
  echo "another metric was exported"
  failed=1
fi
exit "$failed"
