// Reads a run.db that is finished: the tables of README.md, as values. Read-only; any number of readers at once.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/db/database.h"

namespace dvt::sim {

/// One row of `history` without its JSON.
struct RecordedExecution {
  std::uint32_t run_no = 0;
  std::string run_id;
  std::uint32_t chain = 0;  // place in the run's continue-as-new chain, from 0
  std::uint32_t events = 0;
};

class RunFile {
 public:
  /// `directory` is what `run --out` wrote. Throws dvt::Error when it holds no run.db, or one of another format.
  explicit RunFile(const std::string& directory);

  /// By run and place in its chain.
  std::vector<RecordedExecution> executions();
  /// Temporal's JSON form.
  std::string history_json(const RecordedExecution& execution);
  /// True when the file knows the run, with or without its history.
  bool has_run(std::string_view run_id);

 private:
  store::db::Database db_;
};

}  // namespace dvt::sim
