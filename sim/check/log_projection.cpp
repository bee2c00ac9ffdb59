// The read model against the log: every row folded exactly once and in order, and the state that comes out.
#include "engine/base/format.h"

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

void LogChecker::snapshots_committed(std::uint32_t, std::uint64_t, const std::vector<StoredEvent>& events,
                                     const std::vector<SnapshotFact>& snapshots, Instant at) {
  for (const StoredEvent& event : events) cover(event, at);
  for (const SnapshotFact& snapshot : snapshots) check_snapshot(snapshot, at);
}

}  // namespace dvt::sim
