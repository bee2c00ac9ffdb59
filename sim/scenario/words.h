// The words of every enumeration of the language, once: the reader, the writer, explain and the schema use them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "sim/scenario/scenario.h"

namespace dvt::sim {

template <class E>
struct Word {
  E value;
  std::string_view text;
};

/// Specialised for each enumeration: `static constexpr Word<E> list[]`, in the order in which they are shown.
template <class E>
struct Words;

#define DVT_WORDS(Type, ...)                            \
  template <>                                           \
  struct Words<Type> {                                  \
    static constexpr Word<Type> list[] = {__VA_ARGS__}; \
  }

DVT_WORDS(engine::FallbackBehavior, {engine::FallbackBehavior::reject, "reject"},
          {engine::FallbackBehavior::emulate, "emulate"}, {engine::FallbackBehavior::degrade, "degrade"});
DVT_WORDS(engine::TargetAdapter, {engine::TargetAdapter::any, "any"}, {engine::TargetAdapter::temporal, "temporal"},
          {engine::TargetAdapter::conductor, "conductor"}, {engine::TargetAdapter::mock, "mock"});
DVT_WORDS(Tier, {Tier::quick, "quick"}, {Tier::full, "full"}, {Tier::nightly, "nightly"});
DVT_WORDS(Schedule, {Schedule::fifo, "fifo"}, {Schedule::shuffled, "shuffled"});
DVT_WORDS(Provenance, {Provenance::measured, "measured"}, {Provenance::assumed, "assumed"},
          {Provenance::unchanged, "default"});
DVT_WORDS(ArrivalProcess, {ArrivalProcess::poisson, "poisson"}, {ArrivalProcess::deterministic, "deterministic"},
          {ArrivalProcess::gamma, "gamma"}, {ArrivalProcess::trace, "trace"});
DVT_WORDS(SignalType, {SignalType::pause, "PAUSE"}, {SignalType::resume, "RESUME"}, {SignalType::cancel, "CANCEL"},
          {SignalType::retry_step, "RETRY_STEP"}, {SignalType::retry_run, "RETRY_RUN"},
          {SignalType::skip_step, "SKIP_STEP"}, {SignalType::update_params, "UPDATE_PARAMS"},
          {SignalType::inject_override, "INJECT_OVERRIDE"}, {SignalType::update_target, "UPDATE_TARGET"},
          {SignalType::emergency_stop, "EMERGENCY_STOP"}, {SignalType::escalate_alert, "ESCALATE_ALERT"});
DVT_WORDS(Role, {Role::operator_, "Operator"}, {Role::engineer, "Engineer"}, {Role::admin, "Admin"},
          {Role::system, "System"});
DVT_WORDS(RunFilter, {RunFilter::any, "any"}, {RunFilter::pending, "PENDING"}, {RunFilter::approved, "APPROVED"},
          {RunFilter::running, "RUNNING"}, {RunFilter::paused, "PAUSED"}, {RunFilter::completed, "COMPLETED"},
          {RunFilter::failed, "FAILED"}, {RunFilter::cancelled, "CANCELLED"});
DVT_WORDS(AdapterKind, {AdapterKind::temporal, "temporal"}, {AdapterKind::conductor, "conductor"},
          {AdapterKind::mock, "mock"});
DVT_WORDS(CancelBy, {CancelBy::native, "native"}, {CancelBy::signal, "signal"});
DVT_WORDS(InterpreterKind, {InterpreterKind::layers, "layers"}, {InterpreterKind::dataflow, "dataflow"});
DVT_WORDS(OnStepFailure, {OnStepFailure::fail, "fail"}, {OnStepFailure::hold, "hold"});
DVT_WORDS(OrphanPolicy, {OrphanPolicy::accept, "accept"}, {OrphanPolicy::reject, "reject"});
DVT_WORDS(AdmissionPolicy, {AdmissionPolicy::reject, "reject"}, {AdmissionPolicy::queue, "queue"},
          {AdmissionPolicy::delay, "delay"});
DVT_WORDS(StoreBackend, {StoreBackend::sqlite_memory, ":memory:"}, {StoreBackend::memory, "memory"},
          {StoreBackend::file, "file"});
DVT_WORDS(CommitMode, {CommitMode::batched, "batched"}, {CommitMode::per_append, "per-append"});
DVT_WORDS(ReplicaRead, {ReplicaRead::status, "status"}, {ReplicaRead::projector, "projector"});
DVT_WORDS(OncallHours, {OncallHours::always, "always"}, {OncallHours::business, "business"});
DVT_WORDS(OrphanedQuery, {OrphanedQuery::continues, "continues"}, {OrphanedQuery::cancelled, "cancelled"});
DVT_WORDS(EventType, {EventType::step_started, "StepStarted"}, {EventType::step_completed, "StepCompleted"},
          {EventType::step_failed, "StepFailed"}, {EventType::step_skipped, "StepSkipped"},
          {EventType::run_queued, "RunQueued"}, {EventType::run_approved, "RunApproved"},
          {EventType::run_started, "RunStarted"}, {EventType::run_paused, "RunPaused"},
          {EventType::run_resumed, "RunResumed"}, {EventType::run_completed, "RunCompleted"},
          {EventType::run_failed, "RunFailed"}, {EventType::run_cancelled, "RunCancelled"});
DVT_WORDS(FaultKind, {FaultKind::latency, "latency"}, {FaultKind::outage, "outage"}, {FaultKind::error, "error"},
          {FaultKind::throttle, "throttle"}, {FaultKind::loss, "loss"}, {FaultKind::duplicate, "duplicate"},
          {FaultKind::reorder, "reorder"}, {FaultKind::partition, "partition"}, {FaultKind::stall, "stall"},
          {FaultKind::kill, "kill"}, {FaultKind::restart, "restart"}, {FaultKind::process_pause, "process-pause"},
          {FaultKind::clock_skew, "clock-skew"}, {FaultKind::disk_full, "disk-full"},
          {FaultKind::disk_slow, "disk-slow"}, {FaultKind::io_error, "io-error"},
          {FaultKind::lose_unsynced, "lose-unsynced"}, {FaultKind::commit_unknown, "commit-unknown"},
          {FaultKind::pool_exhaustion, "pool-exhaustion"}, {FaultKind::failover, "failover"},
          {FaultKind::heartbeat_drop, "heartbeat-drop"}, {FaultKind::ack_lost, "ack-lost"},
          {FaultKind::zombie_complete, "zombie-complete"}, {FaultKind::corrupt, "corrupt"});
DVT_WORDS(FaultGroup, {FaultGroup::none, "none"}, {FaultGroup::zone, "zone"});
DVT_WORDS(After::Until, {After::Until::done, "done"}, {After::Until::drained, "drained"});
DVT_WORDS(OnAlert::State, {OnAlert::State::pending, "pending"}, {OnAlert::State::firing, "firing"},
          {OnAlert::State::resolved, "resolved"});
DVT_WORDS(OperatorAction, {OperatorAction::scale, "scale"}, {OperatorAction::restart, "restart"},
          {OperatorAction::throttle, "throttle"}, {OperatorAction::set_timeout, "set-timeout"},
          {OperatorAction::add_connections, "add-connections"}, {OperatorAction::terminate, "terminate"},
          {OperatorAction::force_timeout, "force-timeout"},
          {OperatorAction::replay_from_snapshot, "replay-from-snapshot"},
          {OperatorAction::requeue_deferred, "requeue-deferred"}, {OperatorAction::purge_deferred, "purge-deferred"},
          {OperatorAction::heal, "heal"});
DVT_WORDS(ReleaseType, {ReleaseType::feature, "feature"}, {ReleaseType::reliability, "reliability"});
DVT_WORDS(WhenFrozen, {WhenFrozen::drop, "drop"}, {WhenFrozen::defer, "defer"}, {WhenFrozen::batch, "batch"});
DVT_WORDS(BudgetWindow, {BudgetWindow::rolling_30d, "rolling-30d"}, {BudgetWindow::calendar_month, "calendar-month"},
          {BudgetWindow::calendar_quarter, "calendar-quarter"});
DVT_WORDS(Budgeting, {Budgeting::occurrences, "Occurrences"}, {Budgeting::timeslices, "Timeslices"});
DVT_WORDS(RuleSet, {RuleSet::upstream, "upstream"}, {RuleSet::corrected, "corrected"});
DVT_WORDS(Escalation, {Escalation::documents, "documents"}, {Escalation::none, "none"});

#undef DVT_WORDS

template <class E>
concept HasWords = requires {
  Words<E>::list;
};

/// The word of a value: word(FaultKind::process_pause) is "process-pause".
template <HasWords E>
constexpr std::string_view word(E value) {
  for (const Word<E>& entry : Words<E>::list) {
    if (entry.value == value) return entry.text;
  }
  return {};
}

template <HasWords E>
constexpr std::optional<E> from_word(std::string_view text) {
  for (const Word<E>& entry : Words<E>::list) {
    if (entry.text == text) return entry.value;
  }
  return std::nullopt;
}

}  // namespace dvt::sim
