#!/usr/bin/env bash
# The determinism scripts trip: against a stand-in that repeats itself they pass, against one that reads the locale,
# the time zone, the processor, or fingerprints its store, they fail. scripts_test.sh
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
touch "$work/scenario.yaml"
failed=0

expect() { # STATUS FAKE SCRIPT ARGUMENT…
  local wanted=$1 fake=$2 script=$3 status=0
  shift 3
  FAKE=$fake "$here/$script" "$@" >"$work/said" 2>&1 || status=$?
  # 77: the locale could not be made; the other comparisons passed.
  [[ $status -eq 77 && $wanted -eq 0 ]] && status=0
  if [[ $status -ne $wanted ]]; then
    echo "$script with FAKE=$fake exited $status instead of $wanted and said:"
    cat "$work/said"
    failed=1
  fi
}

fake="$here/fake_dvtsim.sh"
expect 0 none same_bytes.sh "$fake" "$work/scenario.yaml"
for wrong in tz cpu seed crash; do expect 1 $wrong same_bytes.sh "$fake" "$work/scenario.yaml"; done
if localedef --no-archive -i de_DE -f UTF-8 "$work/de_DE.UTF-8" >/dev/null 2>&1; then
  expect 1 locale same_bytes.sh "$fake" "$work/scenario.yaml"
fi
expect 0 none same_fingerprint.sh "$fake" "$work/scenario.yaml"
for wrong in store out seed crash; do expect 1 $wrong same_fingerprint.sh "$fake" "$work/scenario.yaml"; done

printf '#!/bin/sh\nFAKE=none exec "%s" "$@"\n' "$fake" >"$work/one"
printf '#!/bin/sh\nFAKE=none exec "%s" "$@" --seed 2\n' "$fake" >"$work/two"
chmod +x "$work/one" "$work/two"
expect 0 none compare_builds.sh "a=$work/one" "b=$work/one" -- "$work/scenario.yaml"
expect 1 none compare_builds.sh "a=$work/one" "b=$work/one" "c=$work/two" -- "$work/scenario.yaml"
exit $failed
