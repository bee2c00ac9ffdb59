// Load: how busy a pool of servers was, how long its queue grew, and how fast it emptied. Plain sums over virtual time,
// kept by whoever owns the servers; nothing is drawn and no timer is set.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "engine/base/time.h"

namespace dvt {

/// A number over time: its integral, and its maximum since `from`. Memory does not grow.
class LevelOverTime {
 public:
  /// What happens before `from` sets the level and does not count.
  explicit LevelOverTime(Instant from = {}) : from_(from), since_(from) {}

  /// `at` must not go back.
  void set(std::uint64_t level, Instant at) {
    add_until(at);
    level_ = level;
    if (at >= from_ && level_ > max_) raise(at);
  }
  std::uint64_t level() const { return level_; }
  std::uint64_t max() const { return max_; }
  Instant max_at() const { return max_at_; }
  /// Time-weighted mean over [from, to]; 0 when that is empty.
  double mean(Instant to) const {
    LevelOverTime copy = *this;
    copy.add_until(to);
    return to > from_ ? static_cast<double>(copy.integral_) / static_cast<double>((to - from_).ns) : 0.0;
  }

 private:
  __extension__ using Wide = unsigned __int128;

  void add_until(Instant at) {
    if (at <= since_) return;
    // A level that stood when counting began is a maximum too.
    if (since_ == from_ && level_ > max_) raise(from_);
    integral_ += static_cast<Wide>(level_) * static_cast<std::uint64_t>((at - since_).ns);
    since_ = at;
  }
  void raise(Instant at) {
    max_ = level_;
    max_at_ = at;
  }

  Instant from_;
  Instant since_;
  std::uint64_t level_ = 0;
  Wide integral_ = 0;
  std::uint64_t max_ = 0;
  Instant max_at_;
};

/// What a pool of servers did from `from` to `to`. Rates are per virtual second.
struct LoadFigures {
  double servers = 0;      // mean number of provisioned servers
  double utilisation = 0;  // busy server time ÷ provisioned server time
  double offered = 0;      // requests that came
  double capacity = 0;     // what the servers could serve at the mean service time seen; 0: nothing was served
  double queue_mean = 0;
  std::uint64_t queue_max = 0;
  Instant queue_max_at;
  /// From the longest queue until it was first down to the floor; absent while it was not.
  std::optional<Duration> drained;
  /// queue_max ÷ (capacity − offered): what draining it takes while requests keep coming; absent without spare
  /// capacity.
  std::optional<Duration> drain_time;
};

class ServerLoad {
 public:
  /// `floor`: the longest queue that still counts as drained (what waits on a quiet day, such as a batch being filled).
  void count_from(Instant from, std::uint64_t floor) {
    from_ = from;
    floor_ = floor;
    servers_ = LevelOverTime(from);
    queue_ = LevelOverTime(from);
  }
  void set_servers(std::uint64_t servers, Instant at) { servers_.set(servers, at); }
  void set_queue(std::uint64_t waiting, Instant at) {
    queue_.set(waiting, at);
    if (at < from_) return;
    if (queue_.max_at() == at && queue_.level() == queue_.max()) {
      drained_at_.reset();
    } else if (waiting <= floor_ && !drained_at_) {
      drained_at_ = at;
    }
  }
  std::uint64_t queue() const { return queue_.level(); }
  void offered(std::uint64_t requests, Instant at) {
    if (at >= from_) offered_ += requests;
  }
  /// `requests` were served in `busy` of one server's time, ended at `at`.
  void served(std::uint64_t requests, Duration busy, Instant at) {
    if (at < from_) return;
    served_ += requests;
    busy_ += busy;
  }
  LoadFigures figures(Instant to) const {
    LoadFigures out;
    const double seconds = static_cast<double>((to - from_).ns) / 1e9;
    out.servers = servers_.mean(to);
    out.queue_mean = queue_.mean(to);
    out.queue_max = queue_.max();
    out.queue_max_at = queue_.max_at();
    if (out.queue_max > floor_ && drained_at_) out.drained = *drained_at_ - queue_.max_at();
    if (out.queue_max <= floor_) out.drained = Duration{};
    if (!(seconds > 0)) return out;
    const double busy = static_cast<double>(busy_.ns) / 1e9;
    out.offered = static_cast<double>(offered_) / seconds;
    if (out.servers > 0) out.utilisation = busy / (out.servers * seconds);
    if (busy > 0) out.capacity = static_cast<double>(served_) * out.servers / busy;
    if (out.capacity > out.offered) {
      out.drain_time =
          Duration{static_cast<std::int64_t>(static_cast<double>(out.queue_max) / (out.capacity - out.offered) * 1e9)};
    }
    return out;
  }

 private:
  Instant from_;
  std::uint64_t floor_ = 0;
  LevelOverTime servers_;
  LevelOverTime queue_;
  std::optional<Instant> drained_at_;
  std::uint64_t offered_ = 0;
  std::uint64_t served_ = 0;
  Duration busy_;
};

}  // namespace dvt
