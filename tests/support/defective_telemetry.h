// A listener that passes facts on, except for what a test breaks on purpose: it drops, repeats or reorders the n-th
// fact of a kind, or changes facts on their way. Put between a component (or a whole world) and the invariants, it
// plants a defect that they must catch.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/ports/telemetry.h"

namespace dvt::test {

enum class FactKind : std::uint8_t {
  run_accepted,
  run_admitted,
  decision_stored,
  signal_waits,
  signal_decided,
  signal_applied,
  signal_lost,
  run_started,
  run_closed,
  run_paused,
  run_resumed,
  activity_scheduled,
  activity_started,
  activity_closed,
  activity_retry,
  workflow_task_scheduled,
  workflow_task_started,
  workflow_task_completed,
  workflow_task_failed,
  timer_fired,
  append_done,
  spool_changed,
  event_committed,
  snapshots_committed,
  outbox_leased,
  outbox_published,
  delivered,
  dead_lettered,
  outbox_released,
  event_consumed,
  dead_letter_redriven,
};

class DefectiveTelemetry final : public Telemetry {
 public:
  explicit DefectiveTelemetry(Telemetry& next) : next_(next) {}

  /// The n-th fact of the kind, from 1.
  void drop(FactKind kind, std::uint64_t nth) { defects_.push_back({kind, nth, What::drop}); }
  void repeat(FactKind kind, std::uint64_t nth) { defects_.push_back({kind, nth, What::repeat}); }
  /// It comes after the next fact of the same kind (and never when there is none).
  void swap_with_next(FactKind kind, std::uint64_t nth) { defects_.push_back({kind, nth, What::hold}); }
  /// How many defects have struck.
  std::uint64_t struck() const { return struck_; }
  std::uint64_t seen(FactKind kind) const { return seen_[static_cast<std::size_t>(kind)]; }

  // Changes facts on their way; count what you change with strike().
  std::function<void(AppendFact&)> change_append;
  std::function<void(StoredEvent&)> change_committed;
  std::function<void(std::uint64_t& watermark)> change_watermark;
  std::function<void(ResyncFact&)> change_resync;
  std::function<void(StoredEvent&)> change_published;
  std::function<void(StoredEvent&, bool& first)> change_delivered;
  std::function<void(ActivityFact&)> change_scheduled;
  std::function<void(ActivityFact&)> change_started;
  std::function<void(ActivityFact&, ActivityOutcome&)> change_closed;
  std::function<void(RunClosed&)> change_run_closed;
  /// States are copies: change them through the pointer-free list that comes along, by index of the snapshot.
  std::function<void(std::vector<StoredEvent>&, std::vector<SnapshotFact>&, std::vector<RunState>&)> change_projection;
  void strike() { ++struck_; }

  // Telemetry
  void api_request(std::string_view route, int code, std::string_view error, Duration took, Instant at) override {
    next_.api_request(route, code, error, took, at);
  }
  void run_requested(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant, Instant at) override {
    next_.run_requested(run, plan, tenant, at);
  }
  void run_accepted(const RunAccepted& fact) override {
    pass(FactKind::run_accepted, [fact](Telemetry& to) { to.run_accepted(fact); });
  }
  void run_rejected(RunOrdinal run, std::string_view code, Instant at) override { next_.run_rejected(run, code, at); }
  void run_request_retried(RunOrdinal run, std::uint32_t attempt, Instant at) override {
    next_.run_request_retried(run, attempt, at);
  }
  void run_request_given_up(RunOrdinal run, std::string_view code, Instant at) override {
    next_.run_request_given_up(run, code, at);
  }
  void run_admitted(RunOrdinal run, Instant at) override {
    pass(FactKind::run_admitted, [=](Telemetry& to) { to.run_admitted(run, at); });
  }
  void decision_stored(const SignalDecision& decision, Instant at) override {
    pass(FactKind::decision_stored, [decision, at](Telemetry& to) { to.decision_stored(decision, at); });
  }
  void signal_repeated(const SignalFact& fact) override { next_.signal_repeated(fact); }
  void signal_waits(RunOrdinal run, std::uint64_t signal, bool waits, std::size_t length, Instant at) override {
    pass(FactKind::signal_waits, [=](Telemetry& to) { to.signal_waits(run, signal, waits, length, at); });
  }
  void alert_escalated(RunOrdinal run, std::string_view level, Instant at) override {
    next_.alert_escalated(run, level, at);
  }
  void signal_decided(const SignalFact& fact) override {
    pass(FactKind::signal_decided, [fact, code = std::string(fact.code)](Telemetry& to) {
      SignalFact copy = fact;
      copy.code = code;
      to.signal_decided(copy);
    });
  }
  void signal_applied(const SignalFact& fact) override {
    pass(FactKind::signal_applied, [fact, code = std::string(fact.code)](Telemetry& to) {
      SignalFact copy = fact;
      copy.code = code;
      to.signal_applied(copy);
    });
  }
  void signal_lost(const SignalFact& fact) override {
    pass(FactKind::signal_lost, [fact, code = std::string(fact.code)](Telemetry& to) {
      SignalFact copy = fact;
      copy.code = code;
      to.signal_lost(copy);
    });
  }
  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override {
    pass(FactKind::run_started, [=](Telemetry& to) { to.run_started(run, plan, at); });
  }
  void run_closed(const RunClosed& fact) override {
    RunClosed changed = fact;
    if (change_run_closed) change_run_closed(changed);
    pass(FactKind::run_closed, [changed, code = std::string(fact.error_code)](Telemetry& to) {
      RunClosed copy = changed;
      copy.error_code = code;
      to.run_closed(copy);
    });
  }
  void run_paused(RunOrdinal run, Instant at) override {
    pass(FactKind::run_paused, [=](Telemetry& to) { to.run_paused(run, at); });
  }
  void run_resumed(RunOrdinal run, Instant at) override {
    pass(FactKind::run_resumed, [=](Telemetry& to) { to.run_resumed(run, at); });
  }
  void activity_scheduled(const ActivityFact& fact) override {
    ActivityFact changed = fact;
    if (change_scheduled) change_scheduled(changed);
    pass(FactKind::activity_scheduled,
         activity(changed, [](Telemetry& to, const ActivityFact& f) { to.activity_scheduled(f); }));
  }
  void activity_started(const ActivityFact& fact) override {
    ActivityFact changed = fact;
    if (change_started) change_started(changed);
    pass(FactKind::activity_started,
         activity(changed, [](Telemetry& to, const ActivityFact& f) { to.activity_started(f); }));
  }
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view code) override {
    ActivityFact changed = fact;
    if (change_closed) change_closed(changed, outcome);
    pass(FactKind::activity_closed,
         activity(changed, [outcome, text = std::string(code)](Telemetry& to, const ActivityFact& f) {
           to.activity_closed(f, outcome, text);
         }));
  }
  void activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at, std::uint32_t max) override {
    pass(FactKind::activity_retry,
         activity(fact, [next_at, max, text = std::string(cause)](Telemetry& to, const ActivityFact& f) {
           to.activity_retry(f, text, next_at, max);
         }));
  }
  void workflow_task_scheduled(const WorkflowTaskFact& fact) override {
    pass(FactKind::workflow_task_scheduled, [fact](Telemetry& to) { to.workflow_task_scheduled(fact); });
  }
  void workflow_task_started(const WorkflowTaskFact& fact) override {
    pass(FactKind::workflow_task_started, [fact](Telemetry& to) { to.workflow_task_started(fact); });
  }
  void workflow_task_completed(const WorkflowTaskFact& fact) override {
    pass(FactKind::workflow_task_completed, [fact](Telemetry& to) { to.workflow_task_completed(fact); });
  }
  void workflow_task_failed(const WorkflowTaskFact& fact, std::string_view cause) override {
    pass(FactKind::workflow_task_failed,
         [fact, text = std::string(cause)](Telemetry& to) { to.workflow_task_failed(fact, text); });
  }
  void nondeterminism(RunOrdinal run, std::string_view report, Instant at) override {
    next_.nondeterminism(run, report, at);
  }
  void timer_fired(RunOrdinal run, Instant due, Instant at) override {
    pass(FactKind::timer_fired, [=](Telemetry& to) { to.timer_fired(run, due, at); });
  }
  void child_started(const ChildFact& fact) override { next_.child_started(fact); }
  void child_closed(const ChildFact& fact, ChildEnd end) override { next_.child_closed(fact, end); }
  void worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) override {
    next_.worker_changed(queue, worker, up, at);
  }
  void adapter_rpc(std::string_view method, std::string_view status, Duration took, Instant at) override {
    next_.adapter_rpc(method, status, took, at);
  }
  void adapter_heartbeat(Instant at) override { next_.adapter_heartbeat(at); }
  void warehouse_done(const WarehouseFact& fact) override { next_.warehouse_done(fact); }
  void warehouse_level(std::uint32_t warehouse, std::uint32_t running, std::uint32_t queued, Instant at) override {
    next_.warehouse_level(warehouse, running, queued, at);
  }
  void append_done(const AppendFact& fact) override {
    AppendFact changed = fact;
    if (change_append) change_append(changed);
    pass(FactKind::append_done, [changed](Telemetry& to) { to.append_done(changed); });
  }
  void spool_changed(const SpoolFact& fact) override {
    pass(FactKind::spool_changed, [fact](Telemetry& to) { to.spool_changed(fact); });
  }
  void event_committed(const StoredEvent& event) override {
    StoredEvent changed = event;
    if (change_committed) change_committed(changed);
    pass(FactKind::event_committed, [changed](Telemetry& to) { to.event_committed(changed); });
  }
  void snapshots_committed(std::uint32_t partition, std::uint64_t watermark, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>& snapshots, Instant at) override {
    std::vector<StoredEvent> changed = events;
    std::vector<SnapshotFact> facts = snapshots;
    std::vector<RunState> states;
    for (const SnapshotFact& fact : facts) states.push_back(*fact.state);
    if (change_projection) change_projection(changed, facts, states);
    if (change_watermark) change_watermark(watermark);
    pass(FactKind::snapshots_committed, [=](Telemetry& to) {
      std::vector<SnapshotFact> told = facts;
      for (std::size_t i = 0; i < told.size(); ++i) told[i].state = &states[i];
      to.snapshots_committed(partition, watermark, changed, told, at);
    });
  }
  void gap_suspected(RunOrdinal run, Instant at) override { next_.gap_suspected(run, at); }
  void gap_confirmed(RunOrdinal run, Instant at) override { next_.gap_confirmed(run, at); }
  void outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) override {
    pass(FactKind::outbox_leased, [=](Telemetry& to) { to.outbox_leased(relay, position, until, at); });
  }
  void outbox_published(const StoredEvent& event, Instant at) override {
    StoredEvent changed = event;
    if (change_published) change_published(changed);
    pass(FactKind::outbox_published, [changed, at](Telemetry& to) { to.outbox_published(changed, at); });
  }
  void delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                 Instant at) override {
    StoredEvent changed = event;
    if (change_delivered) change_delivered(changed, first);
    pass(FactKind::delivered, [=](Telemetry& to) { to.delivered(subscription, changed, attempts, first, at); });
  }
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override {
    pass(FactKind::dead_lettered, [=](Telemetry& to) { to.dead_lettered(subscription, event, at); });
  }
  void outbox_released(std::uint64_t position, Instant at) override {
    pass(FactKind::outbox_released, [=](Telemetry& to) { to.outbox_released(position, at); });
  }
  void event_consumed(std::uint32_t subscription, const StoredEvent& event, Instant at) override {
    pass(FactKind::event_consumed, [=](Telemetry& to) { to.event_consumed(subscription, event, at); });
  }
  void dead_letter_redriven(std::uint32_t subscription, const StoredEvent& event, Instant at) override {
    pass(FactKind::dead_letter_redriven, [=](Telemetry& to) { to.dead_letter_redriven(subscription, event, at); });
  }
  void run_resynced(const ResyncFact& fact) override {
    ResyncFact changed = fact;
    if (change_resync) change_resync(changed);
    next_.run_resynced(changed);
  }
  void projector_laid_out(std::uint32_t partitions, Instant at) override { next_.projector_laid_out(partitions, at); }
  void fault_injected(std::string_view name, Instant at) override { next_.fault_injected(name, at); }
  void fault_healed(std::string_view name, Instant at) override { next_.fault_healed(name, at); }
  void fault_struck(std::string_view name, Instant at) override { next_.fault_struck(name, at); }

 private:
  enum class What : std::uint8_t { drop, repeat, hold };
  struct Defect {
    FactKind kind;
    std::uint64_t nth;
    What what;
  };
  using Tell = std::function<void(Telemetry&)>;

  template <class F>
  static Tell activity(const ActivityFact& fact, F tell) {
    return [fact, type = std::string(fact.type), tell](Telemetry& to) {
      ActivityFact copy = fact;
      copy.type = type;
      tell(to, copy);
    };
  }

  void pass(FactKind kind, Tell tell) {
    const std::uint64_t nth = ++seen_[static_cast<std::size_t>(kind)];
    for (const Defect& defect : defects_) {
      if (defect.kind != kind || defect.nth != nth) continue;
      ++struck_;
      if (defect.what == What::drop) return;
      if (defect.what == What::hold) {
        held_.emplace(kind, std::move(tell));
        return;
      }
      tell(next_);
    }
    tell(next_);
    if (held_ && held_->first == kind) {
      const Tell late = std::move(held_->second);
      held_.reset();
      late(next_);
    }
  }

  Telemetry& next_;
  std::vector<Defect> defects_;
  std::uint64_t seen_[static_cast<std::size_t>(FactKind::dead_letter_redriven) + 1] = {};
  std::uint64_t struck_ = 0;
  std::optional<std::pair<FactKind, Tell>> held_;
};

}  // namespace dvt::test
