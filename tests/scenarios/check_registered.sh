#!/bin/sh
# Fails if a scenario file below FOLDER is not in FOLDER/registered.txt, if a registered one is missing or stands there
# twice, or if the tier it names for itself is another than the registered one. check_registered.sh FOLDER
set -eu

folder=$1
status=0
complain() {
  echo "tests/scenarios/$*" >&2
  status=1
}

lines=$(sed -e 's/#.*//' "$folder/registered.txt" | awk 'NF > 0')
present=$(cd "$folder" && find . -type f \( -name '*.yaml' -o -name '*.yml' \) | sed 's|^\./||' | LC_ALL=C sort)

for file in $present; do
  count=$(printf '%s\n' "$lines" | awk -v file="$file" '$1 == file { n++ } END { print n + 0 }')
  [ "$count" -ne 0 ] || complain "$file is not registered: add a line to tests/scenarios/registered.txt"
  [ "$count" -le 1 ] || complain "registered.txt: $file stands there $count times"
done

while read -r file tier rest; do
  [ -n "$file" ] || continue
  case $tier in
    quick | full | nightly | input) ;;
    *) complain "registered.txt: $file: expected quick, full, nightly or input, found '$tier'" ;;
  esac
  [ -z "$rest" ] || complain "registered.txt: $file: nothing may follow the tier, found '$rest'"
  if [ ! -f "$folder/$file" ]; then
    complain "registered.txt: $file does not exist"
  elif [ "$tier" != input ]; then
    own=$(grep -v '^ *#' "$folder/$file" | grep -oE '\btier: *[a-z]+' | head -n 1 | sed 's/.*: *//')
    [ "${own:-quick}" = "$tier" ] || complain "registered.txt: $file is registered as $tier and calls itself ${own:-quick}"
  fi
done <<END
$lines
END

exit $status
