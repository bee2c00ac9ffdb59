// The outbox's working state in RAM: one entry for each position that is not delivered yet (or follows one that is
// not), with its lease, backoff and attempts. The rows in the database are brought up to this state at each commit.
// Guarantees: no entry has two live leases; claims come oldest position first.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <string_view>
#include <vector>

#include "engine/base/time.h"

namespace dvt::store {

/// Values are stored in the outbox table's column `state`.
enum class OutboxState : std::uint8_t { pending = 0, leased = 1, delivered = 2, dead = 3 };

constexpr std::string_view to_string(OutboxState state) {
  constexpr std::string_view kWords[] = {"pending", "leased", "delivered", "dead"};
  return kWords[static_cast<std::size_t>(state)];
}

struct OutboxEntry {
  Instant time;  // pending: not before; leased: until; delivered, dead: at
  std::uint32_t attempts = 0;
  std::uint32_t owner = 0;    // relay, while leased
  std::uint32_t version = 0;  // counts changes of state, so that a stale timer is recognised
  OutboxState state = OutboxState::pending;
  bool touched = false;  // differs from its row, or from a fresh row if it has none yet
};

class OutboxBook {
 public:
  /// Starts empty behind `last`, the newest position.
  void start_after(std::uint64_t last) { base_ = fresh_ = last + 1; }
  /// For reading back a file: the entry of position end(), in whatever state it was left.
  void restore(const OutboxEntry& entry);
  /// The entry of position end(): pending, due at once.
  void push();

  /// Positions [base(), end()) have entries; everything below is delivered or dead.
  std::uint64_t base() const { return base_; }
  std::uint64_t end() const { return base_ + entries_.size(); }
  const OutboxEntry& at(std::uint64_t position) const {
    return position >= base_ ? entries_[position - base_] : redriven_.at(position);
  }
  /// Whether the position has an entry: from base() on, or driven again out of the dead letter queue.
  bool has(std::uint64_t position) const {
    return position >= base_ || (!redriven_.empty() && redriven_.contains(position));
  }
  std::uint64_t pending() const { return entries_.size() - resolved_ + redriven_.size(); }

  /// The oldest due entry without a live lease, now leased to `relay` until `until`; 0 when there is none.
  std::uint64_t claim(std::uint32_t relay, Instant now, Instant until);
  /// False when the position was delivered or dead already.
  bool deliver(std::uint64_t position, Instant now) { return resolve(position, OutboxState::delivered, now); }
  bool bury(std::uint64_t position, Instant now) { return resolve(position, OutboxState::dead, now); }
  /// Ends a lease; false when the position is not leased.
  bool retry(std::uint64_t position, Instant not_before);
  /// Undoes a claim that came to nothing.
  void give_back(std::uint64_t position, Instant now);
  /// A dead letter is pending again, due at `now`, without attempts. Precondition: it was buried.
  void redrive(std::uint64_t position, Instant now);
  /// For reading back a file: an entry below base(), pending or leased.
  void restore_redriven(std::uint64_t position, const OutboxEntry& entry);

  /// Positions whose rows must be brought up to date (some may lie below base() by now).
  const std::vector<std::uint64_t>& touched() const { return touched_; }
  void clear_touched();

 private:
  struct Alarm {
    Instant time;
    std::uint64_t position;
    std::uint32_t version;
    bool operator>(const Alarm& other) const {
      return time != other.time ? time > other.time : position > other.position;
    }
  };
  struct Due {
    std::uint64_t position;
    std::uint32_t version;
    bool operator>(const Due& other) const { return position > other.position; }
  };
  bool live(std::uint64_t position) const;
  /// Nothing changed for the entry since `version`.
  bool current(std::uint64_t position, std::uint32_t version) const {
    return has(position) && at(position).version == version;
  }
  OutboxEntry& entry_at(std::uint64_t position) {
    return position >= base_ ? entries_[position - base_] : redriven_.at(position);
  }
  void drop_settled_front();
  bool resolve(std::uint64_t position, OutboxState state, Instant now);
  void touch(std::uint64_t position);
  void set_alarm(std::uint64_t position);

  std::deque<OutboxEntry> entries_;
  std::map<std::uint64_t, OutboxEntry> redriven_;  // below base_ only
  std::uint64_t base_ = 1;
  std::uint64_t resolved_ = 0;  // entries that are delivered or dead but not at the front
  std::uint64_t fresh_ = 1;     // from here on nothing was ever claimed
  std::priority_queue<Alarm, std::vector<Alarm>, std::greater<>> alarms_;  // ends of leases and of backoffs
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;         // below fresh_, claimable
  std::vector<std::uint64_t> touched_;
  std::uint32_t redrives_ = 0;  // makes the versions of a redriven entry differ from those of its earlier life
};

}  // namespace dvt::store
