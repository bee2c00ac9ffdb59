#!/usr/bin/env bash
# `dvtsim audit`: a sound store, rows that somebody edited, removed or inserted with sqlite3, and files that are no store.
# audit_test.sh DVTSIM SCENARIOS
set -uo pipefail

. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
command -v sqlite3 >/dev/null || { echo "skipped: the program sqlite3 is not installed"; exit 77; }

"$dvtsim" run "$scenarios/hello.yaml" -q --store "$work/sound.db" >/dev/null || { echo "hello.yaml does not run"; exit 1; }
"$dvtsim" run "$scenarios/hello.yaml" -q --out "$work/out" >/dev/null

# As somebody would who wants to leave no trace: the triggers go, the row is changed, the triggers come back.
tamper() { # NAME SQL
  cp "$work/sound.db" "$work/$1.db"
  sqlite3 "$work/$1.db" "SELECT sql || ';' FROM sqlite_schema WHERE type = 'trigger'" >"$work/triggers.sql"
  sqlite3 "$work/$1.db" "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_schema WHERE type = 'trigger'" |
    sqlite3 "$work/$1.db"
  sqlite3 "$work/$1.db" "$2" || { echo "$1: sqlite3 refused"; failed=1; }
  sqlite3 "$work/$1.db" <"$work/triggers.sql"
}

columns='run_no, 1000, type, step_no, logical_attempt, engine_attempt, event_id, zeroblob(32), emitted_at_ns, persisted_at_ns'
last=$(sqlite3 "$work/sound.db" 'SELECT max(position) FROM event')
tamper edited "UPDATE event SET payload = '{\"rows\": 0}' WHERE position = 3"
tamper removed "DELETE FROM event WHERE position = 4; DELETE FROM outbox WHERE position = 4"
tamper removed-last "DELETE FROM event WHERE position = $last; DELETE FROM outbox WHERE position = $last"
tamper inserted "INSERT INTO event SELECT $last + 1, $columns, payload, row_hash FROM event WHERE position = 2"
tamper inserted-before "INSERT INTO event SELECT 0, $columns, payload, row_hash FROM event WHERE position = 2"
tamper snapshot "UPDATE snapshot SET state = zeroblob(12) WHERE snapshot_no = 1"
tamper run "DELETE FROM run WHERE run_no = 0"

expect 0 "sound \($last events" audit "$work/sound.db"
expect 0 sound audit "$work/out/run.db"
expect 5 '^event 3: .*edited' audit "$work/edited.db"
expect 5 '^event 4: .*removed' audit "$work/removed.db"
expect 5 "^event $last: .*removed" audit "$work/removed-last.db"
expect 5 "^event $((last + 1)): .*inserted" audit "$work/inserted.db"
expect 5 '^event 0: .*inserted' audit "$work/inserted-before.db"
expect 5 '^snapshot 1: .*edited' audit "$work/snapshot.db"
expect 5 "the event's run does not exist" audit "$work/run.db"
expect 5 '"table": ?"event", ?"row": ?3|"row":3' audit "$work/edited.db" --output json
expect 0 '"sound": ?true' audit "$work/sound.db" --output json

# What was archived is read as well.
"$dvtsim" run "$scenarios/retention.yaml" -q --out "$work/kept" >/dev/null
expect 0 'sound .* [1-9][0-9]* archived' audit "$work/kept/run.db"
sqlite3 "$work/kept/run.db-archive" "DROP TRIGGER event_stays; DELETE FROM event WHERE position = 70"
expect 5 '^archived event 70: .*removed' audit "$work/kept/run.db"
rm "$work/kept/run.db-archive"
expect 5 'archive .* is missing' audit "$work/kept/run.db"

if sqlite3 "$work/sound.db" 'UPDATE event SET step_no = 9 WHERE position = 3' 2>"$work/said"; then
  echo "sqlite3 could edit an event"
  failed=1
fi
cp "$work/sound.db" "$work/no-trigger.db"
sqlite3 "$work/no-trigger.db" 'DROP TRIGGER event_stays'
expect 5 'trigger event_stays is missing' audit "$work/no-trigger.db"
cp "$work/sound.db" "$work/weak-trigger.db"
sqlite3 "$work/weak-trigger.db" 'DROP TRIGGER event_stays; CREATE TRIGGER event_stays BEFORE DELETE ON event BEGIN SELECT 1; END'
expect 5 'trigger event_stays was changed' audit "$work/weak-trigger.db"

head -c 40000 "$work/sound.db" >"$work/cut.db"
expect 5 'integrity_check|damaged' audit "$work/cut.db"
expect 2 'no such file' audit "$work/none.db"
expect 2 'is a directory' audit "$work/out"
: >"$work/empty.db"
expect 2 'is empty' audit "$work/empty.db"
expect 2 'not an SQLite database' audit "$scenarios/hello.yaml"
sqlite3 "$work/other.db" 'CREATE TABLE t (x)'
expect 2 'not a store' audit "$work/other.db"
cp "$work/sound.db" "$work/old.db"
sqlite3 "$work/old.db" 'PRAGMA user_version = 2'
expect 2 'schema version 2; this program knows version' audit "$work/old.db"
coproc holder { sqlite3 "$work/sound.db"; }
echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1;' >&"${holder[1]}"
read -r _ <&"${holder[0]}" && read -r _ <&"${holder[0]}"
expect 2 'another process holds it' audit "$work/sound.db"
exit $failed
