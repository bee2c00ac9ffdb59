// What goes wrong with the messages on one hop just now: set as a whole by whoever owns the faults.
#pragma once

#include <cstdint>

#include "engine/ports/fault_point.h"

namespace dvt::store {

/// Shares are in billionths of the messages; kEveryMessage strikes all.
inline constexpr std::int64_t kEveryMessage = 1'000'000'000;

struct HopFaults {
  bool held = false;                       // the receiving side stands still and keeps what comes
  bool down = false;                       // nobody there: a message fails when it arrives
  std::int64_t refused_ppb = 0;            // answered at once with an error
  std::int64_t lost_ppb = 0;               // vanish; nobody answers
  std::int64_t ack_lost_ppb = 0;           // taken, and the acknowledgement vanishes
  std::int64_t duplicated_ppb = 0;         // arrive twice
  std::int64_t reordered_ppb = 0;          // arrive right after the next one
  const LatencyScale* latency = nullptr;   // scales the hop's latency
  const LatencyScale* throttle = nullptr;  // scales the time a message takes of the receiver
};

/// Names the draws: whether a message meets this fate.
enum class Fate : std::uint8_t { refused, lost, ack_lost, duplicated, reordered };

}  // namespace dvt::store
