// Counter-based random numbers. A draw is named by (purpose, a, b, c), where a, b, c identify a *logical* entity
// (run ordinal, activity number, attempt …) and never the order of service, a worker or a replica. So adding a draw
// moves no other, and two policies compare on common random numbers.
#pragma once

#include <cstdint>

#include "engine/base/bits.h"

namespace dvt {

/// What a draw is for. Numbers are part of the reproducibility contract: append, never renumber.
enum class Purpose : std::uint32_t {
  arrival_gap = 1,
  arrival_plan = 2,
  arrival_tenant = 3,
  run_id = 4,
  event_id = 5,
  api_latency = 6,
  store_write = 7,
  store_read = 8,
  poll = 9,            // task hand-over from matching to a worker
  respond = 10,        // a worker's answer to the server
  workflow_task = 11,  // execution time of a workflow task
  plan_fetch = 12,
  warehouse_duration = 13,
  warehouse_error = 14,
  warehouse_error_code = 15,
  bus_delivery = 16,
  bus_backoff = 17,
  worker_restart = 18,
  signal_gap = 19,
  signal_target = 20,
  signal_resume = 21,
  fault_episode = 22,
  fault_effect = 23,
  operation = 24,
  adapter_rpc = 25,
  read_gap = 26,
  read_target = 27,
  workflow_random = 28,
  shuffle = 29,
  commit_unknown = 30,
  client_backoff = 31,
  approval = 32,
  oncall = 33,
  probe = 34,
  message_fault = 40,  // which messages on the bus a fault strikes
  replica_lag = 41,    // how far a read replica of the store is behind
  call_fault = 42,     // which requests to the API, to a provider, to a warehouse … a fault strikes
  test = 1000,
};

class Random {
 public:
  virtual ~Random() = default;
  /// Fills four words: block number `block` of the stream (purpose, a, b, c). Pure: the same arguments give the same
  /// words.
  virtual void words(Purpose purpose, std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint32_t block,
                     std::uint64_t out[4]) const = 0;
};

/// One stream, read word by word. Cheap to make (no state but its position); make one per logical entity and drop it.
class Draws final : public BitSource {
 public:
  Draws(const Random& random, Purpose purpose, std::uint64_t a, std::uint64_t b = 0, std::uint64_t c = 0)
      : random_(random), purpose_(purpose), a_(a), b_(b), c_(c) {}
  std::uint64_t next() override {
    if (used_ == 4) {
      random_.words(purpose_, a_, b_, c_, block_++, words_);
      used_ = 0;
    }
    return words_[used_++];
  }

 private:
  const Random& random_;
  Purpose purpose_;
  std::uint64_t a_, b_, c_;
  std::uint32_t block_ = 0;
  unsigned used_ = 4;
  std::uint64_t words_[4];
};

}  // namespace dvt
