// From a folded RunState to the snapshot of domain §3 and its hash: the one place where dense ids become texts and
// instants become wall-clock times. Both stores use it.
#pragma once

#include <string>
#include <vector>

#include "engine/base/run_state.h"
#include "engine/base/sha256.h"
#include "engine/base/uuid.h"
#include "engine/ports/state_store.h"

namespace dvt::store::db {

class SnapshotHasher {
 public:
  /// `start`: the scenario's start, which instants count from.
  explicit SnapshotHasher(UnixNanos start) : start_(start) {}

  /// SHA-256 of canonical(). Plans are told apart by their ordinal; a plan must not change between calls.
  Digest hash(const Uuid& run_id, const PlanRecord& plan, const RunState& state);
  /// The RFC 8785 text. Steps without any event are absent.
  std::string canonical(const Uuid& run_id, const PlanRecord& plan, const RunState& state);

 private:
  const RunSnapshot& fill(const Uuid& run_id, const PlanRecord& plan, const RunState& state);

  UnixNanos start_;
  char run_id_[36] = {};
  RunSnapshot scratch_;
  std::vector<std::vector<std::uint32_t>> order_;  // by plan: step indices in the order of their ids in canonical JSON
};

}  // namespace dvt::store::db
