// Fingerprint: a running 64-bit hash over the domain events, stored rows and engine facts of a run, in the order in
// which they happen (design §3). The same for memory, :memory: and file stores, with or without recording, output or
// progress, from every compiler. Passive: with or without it a run is the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/ports/telemetry.h"
#include "sim/check/digest.h"

namespace dvt::sim {

/// Sixteen lower-case hex digits.
std::string hex16(std::uint64_t value);

class Fingerprint final : public Telemetry {
 public:
  /// The hash of all facts so far.
  std::uint64_t value() const;
  std::string text() const { return hex16(value()); }
  /// Facts hashed so far.
  std::uint64_t facts() const { return facts_; }
  /// Gets every further fact; nullptr: none. Costs a fact about as much again as hashing it.
  void set_sink(DigestSink* sink) { sink_ = sink; }

  void run_requested(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant, Instant at) override;
  void run_accepted(const RunAccepted& fact) override;
  void run_rejected(RunOrdinal run, std::string_view code, Instant at) override;
  void signal_decided(const SignalFact& fact) override;
  void signal_repeated(const SignalFact& fact) override;
  void run_request_given_up(RunOrdinal run, std::string_view code, Instant at) override;
  void signal_applied(const SignalFact& fact) override;
  void signal_lost(const SignalFact& fact) override;

  void run_started(RunOrdinal run, PlanOrdinal plan, Instant at) override;
  void run_closed(const RunClosed& fact) override;
  void run_paused(RunOrdinal run, Instant at) override;
  void run_resumed(RunOrdinal run, Instant at) override;
  void activity_scheduled(const ActivityFact& fact) override;
  void activity_started(const ActivityFact& fact) override;
  void activity_closed(const ActivityFact& fact, ActivityOutcome outcome, std::string_view error_code) override;
  void activity_retry(const ActivityFact& fact, std::string_view cause, Instant next_at,
                      std::uint32_t max_attempts) override;
  void workflow_task_completed(const WorkflowTaskFact& fact) override;
  void workflow_task_failed(const WorkflowTaskFact& fact, std::string_view cause) override;
  void nondeterminism(RunOrdinal run, std::string_view report, Instant at) override;
  void timer_fired(RunOrdinal run, Instant due, Instant at) override;
  void child_started(const ChildFact& fact) override;
  void child_closed(const ChildFact& fact, ChildEnd end) override;
  void worker_changed(std::uint32_t queue, std::uint32_t worker, bool up, Instant at) override;

  void warehouse_done(const WarehouseFact& fact) override;

  void append_done(const AppendFact& fact) override;
  void spool_changed(const SpoolFact& fact) override;
  void event_committed(const StoredEvent& event) override;
  void snapshots_committed(std::uint32_t partition, std::uint64_t watermark, const std::vector<StoredEvent>& events,
                           const std::vector<SnapshotFact>& snapshots, Instant at) override;
  void gap_suspected(RunOrdinal run, Instant at) override;
  void gap_confirmed(RunOrdinal run, Instant at) override;
  void outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) override;
  void outbox_published(const StoredEvent& event, Instant at) override;
  void delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                 Instant at) override;
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override;

  void fault_injected(std::string_view name, Instant at) override;
  void fault_healed(std::string_view name, Instant at) override;
  void fault_struck(std::string_view name, Instant at) override;
  void notice(const NoticeFact& fact) override;

 private:
  // One multiplication and one xor-shift a word: for a given state, different words give different states.
  void mix(std::uint64_t word) {
    hash_ = (hash_ ^ word) * 0x9E3779B97F4A7C15U;
    hash_ ^= hash_ >> 32;
  }
  void mix(Instant at) { mix(static_cast<std::uint64_t>(at.ns)); }
  void mix_bytes(const void* bytes, std::size_t size);
  void mix_text(std::string_view text);
  void mix_state(const RunState& state);
  /// Mixes the fact's numbers, counts it and tells the sink. Whatever else belongs to the fact was mixed before.
  void fact(DigestFact fact, Instant at, std::uint32_t run, std::uint64_t a = 0, std::uint64_t b = 0,
            std::uint64_t c = 0);
  void signal(DigestFact kind, const SignalFact& fact);
  void activity(DigestFact kind, const ActivityFact& fact, std::uint64_t more = 0);
  void named(DigestFact kind, std::string_view name, Instant at);

  std::uint64_t hash_ = 0x6476747369'6D3031U;  // "dvtsim01"
  std::uint64_t facts_ = 0;
  DigestSink* sink_ = nullptr;
};

}  // namespace dvt::sim
