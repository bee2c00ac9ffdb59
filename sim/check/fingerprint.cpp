#include "sim/check/fingerprint.h"

#include "engine/base/format.h"

#include <bit>
#include <cstring>

namespace dvt::sim {
namespace {

// Type and step of an event in one number; describe() takes it apart again.
std::uint64_t event_word(const NewEvent& event) {
  return static_cast<std::uint64_t>(event.type) | (std::uint64_t{event.step.value} << 8);
}

std::uint64_t from(Instant at) {
  return static_cast<std::uint64_t>(at.ns);
}

std::uint64_t little_endian(std::uint64_t word) {
  if constexpr (std::endian::native == std::endian::big) return __builtin_bswap64(word);
  return word;
}

}  // namespace

std::string hex16(std::uint64_t value) {
  return fmt::format("{:016x}", value);
}

std::uint64_t Fingerprint::value() const {
  std::uint64_t v = hash_ ^ facts_;
  v = (v ^ (v >> 31)) * 0xD6E8FEB86659FD93U;
  v = (v ^ (v >> 32)) * 0xD6E8FEB86659FD93U;
  return v ^ (v >> 32);
}

void Fingerprint::mix_bytes(const void* bytes, std::size_t size) {
  const char* from_byte = static_cast<const char*>(bytes);
  for (; size >= 8; size -= 8, from_byte += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, from_byte, 8);
    mix(little_endian(word));
  }
  if (size == 0) return;
  std::uint64_t word = 0;
  std::memcpy(&word, from_byte, size);
  mix(little_endian(word));
}

void Fingerprint::mix_text(std::string_view text) {
  mix(text.size());
  mix_bytes(text.data(), text.size());
}

void Fingerprint::fact(DigestFact kind, Instant at, std::uint32_t run, std::uint64_t a, std::uint64_t b,
                       std::uint64_t c) {
  mix(static_cast<std::uint64_t>(kind) | (std::uint64_t{run} << 8));
  mix(at);
  mix(a);
  mix(b);
  mix(c);
  ++facts_;
  if (sink_ != nullptr) sink_->add({facts_, at, kind, run, a, b, c, hash_});
}

// ---- API ----

void Fingerprint::run_requested(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant, Instant at) {
  fact(DigestFact::run_requested, at, run.value, plan.value, tenant.value);
}

void Fingerprint::run_accepted(const RunAccepted& accepted) {
  mix_bytes(accepted.run_id.bytes.data(), accepted.run_id.bytes.size());
  mix(accepted.requested_at);
  fact(DigestFact::run_accepted, accepted.accepted_at, accepted.run.value, accepted.plan.value, accepted.tenant.value);
}

void Fingerprint::run_rejected(RunOrdinal run, std::string_view code, Instant at) {
  mix_text(code);
  fact(DigestFact::run_rejected, at, run.value);
}

void Fingerprint::signal(DigestFact kind, const SignalFact& of) {
  mix_text(of.code);
  mix(of.received_at);
  fact(kind, of.at, of.run.value, of.signal, static_cast<std::uint64_t>(of.type),
       static_cast<std::uint64_t>(of.status));
}
void Fingerprint::signal_decided(const SignalFact& of) {
  signal(DigestFact::signal_decided, of);
}
void Fingerprint::signal_repeated(const SignalFact& of) {
  signal(DigestFact::signal_repeated, of);
}
void Fingerprint::run_request_given_up(RunOrdinal run, std::string_view code, Instant at) {
  mix_text(code);
  fact(DigestFact::run_request_given_up, at, run.value);
}
void Fingerprint::signal_applied(const SignalFact& of) {
  signal(DigestFact::signal_applied, of);
}
void Fingerprint::signal_lost(const SignalFact& of) {
  signal(DigestFact::signal_lost, of);
}

// ---- Engine ----

void Fingerprint::run_started(RunOrdinal run, PlanOrdinal plan, Instant at) {
  fact(DigestFact::run_started, at, run.value, plan.value);
}

void Fingerprint::run_closed(const RunClosed& closed) {
  mix_text(closed.error_code);
  mix(closed.requested_at);
  fact(DigestFact::run_closed, closed.closed_at, closed.run.value, static_cast<std::uint64_t>(closed.outcome),
       static_cast<std::uint64_t>(closed.error_class), closed.plan.value);
}

void Fingerprint::run_paused(RunOrdinal run, Instant at) {
  fact(DigestFact::run_paused, at, run.value);
}
void Fingerprint::run_resumed(RunOrdinal run, Instant at) {
  fact(DigestFact::run_resumed, at, run.value);
}

void Fingerprint::activity(DigestFact kind, const ActivityFact& of, std::uint64_t more) {
  fact(kind, of.at, of.run.value, of.activity | (std::uint64_t{of.attempt} << 32), of.step.value, more);
}
void Fingerprint::activity_scheduled(const ActivityFact& of) {
  activity(DigestFact::activity_scheduled, of);
}
void Fingerprint::activity_started(const ActivityFact& of) {
  activity(DigestFact::activity_started, of);
}
void Fingerprint::activity_closed(const ActivityFact& of, ActivityOutcome outcome, std::string_view error_code) {
  if (!error_code.empty()) mix_text(error_code);
  activity(DigestFact::activity_closed, of, static_cast<std::uint64_t>(outcome));
}
void Fingerprint::activity_retry(const ActivityFact& of, std::string_view cause, Instant next_at,
                                 std::uint32_t max_attempts) {
  mix_text(cause);
  mix(max_attempts);
  activity(DigestFact::activity_retry, of, from(next_at));
}

void Fingerprint::workflow_task_completed(const WorkflowTaskFact& of) {
  fact(DigestFact::workflow_task_completed, of.at, of.run.value, of.task | (std::uint64_t{of.worker} << 32),
       of.history_events, of.replayed_events);
}
void Fingerprint::workflow_task_failed(const WorkflowTaskFact& of, std::string_view cause) {
  mix_text(cause);
  fact(DigestFact::workflow_task_failed, of.at, of.run.value, of.task | (std::uint64_t{of.worker} << 32),
       of.history_events);
}
void Fingerprint::nondeterminism(RunOrdinal run, std::string_view report, Instant at) {
  mix_text(report);
  fact(DigestFact::nondeterminism, at, run.value);
}
void Fingerprint::timer_fired(RunOrdinal run, Instant due, Instant at) {
  fact(DigestFact::timer_fired, at, run.value, from(due));
}
void Fingerprint::child_started(const ChildFact& of) {
  mix_text(of.type);
  fact(DigestFact::child_started, of.at, of.run.value, of.child);
}
void Fingerprint::child_closed(const ChildFact& of, ChildEnd end) {
  fact(DigestFact::child_closed, of.at, of.run.value, of.child, static_cast<std::uint64_t>(end));
}
void Fingerprint::worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) {
  fact(DigestFact::worker_changed, at, kNoRun, queue, worker, up ? 1 : 0);
}

void Fingerprint::notice(const NoticeFact& of) {
  mix_text(of.name);
  fact(DigestFact::notice, of.at, of.run.value);
}

// ---- Warehouse ----

void Fingerprint::warehouse_done(const WarehouseFact& of) {
  mix(of.submitted_at);
  mix(of.began_at);
  fact(DigestFact::warehouse_done, of.at, of.run.value, of.warehouse | (std::uint64_t{of.attempt} << 32), of.step.value,
       of.ok ? 1 : 0);
}

// ---- Store, projector, outbox, bus ----

// A first success is told by event_committed; its acknowledgement adds nothing.
void Fingerprint::append_done(const AppendFact& append) {
  if (append.ok && !append.receipt.idempotent) return;
  mix(append.issued_at);
  if (!append.ok) {
    fact(DigestFact::append_failed, append.at, append.event.run.value, static_cast<std::uint64_t>(append.error),
         event_word(append.event));
    return;
  }
  mix_bytes(append.receipt.event_id.bytes.data(), append.receipt.event_id.bytes.size());
  fact(DigestFact::append_duplicate, append.at, append.event.run.value, append.receipt.run_seq,
       event_word(append.event), append.receipt.position);
}

void Fingerprint::spool_changed(const SpoolFact& of) {
  mix_bytes(of.event.event_id.bytes.data(), of.event.event_id.bytes.size());
  fact(DigestFact::spool_changed, of.at, of.event.run.value, static_cast<std::uint64_t>(of.step), event_word(of.event),
       of.worker);
}

void Fingerprint::event_committed(const StoredEvent& event) {
  mix_bytes(event.event_id.bytes.data(), event.event_id.bytes.size());
  mix_bytes(event.idempotency_key.bytes.data(), event.idempotency_key.bytes.size());
  mix(event.logical_attempt | (std::uint64_t{event.engine_attempt} << 32));
  mix(event.emitted_at);
  if (event.payload) mix_text(*event.payload);
  fact(DigestFact::event_committed, event.persisted_at, event.run.value, event.run_seq, event_word(event),
       event.position);
}

void Fingerprint::mix_state(const RunState& state) {
  mix(from(state.started_at) ^ (state.has_started ? 1U : 0U));
  mix(from(state.completed_at) ^ (state.has_completed ? 1U : 0U));
  mix(state.steps.size());
  for (const StepState& step : state.steps) {
    mix(static_cast<std::uint64_t>(step.status) | (std::uint64_t{step.attempts} << 8) |
        (std::uint64_t{step.has_started} << 40) | (std::uint64_t{step.has_completed} << 41));
    mix(step.started_at);
    mix(step.completed_at);
  }
}

void Fingerprint::snapshots_committed(std::uint32_t partition, std::uint64_t watermark,
                                      const std::vector<StoredEvent>& events,
                                      const std::vector<SnapshotFact>& snapshots, Instant at) {
  fact(DigestFact::snapshots_committed, at, kNoRun, partition, watermark, events.size());
  for (const SnapshotFact& snapshot : snapshots) {
    std::uint64_t flags = 0;
    if (snapshot.state != nullptr) {
      const RunState& state = *snapshot.state;
      flags = static_cast<std::uint64_t>(state.status) | (std::uint64_t{state.paused} << 8) |
              (std::uint64_t{state.inconsistent} << 9);
      if (is_terminal(state.status)) mix_state(state);
    }
    fact(DigestFact::snapshot, at, snapshot.run.value, snapshot.up_to_seq, flags, snapshot.invalid_transitions);
  }
}

void Fingerprint::gap_suspected(RunOrdinal run, Instant at) {
  fact(DigestFact::gap_suspected, at, run.value);
}
void Fingerprint::gap_confirmed(RunOrdinal run, Instant at) {
  fact(DigestFact::gap_confirmed, at, run.value);
}

void Fingerprint::outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) {
  fact(DigestFact::outbox_leased, at, kNoRun, relay, position, from(until));
}
void Fingerprint::outbox_published(const StoredEvent& event, Instant at) {
  fact(DigestFact::outbox_published, at, event.run.value, event.run_seq, event_word(event), event.position);
}
void Fingerprint::delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                            Instant at) {
  fact(DigestFact::delivered, at, event.run.value, subscription | (std::uint64_t{attempts} << 32), event.position,
       first ? 1 : 0);
}
void Fingerprint::dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) {
  fact(DigestFact::dead_lettered, at, event.run.value, subscription, event.position);
}

// ---- Faults ----

void Fingerprint::named(DigestFact kind, std::string_view name, Instant at) {
  mix_text(name);
  fact(kind, at, kNoRun);
}
void Fingerprint::fault_injected(std::string_view name, Instant at) {
  named(DigestFact::fault_injected, name, at);
}
void Fingerprint::fault_healed(std::string_view name, Instant at) {
  named(DigestFact::fault_healed, name, at);
}
void Fingerprint::fault_struck(std::string_view name, Instant at) {
  named(DigestFact::fault_struck, name, at);
}

}  // namespace dvt::sim
