#include "sim/check/invariants.h"

#include "engine/base/format.h"

#include <algorithm>

#include "engine/base/result.h"
#include "engine/base/text.h"
#include "sim/check/api_checker.h"
#include "sim/check/engine_checker.h"
#include "sim/check/log_checker.h"
#include "sim/check/outbox_checker.h"
#include "sim/check/pause_checker.h"
#include "sim/check/signal_checker.h"
#include "sim/check/spool_checker.h"

namespace dvt::sim {

// The log checker hears of every fact first: the others read the log through it.
struct InvariantSuite::Checkers {
  explicit Checkers(const InvariantConfig& config)
      : log(config),
        engine(config, log),
        pauses(config),
        signals(config, log),
        outbox(config),
        api(config),
        spool(config, log) {}

  std::vector<Invariant*> all() {
    std::vector<Invariant*> out;
    for (Checker* checker : std::initializer_list<Checker*>{&log, &outbox, &engine, &pauses, &signals, &api, &spool}) {
      for (Invariant* invariant : checker->invariants()) out.push_back(invariant);
    }
    return out;
  }

  LogChecker log;
  EngineChecker engine;
  PauseChecker pauses;
  SignalChecker signals;
  OutboxChecker outbox;
  ApiChecker api;
  SpoolChecker spool;
};

InvariantSuite::InvariantSuite(InvariantConfig config)
    : config_(std::move(config)), checkers_(std::make_unique<Checkers>(config_)) {
  const std::vector<Invariant*> all = checkers_->all();
  for (const std::string& name : config_.except) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const Invariant* i) { return i->name() == name; });
    if (found != all.end()) {
      (*found)->leave_out();
      continue;
    }
    std::vector<std::string_view> known;
    for (const Invariant* invariant : all) known.emplace_back(invariant->name());
    const std::string_view nearest = nearest_name(name, known);
    throw Error(fmt::format("there is no invariant '{}'{}", name,
                            nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest)));
  }
}

InvariantSuite::~InvariantSuite() = default;

const std::vector<std::string>& invariant_names() {
  static const std::vector<std::string> kNames = [] {
    const InvariantConfig config;
    std::vector<std::string> names;
    InvariantSuite::Checkers checkers(config);
    for (const Invariant* invariant : checkers.all()) names.push_back(invariant->name());
    return names;
  }();
  return kNames;
}

void InvariantSuite::replay_checked(RunOrdinal run, std::string_view mismatch, Instant at) {
  checkers_->engine.replay_checked(run, mismatch, at);
}

void InvariantSuite::history_closed(RunOrdinal run, const engine::History& history, Instant at) {
  checkers_->engine.history_closed(run, history, at);
}

std::vector<InvariantResult> InvariantSuite::finish(const EndOfRun& end) {
  for (Checker* checker : std::initializer_list<Checker*>{&checkers_->log, &checkers_->signals, &checkers_->outbox,
                                                          &checkers_->api, &checkers_->spool}) {
    checker->finish(end);
  }
  return so_far();
}

std::vector<InvariantResult> InvariantSuite::so_far() const {
  std::vector<InvariantResult> results;
  for (const Invariant* invariant : checkers_->all()) {
    if (!invariant->left_out()) results.push_back(invariant->result());
  }
  return results;
}

std::size_t InvariantSuite::runs_held() const {
  return checkers_->log.runs_held() + checkers_->engine.runs_held() + checkers_->pauses.runs_held() +
         checkers_->signals.runs_held() + checkers_->api.runs_held();
}

// ---- Who reads what ----

void InvariantSuite::run_accepted(const RunAccepted& fact) {
  checkers_->log.run_accepted(fact);
}

void InvariantSuite::decision_stored(const SignalDecision& decision, Instant at) {
  checkers_->api.decision_stored(decision, at);
}
void InvariantSuite::signal_waits(RunOrdinal run, std::uint64_t signal, bool waits, std::size_t length, Instant at) {
  checkers_->api.signal_waits(run, signal, waits, length, at);
}
void InvariantSuite::run_admitted(RunOrdinal run, Instant at) {
  checkers_->api.run_admitted(run, at);
}

void InvariantSuite::signal_decided(const SignalFact& fact) {
  checkers_->api.signal_decided(fact);
  checkers_->pauses.signal_decided(fact);
  checkers_->signals.signal_decided(fact);
}
void InvariantSuite::signal_applied(const SignalFact& fact) {
  checkers_->api.signal_applied(fact);
  checkers_->pauses.signal_applied(fact);
  checkers_->signals.signal_applied(fact);
}
void InvariantSuite::signal_lost(const SignalFact& fact) {
  checkers_->api.signal_lost(fact);
  checkers_->pauses.signal_lost(fact);
  checkers_->signals.signal_lost(fact);
}

void InvariantSuite::run_started(RunOrdinal run, PlanOrdinal plan, Instant at) {
  checkers_->log.run_started(run, plan, at);
  checkers_->api.run_started(run, plan, at);
}
void InvariantSuite::run_closed(const RunClosed& fact) {
  checkers_->log.run_closed(fact);
  checkers_->engine.run_closed(fact);
  checkers_->pauses.run_closed(fact);
  checkers_->signals.run_closed(fact);
  checkers_->api.run_closed(fact);
}
void InvariantSuite::run_paused(RunOrdinal run, Instant at) {
  checkers_->log.run_paused(run, at);
  checkers_->pauses.run_paused(run, at);
}
void InvariantSuite::run_resumed(RunOrdinal run, Instant at) {
  checkers_->pauses.run_resumed(run, at);
}

void InvariantSuite::activity_scheduled(const ActivityFact& fact) {
  checkers_->engine.activity_scheduled(fact);
  checkers_->pauses.activity_scheduled(fact);
  checkers_->signals.activity_scheduled(fact);
}
void InvariantSuite::activity_started(const ActivityFact& fact) {
  checkers_->engine.activity_started(fact);
  checkers_->pauses.activity_started(fact);
}
void InvariantSuite::activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view error_code) {
  checkers_->log.activity_closed(fact, outcome, error_code);
  checkers_->engine.activity_closed(fact, outcome, error_code);
}
void InvariantSuite::activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at,
                                    std::uint32_t max_attempts) {
  checkers_->log.activity_retry(fact, cause, next_at, max_attempts);
  checkers_->engine.activity_retry(fact, cause, next_at, max_attempts);
}
void InvariantSuite::workflow_task_scheduled(const WorkflowTaskFact& fact) {
  checkers_->engine.workflow_task_scheduled(fact);
}
void InvariantSuite::workflow_task_started(const WorkflowTaskFact& fact) {
  checkers_->engine.workflow_task_started(fact);
  checkers_->signals.workflow_task_started(fact);
}
void InvariantSuite::workflow_task_completed(const WorkflowTaskFact& fact) {
  checkers_->engine.workflow_task_completed(fact);
}
void InvariantSuite::workflow_task_failed(const WorkflowTaskFact& fact, std::string_view cause) {
  checkers_->engine.workflow_task_failed(fact, cause);
}
void InvariantSuite::nondeterminism(RunOrdinal run, std::string_view report, Instant at) {
  checkers_->engine.nondeterminism(run, report, at);
}
void InvariantSuite::timer_fired(RunOrdinal run, Instant due, Instant at) {
  checkers_->engine.timer_fired(run, due, at);
}

void InvariantSuite::append_done(const AppendFact& fact) {
  checkers_->log.append_done(fact);
  checkers_->pauses.append_done(fact);
}
void InvariantSuite::spool_changed(const SpoolFact& fact) {
  checkers_->spool.spool_changed(fact);
}
void InvariantSuite::event_committed(const StoredEvent& event) {
  checkers_->log.event_committed(event);
  checkers_->outbox.event_committed(event);
  checkers_->engine.event_committed(event);
  checkers_->pauses.event_committed(event);
  checkers_->signals.event_committed(event);
}
void InvariantSuite::snapshots_committed(std::uint32_t partition, std::uint64_t watermark,
                                         const std::vector<StoredEvent>& events,
                                         const std::vector<SnapshotFact>& snapshots, Instant at) {
  checkers_->log.snapshots_committed(partition, watermark, events, snapshots, at);
}
void InvariantSuite::outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) {
  checkers_->outbox.outbox_leased(relay, position, until, at);
}
void InvariantSuite::outbox_published(const StoredEvent& event, Instant at) {
  checkers_->outbox.outbox_published(event, at);
}
void InvariantSuite::run_resynced(const ResyncFact& fact) {
  checkers_->log.run_resynced(fact);
}
void InvariantSuite::projector_laid_out(std::uint32_t partitions, Instant at) {
  checkers_->log.projector_laid_out(partitions, at);
}
void InvariantSuite::outbox_released(std::uint64_t position, Instant at) {
  checkers_->outbox.outbox_released(position, at);
}
void InvariantSuite::event_consumed(std::uint32_t subscription, const StoredEvent& event, Instant at) {
  checkers_->outbox.event_consumed(subscription, event, at);
}
void InvariantSuite::delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                               Instant at) {
  checkers_->outbox.delivered(subscription, event, attempts, first, at);
}
void InvariantSuite::dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) {
  checkers_->outbox.dead_lettered(subscription, event, at);
}
void InvariantSuite::dead_letter_redriven(std::uint32_t subscription, const StoredEvent& event, Instant at) {
  checkers_->outbox.dead_letter_redriven(subscription, event, at);
}

}  // namespace dvt::sim
