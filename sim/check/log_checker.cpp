// The log's own rules, and what the engine says against what the log says.
#include "sim/check/log_checker.h"

#include "engine/base/format.h"

#include <algorithm>

namespace dvt::sim {
namespace {

// Long enough for a worker's loss between the last event and the close; a run that ended in the log and is still open
// in the engine after this, while others closed, will never close.
constexpr Duration kCloseGrace = minutes(30);

std::string event_text(const NewEvent& event) {
  if (event.step == kNoStep) return std::string(to_string(event.type));
  return fmt::format("{} of step {} (attempt {})", to_string(event.type), event.step.value, event.logical_attempt);
}

bool writes_to_the_log(std::string_view activity) {
  return activity == "emitEvent" || activity == "saveRunMetadata";
}

}  // namespace

LogChecker::LogChecker(const InvariantConfig& config)
    : config_(config),
      commit_order_("commit-order-has-no-holes", config),
      run_seq_("run-seq-strictly-increasing", config),
      one_row_per_key_("one-row-per-key", config),
      idempotent_("idempotent-append-returns-stored", config),
      acknowledged_("acknowledged-appends-are-in-the-log", config),
      transitions_("legal-transitions", config),
      terminal_("terminal-states-never-change", config),
      never_skips_("projection-never-skips", config),
      equals_fold_("projection-equals-fold", config),
      watermark_("watermark-moves-with-its-snapshots", config),
      resync_("resync-moves-forward", config),
      shows_pause_("projection-shows-the-pause", config),
      engine_agrees_("engine-matches-store", config),
      ended_close_("ended-runs-close", config),
      close_once_("runs-start-and-close-once", config) {}

std::vector<Invariant*> LogChecker::invariants() {
  return {&commit_order_, &run_seq_,     &one_row_per_key_, &idempotent_,  &acknowledged_,
          &transitions_,  &terminal_,    &never_skips_,     &equals_fold_, &watermark_,
          &resync_,       &shows_pause_, &engine_agrees_,   &ended_close_, &close_once_};
}

void LogChecker::event_committed(const StoredEvent& event) {
  commit_order_.checked();
  if (event.position != last_position_ + 1) {
    commit_order_.broken(event.persisted_at, event.run, [&] {
      return fmt::format("{} was committed at position {} after position {}", event_text(event), event.position,
                         last_position_);
    });
  }
  last_position_ = event.position;
  ++committed_;

  RunLog* log = runs_.open(event.run);
  if (log == nullptr) {  // closed long ago: its rows are forgotten
    ++out_of_sight_;
    return;
  }
  run_seq_.checked();
  const std::uint64_t last_seq = log->rows.empty() ? 0 : log->rows.back().run_seq;
  if (event.run_seq <= last_seq) {
    run_seq_.broken(event.persisted_at, event.run, [&] {
      return fmt::format("{} got run_seq {} after {}", event_text(event), event.run_seq, last_seq);
    });
    return;  // rows of a log are in order: this one has no place
  }
  one_row_per_key_.checked();
  if (const std::size_t same = log->find_key(RunLog::short_key(event.idempotency_key)); same != RunLog::kNone) {
    one_row_per_key_.broken(event.persisted_at, event.run, [&] {
      return fmt::format("{} was inserted at run_seq {} though run_seq {} has its key", event_text(event),
                         event.run_seq, log->rows[same].run_seq);
    });
  }
  log->add(event);
  if (!partitions_.empty())
    partitions_[event.run.value % partitions_.size()].ahead.push_back({event.position, event.run, event.run_seq});
  const RunStatus before = log->head.status;
  check_transition(event, *log, before);
  if (is_terminal(log->head.status) && !is_terminal(before)) log->terminal_at = event.persisted_at;
  forget_closed(event.persisted_at);
}

// A producer never emits an invalid transition (domain §2). One is no producer's: a StepStarted that failed open is
// written late, and what comes before it meets a step that has not started.
void LogChecker::check_transition(const StoredEvent& event, RunLog& log, RunStatus before) {
  transitions_.checked();
  const Transition outcome = apply_event(log.head, event.type, event.step, event.logical_attempt, event.emitted_at);
  if (outcome == Transition::applied) return;
  const auto& open = log.failed_open;
  if (outcome == Transition::late && std::find(open.begin(), open.end(), event.step) != open.end()) return;
  transitions_.broken(event.persisted_at, event.run, [&] {
    return fmt::format("{} was emitted while the run was {}", event_text(event), to_string(before));
  });
}

void LogChecker::append_done(const AppendFact& fact) {
  RunLog* log = runs_.find(fact.event.run);
  if (!fact.ok) {
    if (log == nullptr) return;
    log->unwritten_key = RunLog::short_key(fact.event.idempotency_key);
    if (fact.event.type == EventType::step_started) log->failed_open.push_back(fact.event.step);
    return;
  }
  if (runs_.gone(fact.event.run)) return;
  check_receipt(fact, log);
  if (log != nullptr && log->unwritten_key == RunLog::short_key(fact.event.idempotency_key)) log->unwritten_key = 0;
}

void LogChecker::check_receipt(const AppendFact& fact, const RunLog* log) {
  const AppendReceipt& receipt = fact.receipt;
  Invariant& rule = receipt.idempotent ? idempotent_ : acknowledged_;
  rule.checked();
  const std::size_t row = log == nullptr ? RunLog::kNone : log->find_key(RunLog::short_key(fact.event.idempotency_key));
  if (row == RunLog::kNone) {
    rule.broken(fact.at, fact.event.run, [&] {
      return fmt::format("{} was acknowledged as run_seq {}, but no row has its key", event_text(fact.event),
                         receipt.run_seq);
    });
    return;
  }
  const LogRow& stored = log->rows[row];
  if (receipt.event_id == stored.event_id && receipt.run_seq == stored.run_seq &&
      receipt.persisted_at == stored.persisted_at && receipt.position == stored.position) {
    return;
  }
  rule.broken(fact.at, fact.event.run, [&] {
    return fmt::format(
        "{} was answered with run_seq {}, position {}, event {}; stored are run_seq {}, position {}, event {}",
        event_text(fact.event), receipt.run_seq, receipt.position, to_string(receipt.event_id), stored.run_seq,
        stored.position, to_string(stored.event_id));
  });
}

void LogChecker::run_accepted(const RunAccepted& fact) {
  // RunQueued's commit was acknowledged (domain §13, plan-persisted).
  if (runs_.gone(fact.run)) return;
  acknowledged_.checked();
  const RunLog* log = runs_.find(fact.run);
  if (log != nullptr && !log->rows.empty() && log->rows.front().type == EventType::run_queued) return;
  acknowledged_.broken(fact.accepted_at, fact.run,
                       [] { return "the run was accepted without a RunQueued in the log"; });
}

void LogChecker::run_started(RunOrdinal run, PlanOrdinal, Instant at) {
  close_once_.checked();
  RunLog* log = runs_.open(run);
  if (log == nullptr || log->closed || log->started) {
    close_once_.broken(at, run, [&] {
      return log == nullptr || log->closed ? "the engine started the run after it had closed"
                                           : "the engine started the run twice";
    });
    return;
  }
  log->started = true;
}

// The interpreter stands still because its RunPaused was acknowledged: the log must say PAUSED. Known fault 7: the
// second pause's event has the first one's key and is swallowed.
void LogChecker::run_paused(RunOrdinal run, Instant at) {
  const RunLog* log = runs_.find(run);
  if (log == nullptr) return;
  shows_pause_.checked();
  if (log->head.status == RunStatus::paused) return;
  shows_pause_.broken(
      at, run, [&] { return fmt::format("the run stands paused and the log says {}", to_string(log->head.status)); },
      {7});
}

void LogChecker::activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view) {
  if (fact.kind != ActivityKind::control || outcome == ActivityOutcome::completed) return;
  RunLog* log = runs_.find(fact.run);
  if (log == nullptr) return;
  if (writes_to_the_log(fact.type)) log->failed_activity = fact.activity;
}

void LogChecker::activity_retry(const ActivityFact& fact, std::string_view, Instant, std::uint32_t) {
  if (fact.kind != ActivityKind::control) return;
  RunLog* log = runs_.find(fact.run);
  if (log == nullptr) return;
  if (log->failed_activity == fact.activity) log->failed_activity = 0;
}

void LogChecker::run_closed(const RunClosed& fact) {
  close_once_.checked();
  RunLog* log = runs_.open(fact.run);
  if (log == nullptr || log->closed) {
    close_once_.broken(fact.closed_at, fact.run, [] { return "the engine closed the run twice"; });
    return;
  }
  check_engine_agrees(fact, *log);
  if (is_terminal(log->head.status)) ended_close_.checked();
  log->closed = true;
  log->closed_at = fact.closed_at;
  last_close_at_ = fact.closed_at;
  closed_.push_back({fact.run, fact.closed_at});
}

// The engine's close against the log's last word. Nobody promises an event for a run that an operator terminated, nor
// for one that failed because its events could not be written. The log may not say the opposite, unless its last word
// was written and the acknowledgement never reached the workflow: the two halves of such a write cannot agree.
void LogChecker::check_engine_agrees(const RunClosed& fact, const RunLog& log) {
  if (fact.outcome == RunOutcome::terminated) return;
  engine_agrees_.checked();
  const RunStatus said = log.head.status;
  const RunStatus wanted = fact.outcome == RunOutcome::completed ? RunStatus::completed
                           : fact.outcome == RunOutcome::failed  ? RunStatus::failed
                                                                 : RunStatus::cancelled;
  if (said == wanted) return;
  const auto text = [&] {
    return fmt::format("the engine closed the run as {} and the log says {}", to_string(fact.outcome), to_string(said));
  };
  const bool unwritten = !is_terminal(said) && (log.unwritten_key != 0 || log.failed_activity != 0);
  if (fact.outcome == RunOutcome::cancelled) {  // known fault 1: a native cancel writes no RunCancelled
    if (!unwritten) engine_agrees_.broken(fact.closed_at, fact.run, text, {1});
    return;
  }
  const bool unheard = is_terminal(said) && log.failed_activity != 0;
  if (fact.outcome == RunOutcome::failed && (unwritten || unheard)) return;
  engine_agrees_.broken(fact.closed_at, fact.run, text);
}

void LogChecker::forget_closed(Instant now) {
  while (!closed_.empty() && closed_.front().at + config_.linger < now) {
    const Closed oldest = closed_.front();
    closed_.pop_front();
    const RunLog* log = runs_.find(oldest.run);
    if (log == nullptr) continue;
    if (log->projected_rows == log->rows.size()) {
      runs_.close(oldest.run);
    } else {
      closed_.push_back({oldest.run, now});  // the projector is behind
    }
  }
}

void LogChecker::finish(const EndOfRun& end) {
  runs_.for_each([&](RunOrdinal run, RunLog& log) {
    if (log.closed || !is_terminal(log.head.status) || !log.started) return;
    ended_close_.checked();
    if (log.terminal_at + kCloseGrace >= end.at || log.terminal_at + kCloseGrace >= last_close_at_) return;
    const auto text = [&] {
      return fmt::format("the log says {} since {}, and the engine has not closed the run", to_string(log.head.status),
                         format_rfc3339(config_.start + Duration{log.terminal_at.ns}, 9));
    };
    // Known fault 4: an invalid plan's RunFailed is written before any step, and its workflow task fails for ever.
    const bool plan_refused =
        log.head.status == RunStatus::failed &&
        std::all_of(log.rows.begin(), log.rows.end(), [](const LogRow& row) { return row.step == kNoStep; });
    if (plan_refused) {
      ended_close_.broken(end.at, run, text, {4});
    } else {
      ended_close_.broken(end.at, run, text);
    }
  });
  if (end.stored_events) {
    acknowledged_.checked();
    if (*end.stored_events < committed_)
      acknowledged_.broken(end.at, RunOrdinal{UINT32_MAX}, [&] {
        return fmt::format("{} events were committed, and the store holds {}", committed_, *end.stored_events);
      });
  }
  if (!end.projection_lag) return;
  never_skips_.checked();
  const std::uint64_t missing = committed_ - out_of_sight_ - covered_;
  if (missing <= *end.projection_lag) return;
  std::optional<RunOrdinal> oldest;
  std::uint64_t position = UINT64_MAX;
  runs_.for_each([&](RunOrdinal run, RunLog& log) {
    if (log.projected_rows == log.rows.size() || log.rows[log.projected_rows].position >= position) return;
    oldest = run;
    position = log.rows[log.projected_rows].position;
  });
  never_skips_.broken(end.at, oldest.value_or(RunOrdinal{UINT32_MAX}), [&] {
    return fmt::format(
        "{} committed events are in no snapshot, while the projector says it is {} behind; the oldest is at position "
        "{}",
        missing, *end.projection_lag, position);
  });
}

}  // namespace dvt::sim
