#!/usr/bin/env bash
# Builds of different compilers and optimisation levels give the same bytes (design §3).
# compare_builds.sh NAME=DVTSIM NAME=DVTSIM… -- SCENARIO…      The first build is what the others are compared with.
set -euo pipefail

names=() binaries=()
while [[ $# -gt 0 && $1 != -- ]]; do
  names+=("${1%%=*}")
  binaries+=("$(realpath "${1#*=}")")
  shift
done
shift
if [[ ${#names[@]} -lt 2 || $# -eq 0 ]]; then
  echo 'usage: compare_builds.sh NAME=DVTSIM NAME=DVTSIM… -- SCENARIO…' >&2
  exit 2
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

failed=0
for scenario in "$@"; do
  run_json "${binaries[0]}" "$scenario" "$work/wanted"
  for ((i = 1; i < ${#names[@]}; i++)); do
    if run_json "${binaries[i]}" "$scenario" "$work/found" &&
      expect_same_bytes "$work/wanted" "$work/found" "$(basename "$scenario"): ${names[i]} against ${names[0]}"; then
      echo "same bytes: $(basename "$scenario"): ${names[i]} and ${names[0]}"
    else
      failed=1
    fi
  done
done
exit $failed
