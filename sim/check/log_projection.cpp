// The read model against the log: every row folded exactly once and in order, and the state that comes out.
#include "engine/base/format.h"

#include <algorithm>

#include "sim/check/log_checker.h"

namespace dvt::sim {

void LogChecker::fold_next(RunLog& log) {
  const LogRow& row = log.rows[log.projected_rows++];
  apply_event(log.projected, row.type, row.step, row.logical_attempt, row.emitted_at);
  ++covered_;
}

void LogChecker::cover(const StoredEvent& event, Instant at) {
  RunLog* log = runs_.find(event.run);
  if (log == nullptr) {
    if (runs_.gone(event.run)) return;
    never_skips_.checked();
    never_skips_.broken(at, event.run, [&] {
      return fmt::format("the projector folded run_seq {} of a run without rows", event.run_seq);
    });
    return;
  }
  never_skips_.checked();
  const bool expected =
      log->projected_rows < log->rows.size() && log->rows[log->projected_rows].run_seq == event.run_seq;
  if (expected && log->rows[log->projected_rows].event_id == event.event_id) {
    fold_next(*log);
    return;
  }
  const std::size_t row = log->find_seq(event.run_seq);
  if (row == RunLog::kNone || log->rows[row].event_id != event.event_id) {
    never_skips_.broken(at, event.run, [&] {
      return fmt::format("the projector folded run_seq {} (event {}), which is not in the log", event.run_seq,
                         to_string(event.event_id));
    });
  } else if (row < log->projected_rows) {
    never_skips_.broken(at, event.run,
                        [&] { return fmt::format("the projector folded run_seq {} twice", event.run_seq); });
  } else {
    never_skips_.broken(at, event.run, [&] {
      return fmt::format("the projector went from run_seq {} to {} and left out {}",
                         log->projected_rows == 0 ? 0 : log->rows[log->projected_rows - 1].run_seq, event.run_seq,
                         log->rows[log->projected_rows].run_seq);
    });
    while (log->projected_rows <= row) fold_next(*log);  // each omission is told once
  }
}

void LogChecker::check_snapshot(const SnapshotFact& snapshot, Instant at) {
  RunLog* log = runs_.find(snapshot.run);
  if (log == nullptr || log->rows.empty() || snapshot.state == nullptr) return;
  const RunState& state = *snapshot.state;

  never_skips_.checked();
  const std::uint64_t folded = log->projected_rows == 0 ? 0 : log->rows[log->projected_rows - 1].run_seq;
  if (snapshot.up_to_seq != folded) {
    never_skips_.broken(at, snapshot.run, [&] {
      return fmt::format("a snapshot claims to cover run_seq {}, folded is {}", snapshot.up_to_seq, folded);
    });
    while (log->projected_rows < log->rows.size() && log->rows[log->projected_rows].run_seq <= snapshot.up_to_seq) {
      fold_next(*log);
    }
  }

  equals_fold_.checked();
  if (!log->projection_differs && state != log->projected) {
    log->projection_differs = true;
    equals_fold_.broken(at, snapshot.run, [&] {
      std::size_t step = 0;
      while (step < state.steps.size() && step < log->projected.steps.size() &&
             state.steps[step] == log->projected.steps[step]) {
        ++step;
      }
      const std::string where =
          state.status != log->projected.status
              ? fmt::format("status {} instead of {}", to_string(state.status), to_string(log->projected.status))
              : fmt::format("another state of step {} or of the run's times", step);
      return fmt::format("the snapshot at run_seq {} is not the fold of the log: {}", snapshot.up_to_seq, where);
    });
  }

  if (log->shown_end) {
    terminal_.checked();
    if (state.status != *log->shown_end || state.completed_at != log->shown_end_at) {
      terminal_.broken(at, snapshot.run, [&] {
        return fmt::format("the snapshot at run_seq {} says {} after one that said {}", snapshot.up_to_seq,
                           to_string(state.status), to_string(*log->shown_end));
      });
    }
  } else if (is_terminal(state.status)) {
    terminal_.checked();
    log->shown_end = state.status;
    log->shown_end_at = state.completed_at;
  }
}

void LogChecker::projector_laid_out(std::uint32_t partitions, Instant) {
  std::vector<Ahead> all;
  for (const Partition& partition : partitions_) all.insert(all.end(), partition.ahead.begin(), partition.ahead.end());
  std::sort(all.begin(), all.end(), [](const Ahead& a, const Ahead& b) { return a.position < b.position; });
  partitions_.assign(partitions, {});
  for (const Ahead& event : all) partitions_[event.run.value % partitions].ahead.push_back(event);
}

// What lies at or below a watermark is never read again: it must be in the snapshots that were committed with it, or in
// earlier ones.
void LogChecker::check_watermark(std::uint32_t index, std::uint64_t watermark, Instant at) {
  if (index >= partitions_.size()) return;
  Partition& partition = partitions_[index];
  watermark_.checked();
  if (watermark < partition.watermark) {
    watermark_.broken(at, RunOrdinal{UINT32_MAX}, [&] {
      return fmt::format("the watermark of partition {} went back from {} to {}", index, partition.watermark,
                         watermark);
    });
  }
  partition.watermark = watermark;
  for (; !partition.ahead.empty() && partition.ahead.front().position <= watermark; partition.ahead.pop_front()) {
    const Ahead& passed = partition.ahead.front();
    const RunLog* log = runs_.find(passed.run);
    if (log == nullptr) continue;  // closed and covered long ago
    const std::uint64_t folded = log->projected_rows == 0 ? 0 : log->rows[log->projected_rows - 1].run_seq;
    if (folded >= passed.run_seq) continue;
    watermark_.broken(at, passed.run, [&] {
      return fmt::format("the watermark of partition {} passed position {}, which is in no snapshot", index,
                         passed.position);
    });
  }
}

void LogChecker::run_resynced(const ResyncFact& fact) {
  const RunLog* log = runs_.find(fact.run);
  if (log == nullptr) return;
  resync_.checked();
  const std::uint64_t newest = log->rows.empty() ? 0 : log->rows.back().run_seq;
  const bool moved = fact.up_to_seq > fact.known_seq || (fact.up_to_seq == newest && fact.known_seq == newest);
  if (moved && fact.up_to_seq <= newest) return;
  resync_.broken(fact.at, fact.run, [&] {
    return fmt::format("a resync from run_seq {} was called complete at {}, while the log ends at {}", fact.known_seq,
                       fact.up_to_seq, newest);
  });
}

void LogChecker::snapshots_committed(std::uint32_t partition, std::uint64_t watermark,
                                     const std::vector<StoredEvent>& events, const std::vector<SnapshotFact>& snapshots,
                                     Instant at) {
  for (const StoredEvent& event : events) cover(event, at);
  for (const SnapshotFact& snapshot : snapshots) check_snapshot(snapshot, at);
  check_watermark(partition, watermark, at);
}

}  // namespace dvt::sim
