// OutboxChecker: the way of each committed event through outbox and bus to its consumers (domain §5). Keeps what is
// known of every event still on its way, in pages that are freed when all in them have arrived.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "sim/check/invariant.h"

namespace dvt::sim {

/// What is known of one committed event on its way.
struct Travel {
  Uuid event_id;
  RunOrdinal run;
  std::uint64_t run_seq = 0;
  Instant committed_at;
  Instant published_at;  // first time; valid when published > 0
  Instant leased_until;
  std::uint32_t pending = 0;   // a bit for each subscription that has neither got it nor given it up
  std::uint32_t given_up = 0;  // … that gave it up
  std::uint32_t consumed = 0;  // … whose consumer did its work
  std::uint32_t leases = 0;
  std::uint32_t published = 0;
  bool dead = false;          // the relay gave it up
  bool hole = false;          // no event has this position
  bool skipped = false;       // told already
  bool double_lease = false;  // told already
};

class OutboxChecker final : public Checker {
 public:
  explicit OutboxChecker(const InvariantConfig& config);
  std::size_t pages() const;

  void event_committed(const StoredEvent& event) override;
  void outbox_leased(std::uint32_t relay, std::uint64_t position, Instant until, Instant at) override;
  void outbox_published(const StoredEvent& event, Instant at) override;
  void outbox_released(std::uint64_t position, Instant at) override;
  void event_consumed(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void delivered(std::uint32_t subscription, const StoredEvent& event, std::uint32_t attempts, bool first,
                 Instant at) override;
  void dead_lettered(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void dead_letter_redriven(std::uint32_t subscription, const StoredEvent& event, Instant at) override;
  void finish(const EndOfRun& end) override;
  std::vector<Invariant*> invariants() override;

 private:
  static constexpr unsigned kPageBits = 8;  // small: one event that waits for hours holds its page
  static constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;
  struct Page {
    std::array<Travel, kPageSize> travel;
    std::size_t used = 0;
    std::size_t live = 0;
  };

  /// nullptr when the position was never committed, or the event has arrived everywhere and is forgotten.
  Travel* at(std::uint64_t position);
  bool arrived(const Travel& travel) const {
    return travel.pending == 0 && travel.given_up == 0 && travel.published > 0;
  }
  /// To be called when an event has just arrived everywhere.
  void settle(std::uint64_t position);
  void free_page(std::uint64_t page);
  Travel* same_event(const StoredEvent& event, Instant when, const char* what);
  void look_for_skipped(std::uint64_t position, Instant when);

  const InvariantConfig& config_;
  std::uint32_t all_pending_;
  std::uint64_t first_page_ = 0;
  std::deque<std::unique_ptr<Page>> pages_;
  std::unique_ptr<Page> spare_;
  std::uint64_t last_ = 0;
  std::uint64_t unpublished_from_ = 1;  // every event below has been published or given up
  std::uint64_t leased_up_to_ = 0;      // highest position ever leased

  Invariant only_committed_;
  Invariant skips_nothing_;
  Invariant one_lease_;
  Invariant at_least_once_;
  Invariant effect_once_;
};

}  // namespace dvt::sim
