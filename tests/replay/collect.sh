#!/usr/bin/env bash
# collect.sh DVTSIM OUT SCENARIO…: runs each scenario with recorded histories and exports them for replay.mjs:
# OUT/NAME/{histories/,known.json,scenario.yaml}. NAME is the file's name; `FILE@SEED` runs it with another seed.
set -euo pipefail

dvtsim=$1
out=$2
shift 2
for entry in "$@"; do
  file=${entry%@*}
  seed=()
  name=$(basename "$file" .yaml)
  if [[ $entry == *@* ]]; then
    seed=(--seed "${entry##*@}")
    name+=-${entry##*@}
  fi
  dir=$out/$name
  rm -rf "$dir"
  mkdir -p "$dir"
  # Whether the scenario's assertions hold is the scenario test's business, under its own seed.
  status=0
  "$dvtsim" run "$file" "${seed[@]}" --record histories --out "$dir/run" -q >"$dir/run.log" 2>&1 || status=$?
  if [[ $status -ne 0 && $status -ne 3 ]]; then
    cat "$dir/run.log"
    echo "$entry: dvtsim run exited with $status" >&2
    exit 1
  fi
  "$dvtsim" export temporal-history "$dir/run" --all -o "$dir/histories"
  cp "$dir/run/scenario.yaml" "$dir/scenario.yaml"
  # Runs without a summary are open.
  sqlite3 -json "$dir/run/run.db" "SELECT h.run_id, h.chain, h.events, COALESCE(s.outcome, 'open') AS outcome
    FROM history h LEFT JOIN run_summary s ON s.run_no = h.run_no AND h.child = 0 ORDER BY h.run_no, h.child, h.chain" >"$dir/known.json"
done
