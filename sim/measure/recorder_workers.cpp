// Facts of workflow tasks, workers, the adapter and the warehouses.
#include "engine/base/assert.h"
#include "sim/measure/recorder.h"
#include "sim/measure/recorder_handles.h"

namespace dvt::sim {

// Replay is known when the task's answer comes, not when the task starts.
void Measure::workflow_task_completed(const WorkflowTaskFact& fact) {
  if (is_probe(fact.run)) return;
  ++tally_->workflow_tasks;
  if (fact.replayed_events == 0) return;
  ++tally_->workflow_tasks_replayed;
  tally_->replayed_events += fact.replayed_events;
}
void Measure::workflow_task_failed(const WorkflowTaskFact& fact, std::string_view) {
  if (is_probe(fact.run)) return;
  ++tally_->workflow_tasks_failed;
}
void Measure::nondeterminism(RunOrdinal, std::string_view, Instant) {
  ++tally_->nondeterminism;
}
void Measure::timer_fired(RunOrdinal, Instant, Instant) {
  ++tally_->timers_fired;
}
void Measure::child_started(const ChildFact&) {
  ++tally_->children_started;
}
void Measure::child_closed(const ChildFact&, ChildEnd end) {
  ++(end == ChildEnd::completed ? tally_->children_completed : tally_->children_not_completed);
}

void Measure::worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) {
  DVT_ASSERT(queue < worker_up_.size(), "a worker of an unknown task queue");
  std::vector<bool>& workers = worker_up_[queue];
  DVT_ASSERT(worker < workers.size(), "a worker beyond its task queue's");
  if (workers[worker] == up) return;
  workers[worker] = up;
  if (up) {
    --workers_down_[queue];
    ++tally_->worker_restarts;
  } else {
    ++workers_down_[queue];
    ++tally_->worker_crashes;
  }
  handles_->workers[queue]->set(static_cast<double>(workers.size() - workers_down_[queue]));
  if (faults_.waiting(RecoveryBy::workers)) check_levels(at);
}

void Measure::adapter_rpc(std::string_view method, std::string_view status, Duration took, Instant) {
  Handles::Rpc& rpc = handles_->rpc(method, status);
  rpc.duration->observe(in_ms(took));
  if (rpc.errors) rpc.errors.add();
}

void Measure::completion_refused(RunOrdinal, std::uint32_t, Instant) {
  ++tally_->completions_refused;
}

void Measure::adapter_heartbeat(Instant at) {
  handles_->heartbeat->set(in_seconds(Duration{(config_.start + (at - Instant{})).ns}));
  if (faults_.waiting(RecoveryBy::adapter)) faults_.level(RecoveryBy::adapter, 0, true, at);
}

void Measure::notice(const NoticeFact& fact) {
  ++counts_[std::string("notice.").append(fact.name)];
}

void Measure::warehouse_done(const WarehouseFact& fact) {
  ++tally_->warehouse_jobs;
  if (!fact.ok) ++tally_->warehouse_errors;
  RunSlot* slot = slot_for(fact.run);
  if (slot == nullptr) return;
  for (OpenStep& step : slot->steps) {
    if (step.step != fact.step || step.attempt != fact.attempt || step.phase != OpenStep::Phase::running) continue;
    step.query_ended = true;
    step.query_ended_at = fact.at;
  }
}

void Measure::warehouse_level(std::uint32_t warehouse, std::uint32_t, std::uint32_t queued, Instant at) {
  DVT_ASSERT(warehouse < warehouse_queued_.size(), "an unknown warehouse");
  warehouse_queued_[warehouse] = queued;
  if (faults_.waiting(RecoveryBy::warehouse)) check_levels(at);
}

std::uint32_t Measure::warehouse_queue() const {
  std::uint32_t sum = 0;
  for (const std::uint32_t queued : warehouse_queued_) sum += queued;
  return sum;
}

}  // namespace dvt::sim
