// Retention (domain §3): closed runs leave the StateStore for its archive, and nothing may be lost on the way.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/ids.h"
#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/ports/state_store.h"

namespace dvt {

struct ArchiveCounts {
  std::uint64_t runs = 0;
  std::uint64_t events = 0;
  std::uint64_t decisions = 0;
};

class RunArchive {
 public:
  virtual ~RunArchive() = default;
  /// Moves released runs into the archive: all that can go or, on an error, none. They are removed only after what was
  /// archived has been read back and found equal, row by row. A run of which something is undelivered, unprojected, a
  /// dead letter or still open stays: `moved` is shorter by it. An archived run is unknown_run to append() and
  /// decide(); its request stays known.
  virtual Result<ArchiveCounts, StoreError> archive(std::span<const RunOrdinal> runs, Instant now,
                                                    std::vector<RunOrdinal>& moved) = 0;
  /// As StateStore::fetch and snapshot, of runs in the archive; each row is checked against its hash.
  virtual void fetch_archived(RunOrdinal run, std::uint64_t after_seq, std::size_t limit,
                              std::vector<StoredEvent>& out) = 0;
  virtual std::optional<StoredSnapshot> archived_snapshot(RunOrdinal run) = 0;
  /// All that was ever moved; StoreCounts go on counting it.
  virtual ArchiveCounts archived() const = 0;
};

}  // namespace dvt
