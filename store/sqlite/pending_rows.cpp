#include "store/sqlite/pending_rows.h"

namespace dvt::store {

void PendingRows::value(std::uint64_t row, int column, db::ColumnOut& out) const {
  const StoredEvent& event = ring_[first + row];
  const auto integer = [&out](auto number) { out.integer(static_cast<std::int64_t>(number)); };
  switch (column) {
    case 0:
      return integer(event.position);
    case 1:
      return integer(event.run.value);
    case 2:
      return integer(event.run_seq);
    case 3:
      return integer(event.type);
    case 4:
      if (event.step != kNoStep) integer(event.step.value);  // otherwise NULL
      return;
    case 5:
      return integer(event.logical_attempt);
    case 6:
      return integer(event.engine_attempt);
    case 7:
      return out.blob(event.event_id.bytes.data(), event.event_id.bytes.size());
    case 8:
      return out.blob(event.idempotency_key.bytes.data(), event.idempotency_key.bytes.size());
    case 9:
      return integer(event.emitted_at.ns);
    case 10:
      return integer(event.persisted_at.ns);
    case 11:
      if (event.payload) out.text(*event.payload);
      return;
    case 12:
      return out.blob(hashes[row].bytes.data(), hashes[row].bytes.size());
    default:
      return;
  }
}

}  // namespace dvt::store
