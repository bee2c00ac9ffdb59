#include "engine/base/snapshot.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "engine/base/assert.h"
#include "engine/base/json.h"
#include "engine/base/text.h"

namespace dvt {
namespace {

constexpr std::array<std::string_view, 7> kRunStatusWords{"PENDING",   "APPROVED", "RUNNING",  "PAUSED",
                                                          "COMPLETED", "FAILED",   "CANCELLED"};
constexpr std::array<std::string_view, 5> kStepStatusWords{"PENDING", "RUNNING", "COMPLETED", "FAILED", "SKIPPED"};

template <class Enum, std::size_t N>
std::optional<Enum> parse_word(const std::array<std::string_view, N>& words, std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (words[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

void append_time(std::string& out, std::string_view member, const std::optional<UnixNanos>& time) {
  if (!time) return;
  out += member;
  append_rfc3339(out, *time, 3);
  out += "\",";
}

// Members stand in the order of their names: attempts, completedAt, startedAt, status.
void append_step(std::string& out, const StepSnapshot& step) {
  json::append_string(out, step.step_id);
  out += ":{\"attempts\":";
  char digits[10];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, step.attempts).ptr);
  out += ',';
  append_time(out, "\"completedAt\":\"", step.completed_at);
  append_time(out, "\"startedAt\":\"", step.started_at);
  out += "\"status\":\"";
  out += to_string(step.status);
  out += "\"}";
}

bool id_less(const StepSnapshot& a, const StepSnapshot& b) {
  return utf16_less(a.step_id, b.step_id);
}

void append_steps(std::string& out, const std::vector<StepSnapshot>& steps) {
  if (std::is_sorted(steps.begin(), steps.end(), id_less)) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      DVT_ASSERT(i == 0 || steps[i - 1].step_id != steps[i].step_id, "a snapshot names a step twice");
      if (i > 0) out += ',';
      append_step(out, steps[i]);
    }
    return;
  }
  std::vector<const StepSnapshot*> sorted;
  sorted.reserve(steps.size());
  for (const StepSnapshot& step : steps) sorted.push_back(&step);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return id_less(*a, *b); });
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    DVT_ASSERT(i == 0 || sorted[i - 1]->step_id != sorted[i]->step_id, "a snapshot names a step twice");
    if (i > 0) out += ',';
    append_step(out, *sorted[i]);
  }
}

}  // namespace

std::string_view to_string(RunStatus status) {
  return kRunStatusWords[static_cast<std::size_t>(status)];
}
std::optional<RunStatus> parse_run_status(std::string_view text) {
  return parse_word<RunStatus>(kRunStatusWords, text);
}

std::string_view to_string(StepStatus status) {
  return kStepStatusWords[static_cast<std::size_t>(status)];
}
std::optional<StepStatus> parse_step_status(std::string_view text) {
  return parse_word<StepStatus>(kStepStatusWords, text);
}

void append_canonical_json(const RunSnapshot& snapshot, std::string& out) {
  // In the order of the names: completedAt, paused, runId, startedAt, status, steps.
  out += '{';
  append_time(out, "\"completedAt\":\"", snapshot.completed_at);
  out += snapshot.paused ? "\"paused\":true,\"runId\":" : "\"paused\":false,\"runId\":";
  json::append_string(out, snapshot.run_id);
  out += ',';
  append_time(out, "\"startedAt\":\"", snapshot.started_at);
  out += "\"status\":\"";
  out += to_string(snapshot.status);
  out += "\",\"steps\":{";
  append_steps(out, snapshot.steps);
  out += "}}";
}

std::string canonical_json(const RunSnapshot& snapshot) {
  std::string text;
  append_canonical_json(snapshot, text);
  return text;
}

Digest snapshot_hash(const RunSnapshot& snapshot) {
  thread_local std::string scratch;  // kept: a run is hashed every few events
  scratch.clear();
  append_canonical_json(snapshot, scratch);
  return sha256(scratch);
}

}  // namespace dvt
