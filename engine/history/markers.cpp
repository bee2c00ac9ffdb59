#include "engine/history/markers.h"

#include "engine/base/format.h"
#include "engine/base/json.h"

namespace dvt::engine {

namespace marker_names {
const Symbol patch = Symbol::intern("core_patch");
const Symbol side_effect = Symbol::intern("SideEffect");
const Symbol local_activity = Symbol::intern("core_local_activity");
}  // namespace marker_names

namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

std::string rendered(const Payload& value) {
  std::string out;
  if (value == nullptr) return "null";
  value->write_json(out);
  return out;
}

// The form of a protobuf Timestamp or Duration.
std::string seconds_and_nanos(std::int64_t ns) {
  return fmt::format(R"({{"seconds":{},"nanos":{}}})", ns / kNanosPerSecond, ns % kNanosPerSecond);
}

}  // namespace

void MarkerBody::write_json(std::string& out) const {
  char separator = '{';
  for (const Detail& detail : details(UnixNanos{})) {
    out += separator;
    json::append_string(out, detail.key);
    out += ':';
    out += detail.json;
    separator = ',';
  }
  out += '}';
}

std::vector<MarkerBody::Detail> PatchMarker::details(UnixNanos) const {
  std::string data = R"({"id":)";
  json::append_string(data, id.text());
  data += R"(,"deprecated":false})";
  return {{"patch-data", std::move(data)}};
}

std::vector<MarkerBody::Detail> SideEffectMarker::details(UnixNanos) const {
  return {{"side-effect-id", fmt::format("{}", id)}, {"data", rendered(value)}};
}

std::vector<MarkerBody::Detail> LocalActivityMarker::details(UnixNanos start) const {
  const auto instant = [start](Instant at) { return seconds_and_nanos((start + (at - Instant{})).ns); };
  std::string text =
      fmt::format(R"({{"seq":{},"attempt":{},"activity_id":"{}","activity_type":)", data.seq, data.attempt, data.seq);
  json::append_string(text, data.type.text());
  text += R"(,"complete_time":)" + instant(data.complete_time);
  text += R"(,"backoff":)" + (data.backoff.ns > 0 ? seconds_and_nanos(data.backoff.ns) : std::string("null"));
  text += R"(,"original_schedule_time":)" + instant(data.original_schedule_time) + "}";
  std::vector<Detail> out{{"data", std::move(text)}};
  if (data.failure == nullptr) out.push_back({"result", rendered(data.result)});
  return out;
}

}  // namespace dvt::engine
