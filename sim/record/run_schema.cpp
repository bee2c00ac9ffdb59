#include "sim/record/run_schema.h"

#include "engine/base/format.h"

namespace dvt::sim {

std::string run_tables_sql() {
  return R"sql(
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE timeline (entry_no INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  run_no INTEGER, text TEXT NOT NULL);
CREATE TABLE series (series_no INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE sample_chunk (series_no INTEGER NOT NULL, chunk_no INTEGER NOT NULL, first_at_ns INTEGER NOT NULL,
  samples INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (series_no, chunk_no));
CREATE TABLE run_word (word_no INTEGER PRIMARY KEY, text TEXT NOT NULL);
CREATE TABLE run_row (run_no INTEGER PRIMARY KEY, run_id BLOB NOT NULL, plan_word INTEGER NOT NULL,
  version_word INTEGER NOT NULL, tenant_word INTEGER NOT NULL, requested_at_ns INTEGER NOT NULL, accept_ns INTEGER,
  start_ns INTEGER, close_ns INTEGER NOT NULL, outcome_word INTEGER NOT NULL, class_word INTEGER NOT NULL,
  code_word INTEGER NOT NULL, events INTEGER NOT NULL, steps INTEGER NOT NULL, activities INTEGER NOT NULL,
  retries INTEGER NOT NULL, workflow_tasks INTEGER NOT NULL, replayed_tasks INTEGER NOT NULL,
  pauses INTEGER NOT NULL);
CREATE TABLE history (run_no INTEGER NOT NULL, run_id TEXT NOT NULL, chain INTEGER NOT NULL, events INTEGER NOT NULL,
  json TEXT NOT NULL, child INTEGER NOT NULL,
  UNIQUE (run_no, child, chain));
)sql";
}

namespace {

std::string instant_text(std::string_view column, UnixNanos start) {
  const std::string unix_ns = fmt::format("({} + {})", column, start.ns);
  return fmt::format(
      "strftime('%Y-%m-%dT%H:%M:%S', {0} / 1000000000, 'unixepoch') || printf('.%09dZ', {0} % 1000000000)", unix_ns);
}

}  // namespace

std::string run_views_sql(UnixNanos start) {
  const auto word = [](std::string_view number, std::string_view name) {
    return fmt::format("(SELECT text FROM run_word WHERE word_no = {} -- one row\n) AS {}", number, name);
  };
  const std::string run_summary = fmt::format(
      "CREATE VIEW run_summary AS SELECT run_no,"
      " lower(substr(hex(run_id), 1, 8) || '-' || substr(hex(run_id), 9, 4) || '-' || substr(hex(run_id), 13, 4) ||"
      " '-' || substr(hex(run_id), 17, 4) || '-' || substr(hex(run_id), 21)) AS run_id, {}, {}, {}, requested_at_ns,"
      " requested_at_ns + accept_ns AS accepted_at_ns, requested_at_ns + start_ns AS started_at_ns,"
      " requested_at_ns + close_ns AS closed_at_ns, {}, {}, {}, events, steps, activities, retries, workflow_tasks,"
      " replayed_tasks, pauses FROM run_row ORDER BY run_no;\n",
      word("plan_word", "plan_id"), word("version_word", "plan_version"), word("tenant_word", "tenant_id"),
      word("outcome_word", "outcome"), word("class_word", "error_class"), word("code_word", "error_code"));
  return run_summary +
         fmt::format(
             "CREATE VIEW v_timeline AS SELECT {at} AS at, kind, name, run_no, text FROM timeline ORDER BY at_ns, "
             "entry_no;\n"
             "CREATE VIEW v_run_summary AS SELECT run_no, run_id, plan_id, plan_version, tenant_id, outcome, "
             "error_class,"
             " error_code, {requested} AS requested_at, {started} AS started_at, {closed} AS closed_at,"
             " (closed_at_ns - requested_at_ns) / 1e9 AS seconds, events, steps, activities, retries, workflow_tasks,"
             " replayed_tasks, pauses FROM run_summary ORDER BY run_no;\n",
             fmt::arg("at", instant_text("at_ns", start)),
             fmt::arg("requested", instant_text("requested_at_ns", start)),
             fmt::arg("started", instant_text("started_at_ns", start)),
             fmt::arg("closed", instant_text("closed_at_ns", start)));
}

}  // namespace dvt::sim
