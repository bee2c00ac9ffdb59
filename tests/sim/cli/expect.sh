# For the tests of this folder, to be sourced with the program and the scenarios as arguments: `expect`, and a folder
# `work` of the test's own. A test ends with `exit $failed`.
dvtsim=$(realpath "$1")
scenarios=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect STATUS PATTERN ARGUMENT…: runs dvtsim with the arguments; an empty pattern asks nothing of what it says.
expect() {
  local wanted=$1 pattern=$2 status=0
  shift 2
  "$dvtsim" "$@" >"$work/said" 2>&1 || status=$?
  if [[ $status -ne $wanted ]] || { [[ -n $pattern ]] && ! grep -qE -- "$pattern" "$work/said"; }; then
    echo "dvtsim $*: exit $status, wanted $wanted and /$pattern/; it said:"
    head -30 "$work/said"
    failed=1
  fi
}
