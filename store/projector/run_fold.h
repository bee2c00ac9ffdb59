// The projector's cache of read models: the folded state of each open run and how far it was folded. A run that is not
// held is loaded from its stored snapshot, so anything may be dropped at any time.
#pragma once

#include <deque>
#include <vector>

#include "engine/ports/state_store.h"
#include "store/db/ordinal_map.h"

namespace dvt::store {

struct FoldedRun {
  RunOrdinal run;
  RunState state;
  std::uint64_t last_seq = 0;
  std::uint32_t invalid = 0;  // invalid transitions since the last commit
  bool touched = false;       // folded since the last commit
  bool released = false;      // to be dropped at the next commit
  bool stale = false;         // its stored snapshot is corrupt: to be folded anew from the log before anything else
};

class RunFolds {
 public:
  explicit RunFolds(StateStore& store) : store_(store) {}

  /// The run's state, from the cache or the store; an empty state for a run without a snapshot, and for one whose
  /// snapshot is corrupt (stale). Throws StoreFailure when the store cannot be read.
  FoldedRun& get(RunOrdinal run);
  /// Null when not cached.
  FoldedRun* find(RunOrdinal run);
  void drop(RunOrdinal run);
  std::size_t size() const { return index_.size(); }

 private:
  StateStore& store_;
  db::OrdinalMap index_;
  std::deque<FoldedRun> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace dvt::store
