// What MarkerRecorded carries, by the marker's name: values that the workflow code chose and must see again on replay.
// Temporal keeps details as a map of payloads; rendered as one JSON, a body is an object of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/symbol.h"
#include "engine/base/time.h"
#include "engine/history/events.h"

namespace dvt::engine {

namespace marker_names {
extern const Symbol patch;           // "core_patch", as the core of the TypeScript SDK writes it
extern const Symbol side_effect;     // "SideEffect", as the Go and Java SDKs write it
extern const Symbol local_activity;  // "core_local_activity"
}  // namespace marker_names

class MarkerBody : public PayloadBody {
 public:
  struct Detail {
    std::string_view key;
    std::string json;
  };
  /// The entries of the event's map `details`; instants count from `start`.
  virtual std::vector<Detail> details(UnixNanos start) const = 0;
  void write_json(std::string& out) const override;
};

/// patched(): {"patch-data": {id, deprecated}}
class PatchMarker final : public MarkerBody {
 public:
  explicit PatchMarker(Symbol id_) : id(id_) {}
  std::vector<Detail> details(UnixNanos start) const override;
  const Symbol id;
};

/// side_effect(): {"side-effect-id": number, "data": value}
class SideEffectMarker final : public MarkerBody {
 public:
  SideEffectMarker(std::uint32_t id_, Payload value_) : id(id_), value(std::move(value_)) {}
  std::vector<Detail> details(UnixNanos start) const override;
  const std::uint32_t id;  // 1, 2, … per execution
  const Payload value;
};

/// The end of a local activity: {"data": {seq, attempt, activity_id, activity_type, complete_time, backoff,
/// original_schedule_time}, "result": value}; a failure stands in the event's own `failure` attribute.
class LocalActivityMarker final : public MarkerBody {
 public:
  struct Data {
    std::uint32_t seq = 0;  // 1, 2, … per execution; activity_id is its text
    Symbol type;
    std::uint32_t attempt = 1;  // the last one made
    Instant complete_time;
    Duration backoff;  // > 0: too long to wait inside a workflow task; the workflow sleeps and schedules it anew
    Instant original_schedule_time;
    Payload result;
    FailureRef failure;      // set: it failed, timed out or was cancelled
    bool cancelled = false;  // by the workflow code
  };
  explicit LocalActivityMarker(Data data_) : data(std::move(data_)) {}
  std::vector<Detail> details(UnixNanos start) const override;
  const Data data;
};

}  // namespace dvt::engine
