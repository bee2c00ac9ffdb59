// Tells every fact to several listeners, in the order added. Which listeners there are changes nothing in a run.
#pragma once

#include <vector>

#include "engine/ports/telemetry.h"

namespace dvt {

class TelemetryFanOut final : public Telemetry {
 public:
  /// `listener` must outlive the fan-out. Not to be called while a fact is being told.
  void add(Telemetry& listener) { listeners_.push_back(&listener); }

  // API
  void api_request(std::string_view route, int http_code, std::string_view error, Duration took, Instant at) override {
    for (Telemetry* listener : listeners_) listener->api_request(route, http_code, error, took, at);
  }
  void run_requested(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_requested(run, plan, tenant, at);
  }
  void run_accepted(const RunAccepted& fact) override {
    for (Telemetry* listener : listeners_) listener->run_accepted(fact);
  }
  void run_rejected(RunOrdinal run, std::string_view code, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_rejected(run, code, at);
  }
  void run_request_retried(RunOrdinal run, std::uint32_t attempt, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_request_retried(run, attempt, at);
  }
  void run_request_given_up(RunOrdinal run, std::string_view code, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_request_given_up(run, code, at);
  }
  void run_admitted(RunOrdinal run, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_admitted(run, at);
  }
  void decision_stored(const SignalDecision& decision, Instant at) override {
    for (Telemetry* listener : listeners_) listener->decision_stored(decision, at);
  }
  void signal_repeated(const SignalFact& fact) override {
    for (Telemetry* listener : listeners_) listener->signal_repeated(fact);
  }
  void signal_waits(RunOrdinal run, std::uint64_t signal, bool waits, std::size_t length, Instant at) override {
    for (Telemetry* listener : listeners_) listener->signal_waits(run, signal, waits, length, at);
  }
  void alert_escalated(RunOrdinal run, std::string_view level, Instant at) override {
    for (Telemetry* listener : listeners_) listener->alert_escalated(run, level, at);
  }
  void signal_decided(const SignalFact& fact) override {
    for (Telemetry* listener : listeners_) listener->signal_decided(fact);
  }
  void signal_applied(const SignalFact& fact) override {
    for (Telemetry* listener : listeners_) listener->signal_applied(fact);
  }
  void signal_lost(const SignalFact& fact) override {
    for (Telemetry* listener : listeners_) listener->signal_lost(fact);
  }

  // Engine
  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_started(run, plan, at);
  }
  void run_closed(const RunClosed& fact) override {
    for (Telemetry* listener : listeners_) listener->run_closed(fact);
  }
  void run_paused(RunOrdinal run, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_paused(run, at);
  }
  void run_resumed(RunOrdinal run, Instant at) override {
    for (Telemetry* listener : listeners_) listener->run_resumed(run, at);
  }
  void activity_scheduled(const ActivityFact& fact) override {
    for (Telemetry* listener : listeners_) listener->activity_scheduled(fact);
  }
  void activity_started(const ActivityFact& fact) override {
    for (Telemetry* listener : listeners_) listener->activity_started(fact);
  }
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view error_code) override {
    for (Telemetry* listener : listeners_) listener->activity_closed(fact, outcome, error_code);
  }
  void activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at,
                      std::uint32_t max_attempts) override {
    for (Telemetry* listener : listeners_) listener->activity_retry(fact, cause, next_at, max_attempts);
  }
  void workflow_task_scheduled(const WorkflowTaskFact& fact) override {
    for (Telemetry* listener : listeners_) listener->workflow_task_scheduled(fact);
  }
  void workflow_task_started(const WorkflowTaskFact& fact) override {
    for (Telemetry* listener : listeners_) listener->workflow_task_started(fact);
  }
  void workflow_task_completed(const WorkflowTaskFact& fact) override {
    for (Telemetry* listener : listeners_) listener->workflow_task_completed(fact);
  }
  void workflow_task_failed(const WorkflowTaskFact& fact, std::string_view cause) override {
    for (Telemetry* listener : listeners_) listener->workflow_task_failed(fact, cause);
  }
  void nondeterminism(RunOrdinal run, std::string_view report, Instant at) override {
    for (Telemetry* listener : listeners_) listener->nondeterminism(run, report, at);
  }
  void timer_fired(RunOrdinal run, Instant due, Instant at) override {
    for (Telemetry* listener : listeners_) listener->timer_fired(run, due, at);
  }
  void child_started(const ChildFact& fact) override {
    for (Telemetry* listener : listeners_) listener->child_started(fact);
  }
  void child_closed(const ChildFact& fact, ChildEnd end) override {
    for (Telemetry* listener : listeners_) listener->child_closed(fact, end);
  }
  void worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) override {
    for (Telemetry* listener : listeners_) listener->worker_changed(queue, worker, up, at);
  }
  void adapter_rpc(std::string_view method, std::string_view status, Duration took, Instant at) override {
    for (Telemetry* listener : listeners_) listener->adapter_rpc(method, status, took, at);
  }
  void completion_refused(RunOrdinal run, std::uint32_t attempt, Instant at) override {
    for (Telemetry* listener : listeners_) listener->completion_refused(run, attempt, at);
  }
  void adapter_heartbeat(Instant at) override {
    for (Telemetry* listener : listeners_) listener->adapter_heartbeat(at);
  }
  void notice(const NoticeFact& fact) override {
    for (Telemetry* listener : listeners_) listener->notice(fact);
  }

  // Warehouse
  void warehouse_done(const WarehouseFact& fact) override {
    for (Telemetry* listener : listeners_) listener->warehouse_done(fact);
  }
  void warehouse_level(std::uint32_t warehouse, std::uint32_t running, std::uint32_t queued, Instant at) override {
    for (Telemetry* listener : listeners_) listener->warehouse_level(warehouse, running, queued, at);
  }

  // Store, projector, outbox, bus
  void append_done(const AppendFact& fact) override {
    for (Telemetry* listener : listeners_) listener->append_done(fact);
  }
  void stale_read(const StaleReadFact& fact) override {
    for (Telemetry* listener : listeners_) listener->stale_read(fact);
  }
  void snapshot_unverified(RunOrdinal run, Instant at) override {
    for (Telemetry* listener : listeners_) listener->snapshot_unverified(run, at);
  }
  void disk_free(std::int64_t ppb, Instant at) override {
    for (Telemetry* listener : listeners_) listener->disk_free(ppb, at);
  }
  void spool_changed(const SpoolFact& fact) override {
    for (Telemetry* listener : listeners_) listener->spool_changed(fact);
  }
  void event_committed(const StoredEvent& event) override {
    for (Telemetry* listener : listeners_) listener->event_committed(event);
  }
  void snapshots_committed(std::uint32_t partition, std::uint64_t watermark, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>& facts, Instant at) override {
    for (Telemetry* listener : listeners_) listener->snapshots_committed(partition, watermark, events, facts, at);
  }
  void gap_suspected(RunOrdinal run, Instant at) override {
    for (Telemetry* listener : listeners_) listener->gap_suspected(run, at);
  }
  void gap_confirmed(RunOrdinal run, Instant at) override {
    for (Telemetry* listener : listeners_) listener->gap_confirmed(run, at);
  }
  void outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) override {
    for (Telemetry* listener : listeners_) listener->outbox_leased(relay, position, until, at);
  }
  void outbox_published(const StoredEvent& event, Instant at) override {
    for (Telemetry* listener : listeners_) listener->outbox_published(event, at);
  }
  void outbox_released(std::uint64_t position, Instant at) override {
    for (Telemetry* listener : listeners_) listener->outbox_released(position, at);
  }
  void event_consumed(std::uint32_t subscription, const StoredEvent& event, Instant at) override {
    for (Telemetry* listener : listeners_) listener->event_consumed(subscription, event, at);
  }
  void delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                 Instant at) override {
    for (Telemetry* listener : listeners_) listener->delivered(subscription, event, attempts, first, at);
  }
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override {
    for (Telemetry* listener : listeners_) listener->dead_lettered(subscription, event, at);
  }
  void dead_letter_redriven(std::uint32_t subscription, const StoredEvent& event, Instant at) override {
    for (Telemetry* listener : listeners_) listener->dead_letter_redriven(subscription, event, at);
  }
  void run_resynced(const ResyncFact& fact) override {
    for (Telemetry* listener : listeners_) listener->run_resynced(fact);
  }
  void projector_laid_out(std::uint32_t partitions, Instant at) override {
    for (Telemetry* listener : listeners_) listener->projector_laid_out(partitions, at);
  }

  // Faults
  void fault_injected(std::string_view name, Instant at) override {
    for (Telemetry* listener : listeners_) listener->fault_injected(name, at);
  }
  void fault_healed(std::string_view name, Instant at) override {
    for (Telemetry* listener : listeners_) listener->fault_healed(name, at);
  }
  void fault_struck(std::string_view name, Instant at) override {
    for (Telemetry* listener : listeners_) listener->fault_struck(name, at);
  }

 private:
  std::vector<Telemetry*> listeners_;
};

}  // namespace dvt
