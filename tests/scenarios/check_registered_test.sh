#!/bin/sh
# The registration check trips on each kind of mistake. check_registered_test.sh CHECK_SCRIPT
set -eu

check=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

expect() { # WANTED_STATUS WANTED_TEXT WHAT
  status=0
  said=$("$check" "$folder" 2>&1) || status=$?
  if [ "$status" -ne "$1" ] || ! printf '%s\n' "$said" | grep -qF -- "$2"; then
    echo "$3: exit $status, said: $said"
    failed=1
  fi
}

mkdir "$folder/sub"
echo 'metadata: {name: a}' >"$folder/a.yaml"
echo 'metadata: {name: b, tier: full}' >"$folder/sub/b.yaml"
printf '# comment\na.yaml quick\n\nsub/b.yaml full  # comment\n' >"$folder/registered.txt"
expect 0 '' 'a complete list'

echo 'metadata: {name: c}' >"$folder/sub/c.yaml"
expect 1 'sub/c.yaml is not registered' 'an unregistered file'
rm "$folder/sub/c.yaml"

echo 'gone.yaml quick' >>"$folder/registered.txt"
expect 1 'gone.yaml does not exist' 'a missing file'

printf 'a.yaml quick\na.yaml quick\nsub/b.yaml full\n' >"$folder/registered.txt"
expect 1 'a.yaml stands there 2 times' 'a file registered twice'

printf 'a.yaml quick\nsub/b.yaml quick\n' >"$folder/registered.txt"
expect 1 'registered as quick and calls itself full' 'another tier than its own'

printf 'a.yaml sometimes\nsub/b.yaml full\n' >"$folder/registered.txt"
expect 1 "found 'sometimes'" 'an unknown tier'

exit $failed
