#!/usr/bin/env bash
# The proof that a real Temporal SDK accepts dvtsim's histories: run.sh DVTSIM WORK [SCENARIO…]. Installs the SDK below
# WORK (the checkout stays clean), runs the scenarios, exports their histories and judges them (replay.mjs). Without
# scenarios: all of tests/scenarios/replay, some more, and the demands on number and variety; with scenarios, these alone and
# without demands. WORK/sdk/result.json has everything. Exit 0 accepted, 1 not, 3 the npm registry did not answer.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dvtsim=$(realpath "$1")
mkdir -p "$2"
work=$(realpath "$2")
shift 2
sdk=$work/sdk

# The SDK and, beside it, a Node.js that it runs on: Debian 12's is too old for it, but good enough to install.
mkdir -p "$sdk"
cp "$here/package.json" "$here/package-lock.json" "$sdk/"
installed=$sdk/node_modules/.dvtsim-lock
if ! cmp -s "$sdk/package-lock.json" "$installed"; then
  echo "installing @temporalio/worker below $sdk" >&2
  if ! (cd "$sdk" && npm ci --no-audit --no-fund --loglevel=error >npm.log 2>&1); then
    tail -n 20 "$sdk/npm.log" >&2
    echo "npm could not install the SDK" >&2
    exit 3
  fi
  cp "$sdk/package-lock.json" "$installed"
fi
node=node
for own in "$sdk"/node_modules/node-linux-*/bin/node; do
  if [[ -x $own ]]; then node=$own; fi
done

cp "$here"/*.ts "$here"/*.mjs "$sdk/"
if [[ $# -eq 0 ]]; then
  set -- "$here"/../scenarios/replay/*.yaml "$here"/../scenarios/replay/workflow-tasks.yaml@{2,3} \
    "$here"/../scenarios/{dbt-project,pause-under-backlog}.yaml
  judge=()  # --missing 'FEATURE=REASON' would go here; a feature that is listed and turns up fails the check
else
  judge=(--least 0)
fi
rm -rf "$work/runs"
"$here/collect.sh" "$dvtsim" "$work/runs" "$@"
cd "$sdk"
"$node" replay.mjs --dvtsim "$dvtsim" "${judge[@]}" "$work"/runs/*
