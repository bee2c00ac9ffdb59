#!/usr/bin/env bash
# From a bare Debian 12 to a verdict: installs what is missing, builds a release into build/quick and runs the main
# scenario. Arguments go to `dvtsim run`, for example: sim/quickstart.sh --seed 7 --out /tmp/day
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build="$root/build/quick"
binary="$build/sim/cli/dvtsim"
scenario="$root/tests/scenarios/phase1-day.yaml"

"$root/sim/install_packages.sh" build

if [[ ! -f "$build/build.ninja" ]]; then
  echo "configuring ${build#"$root"/}" >&2
  mkdir -p "$build"
  if ! meson setup "$build" "$root" -Dbuildtype=release -Dtests=false -Dbench=false >"$build/setup.log" 2>&1; then
    cat "$build/setup.log" >&2
    exit 1
  fi
fi

# A first build takes minutes, so say that it runs; with nothing to do ninja --quiet says nothing.
[[ -x "$binary" ]] || echo "building (the first time takes a few minutes)" >&2
if [[ -t 2 && ! -x "$binary" ]]; then
  ninja -C "$build" sim/cli/dvtsim >&2
else
  ninja --quiet -C "$build" sim/cli/dvtsim | sed '/^ninja: no work to do\.$/d' >&2
fi

status=0
"$binary" run "$scenario" "$@" || status=$?

cat >&2 <<END

The binary: $binary
Next, for example:
  $binary explain scenario
  $binary run $scenario --seed 7 --output json
  $binary test $root/tests/scenarios
END
exit "$status"
