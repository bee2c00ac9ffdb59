#!/usr/bin/env bash
# Installs what the tests need, builds and runs them. Tiers (design §10):
#   tests/run.sh             tier 1, at most 10 minutes on 2 cores
#   tests/run.sh --full      and formatting, sanitizers, clang-16, builds compared byte by byte, SDK replay, Prometheus, long scenarios, clang-tidy
#   tests/run.sh --nightly   and what takes hours
#   --also STEP              tier 1 and this step of --full (may be repeated)
#   --budget MINUTES         steps that no longer fit are skipped, saying so (CI)
# The last line is `N passed, N failed, N skipped`: GoogleTest cases, other tests and checks, as their runners told.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
results=build/test-results.txt
jobs=$(nproc)
export PYTHONDONTWRITEBYTECODE=1

tally() { python3 tests/tally.py "$results" "$@"; }
say() { printf '\n== %s\n' "$*"; }

# configure FOLDER COMPILER OPTION…: a build directory below build/, set up anew when the options changed. The
# compiler `default` is Meson's choice (g++ on Debian).
configure() {
  local folder=build/$1 compiler=$2
  shift 2
  if [[ -f $folder/build.ninja && $(cat "$folder/options.txt" 2>/dev/null) == "$compiler $*" ]]; then return 0; fi
  rm -rf "$folder"
  mkdir -p "$folder"
  local environment=()
  if [[ $compiler != default ]]; then
    environment=("CXX=$(command -v ccache >/dev/null && echo 'ccache ')$compiler")
  fi
  if ! env "${environment[@]}" meson setup "$folder" "$@" >"$folder/setup.log" 2>&1; then
    cat "$folder/setup.log"
    return 1
  fi
  echo "$compiler $*" >"$folder/options.txt"
}

# Several steps use these two.
configure_release() { configure release default -Dbuildtype=release; }
configure_clang() { configure clang clang++-16 -Dbuildtype=release -Dbench=false; }

build() { # FOLDER TARGET…
  local folder=build/$1
  shift
  ninja --quiet -C "$folder" "$@" | sed '/^ninja: no work to do\.$/d'
}

# run_suite LABEL FOLDER MESON_TEST_ARGUMENT…
run_suite() {
  local label=$1 folder=build/$2 status=0
  shift 2
  # A test that crashes writes no XML; an older one must not speak for it.
  rm -f "$folder"/*.xml
  rm -f "$folder/meson-logs/$label.json" "$folder/meson-logs/$label.junit.xml"
  meson test -C "$folder" --no-rebuild --print-errorlogs --logbase "$label" "$@" </dev/null || status=$?
  if [[ ! -f $folder/meson-logs/$label.json ]]; then
    tally add failed "$label" "meson test exited with $status and ran nothing"
    return 1
  fi
  tally meson "$label" "$folder/meson-logs/$label"
  return "$status"
}

# missing_tool STEP PROGRAM PACKAGE: records the skip and is true if the program is not there.
missing_tool() {
  command -v "$2" >/dev/null && return 1
  tally add skipped "$1" "$2 is not here: package $3 is missing"
}

sources() { find engine adapters store sim tests -type f \( -name '*.h' -o -name '*.cpp' \) | LC_ALL=C sort; }

# --- steps; each is run as `tests/run.sh --step NAME`, so that a time limit can end it whole ---

step_tier1() {
  configure_release
  build release
  run_suite tier1 release --suite tier1
}

step_format() {
  missing_tool format clang-format clang-format && return 0
  # The formatter's version decides the format; another one would argue about every file.
  if ! clang-format --version | grep -q 'version 14\.'; then
    tally add skipped format "clang-format is not version 14: package clang-format of Debian 12 is missing"
    return 0
  fi
  sources | xargs -r clang-format --dry-run -Werror
  tally add passed format ''
}

step_sanitizers() {
  configure sanitized default -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Dbench=false
  build sanitized
  ASAN_OPTIONS=detect_leaks=1:strict_init_order=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    run_suite sanitizers sanitized --suite tier1 --no-suite scripts --timeout-multiplier 8
}

step_clang() {
  missing_tool clang clang++-16 clang-16 && return 0
  configure_clang
  build clang
  run_suite clang clang --suite tier1 --no-suite scripts --no-suite source
}

step_builds() {
  missing_tool builds clang++-16 clang-16 && return 0
  configure_release
  configure_clang
  configure unoptimised default -Dbuildtype=plain -Doptimization=0 -Dtests=false -Dbench=false
  build unoptimised sim/cli/dvtsim
  build release sim/cli/dvtsim
  build clang sim/cli/dvtsim
  local scenario
  for scenario in hello pause-under-backlog worker-crash projector-stall phase1-day; do
    if tests/determinism/compare_builds.sh g++=build/release/sim/cli/dvtsim clang-16=build/clang/sim/cli/dvtsim \
      g++-O0=build/unoptimised/sim/cli/dvtsim -- "tests/scenarios/$scenario.yaml"; then
      tally add passed "builds: $scenario" ''
    else
      tally add failed "builds: $scenario" 'the builds give different bytes'
    fi
  done
}

step_long() {
  run_suite long release --suite full
}

# Recently changed files first: when the time is up, the ones left out are those that stood longest.
tidy_order() {
  { git log -n 30 --name-only --format= -- '*.cpp' 2>/dev/null || true; sources | grep '\.cpp$'; } |
    grep -v '^tests/' | awk '!seen[$0]++' | while read -r file; do [[ -f $file ]] && echo "$file"; done
}

step_tidy() {
  missing_tool tidy clang-tidy-16 clang-tidy-16 && return 0
  missing_tool tidy clang++-16 clang-16 && return 0
  configure_clang
  local minutes=${DVTSIM_TIDY_MINUTES:-15} all log=build/clang/tidy
  all=$(tidy_order)
  rm -rf "$log"
  mkdir -p "$log"
  export log root
  # shellcheck disable=SC2016  # expanded by the inner shell
  timeout "${minutes}m" xargs -r -P "$jobs" -I{} bash -c '
    name=${1//\//_}
    if clang-tidy-16 -p build/clang --quiet "$1" >"$log/$name.txt" 2>/dev/null; then mv "$log/$name.txt" "$log/$name.good"
    else mv "$log/$name.txt" "$log/$name.bad"; fi' _ {} <<<"$all" || true
  local good bad left
  good=$(find "$log" -name '*.good' | wc -l)
  bad=$(find "$log" -name '*.bad' -size +0 | wc -l)
  left=$(($(wc -l <<<"$all") - good - bad))
  find "$log" -name '*.bad' -size +0 -exec cat {} +
  if [[ $bad -gt 0 ]]; then
    tally add failed tidy "clang-tidy complains about $bad files"
  elif [[ $good -gt 0 ]]; then
    tally add passed "tidy: $good files" ''
  fi
  [[ $left -eq 0 ]] || tally add skipped tidy "$left files were not reached in $minutes minutes"
  [[ $bad -eq 0 ]]
}

# Real Temporal SDK against exported histories (tests/replay).
step_sdk() {
  missing_tool sdk node nodejs && return 0
  missing_tool sdk npm npm && return 0
  configure_release
  build release sim/cli/dvtsim
  local status=0 checks=build/replay/sdk/checks.tsv outcome name why
  rm -f "$checks"
  tests/replay/run.sh build/release/sim/cli/dvtsim build/replay || status=$?
  if [[ $status -eq 3 ]]; then
    tally add skipped sdk 'the npm registry does not answer: package @temporalio/worker is missing'
    return 0
  fi
  if [[ -f $checks ]]; then
    while IFS=$'\t' read -r outcome name why; do tally add "$outcome" "sdk: $name" "$why"; done <"$checks"
  fi
  return "$status"
}

# A real Prometheus evaluates the exported rules over the exported series (tests/prometheus).
step_prometheus() {
  missing_tool prometheus prometheus prometheus && return 0
  missing_tool prometheus promtool prometheus && return 0
  configure_release
  build release sim/cli/dvtsim tests/prometheus/evaluate
  local scenario status=0
  local scenarios=(alert-storm projector-stall pause-under-backlog worker-crash rules/own-rules rules/fault-rich-day)
  [[ ${1:-} == month ]] && scenarios=(rules/month-of-bursts)
  for scenario in "${scenarios[@]}"; do
    if tests/prometheus/parity.py build/release/sim/cli/dvtsim build/release/tests/prometheus/evaluate \
      "tests/scenarios/$scenario.yaml"; then
      tally add passed "prometheus: $scenario" ''
    else
      tally add failed "prometheus: $scenario" 'samples, values, verdicts or firings differ'
      status=1
    fi
  done
  return "$status"
}

# Thirty days of bursts: the corrected rules' pages are false in at most one case of twenty, the documents' are not.
step_backtest() {
  local month=tests/scenarios/rules/month-of-bursts.yaml set wanted status
  for set in corrected upstream; do
    wanted=0 status=0
    [[ $set == corrected ]] || wanted=3
    build/release/sim/cli/dvtsim backtest "$month" --set "alerts.ruleSets=[$set]" --seeds 1..6 -j 2 -q || status=$?
    if [[ $status -eq $wanted ]]; then
      tally add passed "backtest: $set" ''
    else
      tally add failed "backtest: $set" "exit status $status, expected $wanted"
    fi
  done
}

step_nightly() {
  local file tier
  step_prometheus month || true
  step_backtest
  if grep -q '^[^#]* nightly' tests/scenarios/registered.txt; then
    run_suite nightly release --suite nightly
  else
    tally add skipped nightly 'no scenario of tier nightly is registered'
  fi
  sed -e 's/#.*//' tests/scenarios/registered.txt >build/scenarios.txt
  while read -r file tier _; do
    [[ -n $file && $tier != input ]] || continue
    if tests/determinism/same_bytes.sh build/release/sim/cli/dvtsim "tests/scenarios/$file"; then
      tally add passed "same bytes: $file" ''
    else
      tally add failed "same bytes: $file" 'see the log'
    fi
  done <build/scenarios.txt
}

# --- the order of things ---

checkout_state() { git status --porcelain 2>/dev/null || true; }

# take NAME MINUTES: runs a step if it fits into the budget; MINUTES is about what it takes on 2 cores, 0 for always.
take() {
  local name=$1 minutes=$2 began=$SECONDS failures status=0 limit=()
  if [[ $budget -gt 0 ]]; then
    local left=$((budget - SECONDS / 60))
    if [[ $left -lt $minutes ]]; then
      say "$name: skipped, it takes about $minutes minutes and $left are left"
      tally add skipped "$name" "takes about $minutes minutes, $left of the budget of $budget were left"
      return 0
    fi
    # Past the budget a step may end what it began, but not for long.
    limit=(timeout --kill-after=30 "$((left + 10))m")
  fi
  say "$name"
  failures=$(grep -c '^failed' "$results" || true)
  "${limit[@]}" "$0" --step "$name" || status=$?
  if [[ $status -ne 0 && $(grep -c '^failed' "$results" || true) -eq $failures ]]; then
    tally add failed "$name" "exit status $status$([[ $status -ne 124 ]] || echo ', out of time')"
  fi
  say "$name: $((SECONDS - began)) s$([[ $status -eq 0 ]] || echo ', failed')"
}

usage() {
  sed -n '2,8s/^# \{0,1\}//p' "$0"
}

tier=1
budget=0
also=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --full) tier=2 ;;
    --nightly) tier=3 ;;
    --budget)
      budget=${2:-}
      if [[ ! $budget =~ ^[1-9][0-9]*$ ]]; then
        echo '--budget wants minutes' >&2
        exit 2
      fi
      shift
      ;;
    --also)
      also+=("${2:?}")
      shift
      ;;
    --step)
      "step_${2:?}"
      exit
      ;;
    -h | --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      exit 2
      ;;
  esac
  shift
done

mkdir -p build
: >"$results"
sim/install_packages.sh test
if [[ $tier -ge 2 || ${#also[@]} -gt 0 ]]; then
  # What cannot be installed is skipped below by name, and fails there in CI.
  sim/install_packages.sh full || true
fi
before=$(checkout_state)

take tier1 0
if [[ $tier -ge 2 ]]; then
  take format 1
  take sanitizers 12
  take clang 10
  take builds 5
  take sdk 6
  take prometheus 5
  take long 8
  take tidy 8
fi
for step in "${also[@]}"; do take "$step" 10; done
[[ $tier -lt 3 ]] || take nightly 30

after=$(checkout_state)
if [[ $after != "$before" ]]; then
  tally add failed 'clean checkout' "was '$before', is '$after'"
fi
say "results after $((SECONDS / 60)) min $((SECONDS % 60)) s"
tally close
