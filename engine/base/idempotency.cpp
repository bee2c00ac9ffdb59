#include "engine/base/idempotency.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <initializer_list>

#include "engine/base/assert.h"

namespace dvt {
namespace {

constexpr std::string_view kRunLiteral = "RUN";

// Joins the fields with '|' on the stack (ids are short) and hands the text on; longer ones go through the heap.
template <std::size_t N, class Use>
auto with_joined(const std::array<std::string_view, N>& fields, Use use) {
  constexpr std::size_t kStackBytes = 512;
  std::size_t size = N - 1;
  for (std::string_view field : fields) size += field.size();
  char on_stack[kStackBytes];
  std::string on_heap;
  char* const buffer = size <= kStackBytes ? on_stack : (on_heap.resize(size), on_heap.data());
  char* out = buffer;
  for (std::size_t i = 0; i < N; ++i) {
    if (i > 0) *out++ = '|';
    if (!fields[i].empty()) std::memcpy(out, fields[i].data(), fields[i].size());
    out += fields[i].size();
  }
  const auto bars = static_cast<std::size_t>(std::count(buffer, out, '|'));
  DVT_ASSERT(bars == N - 1, "a field of an idempotency key contains '|'");
  return use(std::string_view(buffer, size));
}

template <class Use>
auto with_preimage(const EventKeyFields& fields, Use use) {
  DVT_ASSERT(fields.logical_attempt >= 1, "attempts count from 1");
  DVT_ASSERT(!is_step_event(fields.type) || !fields.step_id.empty(), "a step event's key needs the step's id");
  char attempt[10];
  const char* const attempt_end = std::to_chars(attempt, attempt + sizeof attempt, fields.logical_attempt).ptr;
  const std::array<std::string_view, 6> parts{
      fields.run_id,
      is_step_event(fields.type) ? fields.step_id : kRunLiteral,
      std::string_view(attempt, static_cast<std::size_t>(attempt_end - attempt)),
      to_string(fields.type),
      fields.plan_id,
      fields.plan_version};
  return with_joined(parts, use);
}

}  // namespace

Digest idempotency_key(const EventKeyFields& fields) {
  return with_preimage(fields, [](std::string_view preimage) { return sha256(preimage); });
}

std::string idempotency_preimage(const EventKeyFields& fields) {
  return with_preimage(fields, [](std::string_view preimage) { return std::string(preimage); });
}

Digest run_request_key(const RunRequestKeyFields& fields) {
  const std::array<std::string_view, 6> parts{fields.tenant_id, fields.project_id,   fields.environment_id,
                                              fields.plan_id,   fields.plan_version, fields.run_request_id};
  return with_joined(parts, [](std::string_view preimage) { return sha256(preimage); });
}

}  // namespace dvt
