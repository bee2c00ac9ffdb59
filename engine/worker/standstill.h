// Work that has to wait because its process stands still, or cannot reach the server. Reasons add up: a worker goes on
// when the last one is over, and does then, in order, what it could not do before.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/function.h"

namespace dvt::engine {

class Standstill {
 public:
  /// Workers are counted over all queues.
  void begin(std::uint32_t worker) { ++state(worker).reasons; }
  void end(std::uint32_t worker) {
    State& of = state(worker);
    if (of.reasons > 0) --of.reasons;
    go_on(worker);
  }
  void begin_all() { ++all_; }
  void end_all() {
    if (all_ > 0) --all_;
    for (std::uint32_t worker = 0; worker < states_.size(); ++worker) go_on(worker);
  }
  bool holds(std::uint32_t worker) const {
    return all_ > 0 || (worker < states_.size() && states_[worker].reasons > 0);
  }
  bool holds_all() const { return all_ > 0; }
  /// Now, or as soon as the worker goes on.
  void when_awake(std::uint32_t worker, Callback work) {
    if (!holds(worker)) return work();
    state(worker).waiting.push_back(std::move(work));
  }
  /// The process died: what waits is gone, and its own reasons with it.
  void forget(std::uint32_t worker) {
    if (worker < states_.size()) states_[worker] = {};
  }

 private:
  struct State {
    std::uint32_t reasons = 0;
    std::vector<Callback> waiting;
  };
  State& state(std::uint32_t worker) {
    if (worker >= states_.size()) states_.resize(worker + 1);
    return states_[worker];
  }
  void go_on(std::uint32_t worker) {
    if (holds(worker)) return;
    std::vector<Callback> waiting = std::move(states_[worker].waiting);
    states_[worker].waiting.clear();
    for (Callback& work : waiting) work();
  }

  std::uint32_t all_ = 0;
  std::vector<State> states_;
};

}  // namespace dvt::engine
