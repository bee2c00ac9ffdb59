#!/usr/bin/env bash
# The fingerprint covers what happened and nothing about how it was kept: the same for memory, :memory: and file
# stores, with and without an output folder, progress or text output (design §3).
# same_fingerprint.sh DVTSIM SCENARIO
set -euo pipefail

dvtsim=$(realpath "$1") scenario=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

run_json "$dvtsim" "$scenario" "$work/wanted" --store :memory:
wanted=$(fingerprint_of "$work/wanted")

again() { # NAME ARGUMENT…
  local name=$1 found
  shift
  run_json "$dvtsim" "$scenario" "$work/found" "$@"
  found=$(fingerprint_of "$work/found")
  if [[ $found != "$wanted" ]]; then
    echo "$name: fingerprint $found instead of $wanted"
    return 1
  fi
  echo "same fingerprint: $name"
}

again 'memory store' --store memory
again 'file store' --store "$work/store.db"
again 'output folder' --out "$work/out"
again 'output folder and memory store' --store memory --out "$work/out-memory"
again 'quiet' -q
again 'verbose' -v

for kept in "$work/store.db" "$work/out/run.db" "$work/out/result.json"; do
  [[ -s $kept ]] || { echo "$kept was not written, so the comparison proves nothing"; exit 1; }
done

run_json "$dvtsim" "$scenario" "$work/found" --seed 987654321
if [[ $(fingerprint_of "$work/found") == "$wanted" ]]; then
  echo 'another seed has the same fingerprint: it covers nothing'
  exit 1
fi
