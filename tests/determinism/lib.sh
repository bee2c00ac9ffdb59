# Shared by the determinism tests: runs a scenario and keeps what must repeat. Sourced by bash scripts that have set
# `work`, a scratch folder.

# run_json DVTSIM SCENARIO OUT [ENV=VALUE… --] [ARGUMENT…]: the run's JSON into OUT, without its one value that may
# differ (wall_seconds). Verdicts may be good or bad (exit 0, 3, 4, 5, 7); anything else fails the test.
run_json() {
  local dvtsim=$1 scenario=$2 out=$3 status=0
  shift 3
  local environment=()
  while [[ $# -gt 0 && $1 == *=* && $1 != -* ]]; do
    environment+=("$1")
    shift
  done
  [[ ${1:-} != -- ]] || shift
  env "${environment[@]}" "$dvtsim" run "$scenario" --output json "$@" >"$out.raw" 2>"$out.err" </dev/null || status=$?
  case $status in
    0 | 3 | 4 | 5 | 7) ;;
    *)
      echo "dvtsim run $scenario ${environment[*]} $* exited with $status:"
      tail -n 20 "$out.err"
      return 1
      ;;
  esac
  if [[ $(grep -c '"wall_seconds"' "$out.raw") -ne 1 ]]; then
    echo "dvtsim run $scenario: expected exactly one wall_seconds in the JSON"
    return 1
  fi
  sed -E 's/("wall_seconds": *)[0-9.eE+-]+/\1"-"/' "$out.raw" >"$out"
}

# fingerprint_of JSON_FILE: prints it; fails if there is none.
fingerprint_of() {
  local found
  found=$(sed -nE 's/.*"fingerprint": *"?([0-9a-zA-Z]+)"?.*/\1/p' "$1" | head -n 1)
  if [[ -z $found ]]; then
    echo "no fingerprint in $1" >&2
    return 1
  fi
  echo "$found"
}

# expect_same_bytes WANTED FOUND WHAT
expect_same_bytes() {
  if ! cmp -s "$1" "$2"; then
    echo "$3: the JSON differs:"
    tr ',' '\n' <"$1" >"$1.lines"
    tr ',' '\n' <"$2" >"$2.lines"
    diff "$1.lines" "$2.lines" | head -n 20
    return 1
  fi
}
