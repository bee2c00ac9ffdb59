#include "sim/record/run_file.h"

#include <filesystem>

#include "engine/base/format.h"
#include "sim/record/run_recorder.h"

namespace dvt::sim {
namespace {

std::string run_db_in(const std::string& directory) {
  const std::filesystem::path path = std::filesystem::path(directory) / "run.db";
  if (!std::filesystem::exists(path))
    throw Error(fmt::format("{}: no run.db in there; expected the directory of a `dvtsim run --out`", directory));
  return path.string();
}

}  // namespace

RunFile::RunFile(const std::string& directory) : db_(run_db_in(directory), store::db::Open::read_only) {
  const std::string version = db_.query_text("SELECT value FROM meta WHERE key = 'format_version' ORDER BY key");
  if (version != fmt::format("{}", kRunDbFormat))
    throw Error(fmt::format("{}/run.db: format version '{}', expected {}", directory, version, kRunDbFormat));
}

std::vector<RecordedExecution> RunFile::executions() {
  std::vector<RecordedExecution> found;
  store::db::Statement rows(db_,
                            "SELECT run_no, run_id, child, chain, events FROM history ORDER BY run_no, child, chain");
  while (rows.step())
    found.push_back({rows.u32_at(0), std::string(rows.text_at(1)), rows.u32_at(2), rows.u32_at(3), rows.u32_at(4)});
  return found;
}

std::string RunFile::history_json(const RecordedExecution& execution) {
  store::db::Statement row(db_,
                           "SELECT json FROM history WHERE run_no = ?1 AND child = ?2 AND chain = ?3 ORDER BY rowid");
  row.bind(1, execution.run_no);
  row.bind(2, execution.child);
  row.bind(3, execution.chain);
  if (!row.step()) throw Error(fmt::format("run.db has no history of run {}", execution.run_id));
  return std::string(row.text_at(0));
}

bool RunFile::has_run(std::string_view run_id) {
  store::db::Statement row(db_, "SELECT run_no FROM run_summary WHERE run_id = ?1 ORDER BY run_no");
  row.bind_text(1, run_id);
  return row.step();
}

}  // namespace dvt::sim
