// Which runs' histories are kept in run.db (scenario key `record.histories`). A choice is made by run: all executions
// of its continue-as-new chain are kept, and those of its children, or none. Memory: `all` and `every` keep nothing;
// `failed` the earlier executions of open runs; `slowest` these and the histories of n runs.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "engine/history/events.h"
#include "engine/ports/telemetry.h"
#include "sim/record/run_recorder.h"

namespace dvt::sim {

/// An execution of a run: its own (child 0) or that of a child in the run's tree, and its place in the
/// continue-as-new chain.
struct ExecutionName {
  RunOrdinal run;
  std::uint32_t child = 0;
  std::uint32_t chain = 0;
};

/// Hears of executions and their histories. An execution that closes is told before its run's run_closed, and before
/// its child_closed.
class HistorySink : public Telemetry {
 public:
  virtual void execution_closed(ExecutionName execution, const engine::History& history) = 0;
  /// At the end of the run of the world, for each execution that is still open.
  virtual void execution_open_at_end(ExecutionName execution, const engine::History& history, Instant now) = 0;
};

struct HistoryRule {
  enum class Kind : std::uint8_t {
    all,
    failed,   // runs whose outcome is failed
    slowest,  // the n runs that took longest from request to close; an open run counts with its age since it started
    every,    // runs 0, n, 2n … by arrival index
  };
  Kind kind = Kind::all;
  std::uint64_t n = 0;
};

class HistoryKeeper final : public HistorySink {
 public:
  /// `recorder` must outlive it.
  HistoryKeeper(RunRecorder& recorder, HistoryRule rule, UnixNanos start);

  void execution_closed(ExecutionName execution, const engine::History& history) override;
  void execution_open_at_end(ExecutionName execution, const engine::History& history, Instant now) override;
  void run_closed(const RunClosed& fact) override;
  void child_started(const ChildFact& fact) override;
  void child_closed(const ChildFact& fact, ChildEnd end) override;
  /// Last, before the recorder's finish(): writes what was chosen only now.
  void finish();

 private:
  struct Held {
    ExecutionName name;
    engine::History history;
  };
  using Executions = std::vector<Held>;
  struct Slower {
    Duration took;
    std::uint32_t run = 0;
    bool operator<(const Slower& other) const { return took != other.took ? took > other.took : run < other.run; }
  };

  bool undecided() const { return rule_.kind == HistoryRule::Kind::failed || rule_.kind == HistoryRule::Kind::slowest; }
  bool chosen(RunOrdinal run) const;
  void offer(RunOrdinal run, Duration took, Executions executions);
  void add_late(ExecutionName execution, const engine::History& history);
  void write(ExecutionName execution, const engine::History& history);

  RunRecorder& recorder_;
  HistoryRule rule_;
  UnixNanos start_;
  std::map<std::uint32_t, Executions> held_;              // by run: closed executions of runs that are not closed yet
  std::map<Slower, Executions> slowest_;                  // slowest first
  std::map<std::uint32_t, std::uint32_t> open_children_;  // by run, of any
  std::map<std::uint32_t, bool> outlived_;                // closed runs with open children: whether they are kept
  std::string json_;
};

}  // namespace dvt::sim
