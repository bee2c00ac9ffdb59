#!/bin/sh
# The package check trips: with a line taken out of the list it fails and names the package.
# check_packages_test.sh CHECK_SCRIPT BUILD_DIR SOURCE_DIR
set -eu

check=$1 build=$2 source=$3
list=$(mktemp)
trap 'rm -f "$list" "$list.out"' EXIT

for package in libfmt-dev libsqlite3-dev; do
  grep -v "^[a-z]* $package\b" "$source/sim/packages.txt" >"$list"
  status=0
  "$check" "$build" "$source" "$list" >"$list.out" || status=$?
  if [ "$status" -eq 77 ]; then
    cat "$list.out"
    exit 77
  fi
  if [ "$status" -ne 1 ] || ! grep -q "package $package, not in section" "$list.out"; then
    echo "without $package in the list the check exited $status and said:"
    cat "$list.out"
    exit 1
  fi
done
