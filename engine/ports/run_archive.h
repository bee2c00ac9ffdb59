// Retention (domain §3): closed runs leave the StateStore for its archive, and nothing may be lost on the way.
#pragma once

#include <cstdint>
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
  /// All that was ever moved; StoreCounts go on counting it.
  virtual ArchiveCounts archived() const = 0;
};

}  // namespace dvt
