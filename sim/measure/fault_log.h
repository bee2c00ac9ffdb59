// Faults as they were injected and healed, and how long the control plane took to recover. Recovery begins at the heal;
// a kind without a length (kill, restart) recovers from its injection. It is reached at the first fact at which
// everything that the target feeds is well again:
//   projection  projector, links: fewer than 50 events unprojected, or the oldest younger than 1 s
//   store       the same, after the first successful append
//   warehouse   the warehouse's queue is empty
//   workers     every worker of the queue (or of all) is up
//   delivery    outbox, bus: no event waits longer than 5 s for a subscription
//   adapter     the first heartbeat
//   api         the first answer below 500
//   at_heal     everything else: at the heal itself
// A new episode before recovery restarts the clock at its own heal. Whole run, warm-up included.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/time.h"
#include "sim/measure/results.h"

namespace dvt::sim {

enum class RecoveryBy : std::uint8_t { projection, store, warehouse, workers, delivery, adapter, api, at_heal };

struct FaultInfo {
  std::string name;
  RecoveryBy recovery = RecoveryBy::at_heal;
  std::uint32_t index = 0;               // warehouse or queue; kEvery: all of them
  bool recovers_from_injection = false;  // kinds without a length
  static constexpr std::uint32_t kEvery = std::numeric_limits<std::uint32_t>::max();
};

class FaultLog {
 public:
  static constexpr std::size_t kEpisodeLimit = 10'000;

  explicit FaultLog(std::vector<FaultInfo> faults);

  void injected(std::string_view name, Instant at);
  void healed(std::string_view name, Instant at);
  void struck(std::string_view name);

  /// Some fault waits for recovery by `by`: the caller then looks and tells. Cheap, for hot paths.
  bool waiting(RecoveryBy by) const { return (waiting_ & bit(by)) != 0; }
  /// Whether the condition of `by` holds now, for that warehouse or queue. A fault that recovers from its injection is
  /// looked at from the next instant on (it strikes in its own); if nothing was unwell it recovered at once.
  void level(RecoveryBy by, std::uint32_t index, bool well, Instant at);
  /// An append succeeded: the first half of the recovery of a store.
  void append_succeeded() { append_seen_ = true; }
  bool store_is_writable() const { return append_seen_; }

  std::vector<FaultSummary> summary() const;

 private:
  static constexpr std::uint32_t bit(RecoveryBy by) { return 1U << static_cast<unsigned>(by); }
  struct Entry {
    FaultInfo info;
    FaultSummary summary;
    std::size_t next_unhealed = 0;  // indices into summary.episodes
    std::size_t next_unrecovered = 0;
    bool active = false;
    bool recovering = false;
    bool any_recovered = false;
    bool unwell_seen = false;
    Instant recovering_since;
    Duration longest;
  };
  Entry* find(std::string_view name);
  void start_recovery(Entry& entry, Instant at);
  void recovered(Entry& entry, Instant at);
  void update_waiting();

  std::vector<Entry> entries_;
  std::uint32_t waiting_ = 0;
  bool append_seen_ = false;
};

}  // namespace dvt::sim
