// The event rows of a batch, as the database reads them (db/row_source.h).
#pragma once

#include <cstdint>
#include <vector>

#include "store/db/row_source.h"
#include "store/sqlite/event_ring.h"

namespace dvt::store {

/// Events first to last of the ring, with hashes[i] the row hash of first + i.
class PendingRows final : public db::RowSource {
 public:
  explicit PendingRows(const EventRing& ring) : ring_(ring) {}

  std::uint64_t first = 1;
  std::uint64_t last = 0;
  std::vector<Digest> hashes;

  /// In the order of table event.
  static constexpr const char* kColumns =
      "position, run_no, run_seq, type, step_no, logical_attempt, engine_attempt, event_id, idempotency_key,"
      " emitted_at_ns, persisted_at_ns, payload, row_hash";

  std::uint64_t rows() const override { return last + 1 - first; }
  void value(std::uint64_t row, int column, db::ColumnOut& out) const override;

 private:
  const EventRing& ring_;
};

}  // namespace dvt::store
