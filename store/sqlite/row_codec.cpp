#include "store/sqlite/row_codec.h"

#include <cstring>

namespace dvt::store {
namespace {

char* put_u64(char* out, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) *out++ = static_cast<char>(value >> (8 * i));
  return out;
}

void put_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

// Zigzag: instants may be negative (events emitted by a clock that runs behind).
void put_instant(std::string& out, Instant instant) {
  const auto bits = static_cast<std::uint64_t>(instant.ns);
  put_varint(out, (bits << 1) ^ static_cast<std::uint64_t>(instant.ns >> 63));
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool byte(std::uint8_t& value) {
    if (bytes_.empty()) return false;
    value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return true;
  }
  bool varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      std::uint8_t part = 0;
      if (!byte(part)) return false;
      value |= static_cast<std::uint64_t>(part & 0x7F) << shift;
      if ((part & 0x80) == 0) return true;
    }
    return false;
  }
  bool instant(Instant& instant) {
    std::uint64_t bits = 0;
    if (!varint(bits)) return false;
    instant.ns = static_cast<std::int64_t>((bits >> 1) ^ (~(bits & 1) + 1));
    return true;
  }
  bool done() const { return bytes_.empty(); }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

constexpr std::uint8_t kFormat = 1;

std::uint8_t flags(bool started, bool completed, bool paused = false, bool inconsistent = false) {
  return static_cast<std::uint8_t>((started ? 1 : 0) | (completed ? 2 : 0) | (paused ? 4 : 0) | (inconsistent ? 8 : 0));
}

}  // namespace

Digest chain_hash(Sha256& hasher, const Digest& previous, const StoredEvent& event) {
  char row[32 + 9 * 8 + 16 + 32 + 1];
  char* out = row;
  std::memcpy(out, previous.bytes.data(), 32);
  out += 32;
  out = put_u64(out, event.position);
  out = put_u64(out, event.run.value);
  out = put_u64(out, event.run_seq);
  out = put_u64(out, static_cast<std::uint64_t>(event.type));
  out = put_u64(out, event.step == kNoStep ? ~std::uint64_t{0} : event.step.value);
  out = put_u64(out, event.logical_attempt);
  out = put_u64(out, event.engine_attempt);
  out = put_u64(out, static_cast<std::uint64_t>(event.emitted_at.ns));
  out = put_u64(out, static_cast<std::uint64_t>(event.persisted_at.ns));
  std::memcpy(out, event.event_id.bytes.data(), 16);
  out += 16;
  std::memcpy(out, event.idempotency_key.bytes.data(), 32);
  out += 32;
  *out = event.payload ? 1 : 0;
  hasher.update(std::string_view(row, sizeof row));
  if (event.payload) hasher.update(*event.payload);
  return hasher.finish();
}

void encode_state(const RunState& state, std::string& out) {
  out += static_cast<char>(kFormat);
  out += static_cast<char>(state.status);
  out += static_cast<char>(flags(state.has_started, state.has_completed, state.paused, state.inconsistent));
  if (state.has_started) put_instant(out, state.started_at);
  if (state.has_completed) put_instant(out, state.completed_at);
  put_varint(out, state.steps.size());
  for (const StepState& step : state.steps) {
    out += static_cast<char>(step.status);
    out += static_cast<char>(flags(step.has_started, step.has_completed));
    put_varint(out, step.attempts);
    if (step.has_started) put_instant(out, step.started_at);
    if (step.has_completed) put_instant(out, step.completed_at);
  }
}

bool decode_state(std::string_view bytes, RunState& state) {
  Reader in(bytes);
  state = RunState{};
  std::uint8_t format = 0, status = 0, bits = 0;
  if (!in.byte(format) || format != kFormat || !in.byte(status) || !in.byte(bits)) return false;
  if (status > static_cast<std::uint8_t>(RunStatus::cancelled)) return false;
  state.status = static_cast<RunStatus>(status);
  state.has_started = (bits & 1) != 0;
  state.has_completed = (bits & 2) != 0;
  state.paused = (bits & 4) != 0;
  state.inconsistent = (bits & 8) != 0;
  if (state.has_started && !in.instant(state.started_at)) return false;
  if (state.has_completed && !in.instant(state.completed_at)) return false;
  std::uint64_t steps = 0;
  if (!in.varint(steps) || steps > in.left()) return false;
  state.steps.resize(steps);
  for (StepState& step : state.steps) {
    std::uint64_t attempts = 0;
    if (!in.byte(status) || !in.byte(bits) || !in.varint(attempts)) return false;
    if (status > static_cast<std::uint8_t>(StepStatus::skipped)) return false;
    step.status = static_cast<StepStatus>(status);
    step.has_started = (bits & 1) != 0;
    step.has_completed = (bits & 2) != 0;
    step.attempts = static_cast<std::uint32_t>(attempts);
    if (step.has_started && !in.instant(step.started_at)) return false;
    if (step.has_completed && !in.instant(step.completed_at)) return false;
  }
  return in.done();
}

}  // namespace dvt::store
