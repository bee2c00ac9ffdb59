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
CREATE TABLE run_summary (run_no INTEGER PRIMARY KEY, run_id TEXT NOT NULL, plan_id TEXT NOT NULL,
  plan_version TEXT NOT NULL, tenant_id TEXT NOT NULL, requested_at_ns INTEGER NOT NULL, accepted_at_ns INTEGER,
  started_at_ns INTEGER, closed_at_ns INTEGER NOT NULL, outcome TEXT NOT NULL, error_class TEXT NOT NULL,
  error_code TEXT NOT NULL, events INTEGER NOT NULL, steps INTEGER NOT NULL, activities INTEGER NOT NULL,
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
  return fmt::format(
      "CREATE VIEW v_timeline AS SELECT {at} AS at, kind, name, run_no, text FROM timeline ORDER BY at_ns, entry_no;\n"
      "CREATE VIEW v_run_summary AS SELECT run_no, run_id, plan_id, plan_version, tenant_id, outcome, error_class,"
      " error_code, {requested} AS requested_at, {started} AS started_at, {closed} AS closed_at,"
      " (closed_at_ns - requested_at_ns) / 1e9 AS seconds, events, steps, activities, retries, workflow_tasks,"
      " replayed_tasks, pauses FROM run_summary ORDER BY run_no;\n",
      fmt::arg("at", instant_text("at_ns", start)), fmt::arg("requested", instant_text("requested_at_ns", start)),
      fmt::arg("started", instant_text("started_at_ns", start)),
      fmt::arg("closed", instant_text("closed_at_ns", start)));
}

}  // namespace dvt::sim
