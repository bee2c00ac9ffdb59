// Timers in virtual time for tests of one component: run() steps from deadline to deadline. Equal deadlines fire in the
// order they were set, as the kernel's do.
#pragma once

#include <map>
#include <utility>

#include "engine/base/assert.h"
#include "engine/ports/timers.h"

namespace dvt::test {

class FakeTimers final : public Timers {
 public:
  Instant now() const override { return now_; }

  TimerId call_at(Instant when, Callback&& callback) override {
    DVT_ASSERT(when >= now_, "a timer set in the past");
    const TimerId id{++last_id_};
    timers_.emplace(std::pair(when, id.value), std::move(callback));
    deadlines_.emplace(id.value, when);
    return id;
  }

  bool cancel(TimerId timer) override {
    const auto found = deadlines_.find(timer.value);
    if (found == deadlines_.end()) return false;
    timers_.erase(std::pair(found->second, timer.value));
    deadlines_.erase(found);
    return true;
  }

  /// Fires everything due up to and including `until`, then stands at `until`.
  void run_until(Instant until) {
    while (!timers_.empty() && timers_.begin()->first.first <= until) step();
    now_ = until;
  }
  void run_for(Duration duration) { run_until(now_ + duration); }
  /// Fires until no timer is set.
  void run() {
    while (!timers_.empty()) step();
  }
  std::size_t pending() const { return timers_.size(); }
  std::uint64_t fired() const { return fired_; }

 private:
  void step() {
    auto node = timers_.extract(timers_.begin());
    now_ = node.key().first;
    deadlines_.erase(node.key().second);
    ++fired_;
    node.mapped()();
  }

  Instant now_;
  std::uint64_t last_id_ = 0;
  std::uint64_t fired_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, Callback> timers_;
  std::map<std::uint64_t, Instant> deadlines_;
};

}  // namespace dvt::test
