// The read model of one run and its hash (domain §3). A stored hash that differs from the recomputed one is data
// corruption, so the bytes hashed are fixed: the RFC 8785 form, absent members left out, times in UTC milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/sha256.h"
#include "engine/base/time.h"

namespace dvt {

/// Run states (domain §2). The words are "PENDING", "APPROVED" and so on.
enum class RunStatus : std::uint8_t { pending, approved, running, paused, completed, failed, cancelled };

std::string_view to_string(RunStatus status);
std::optional<RunStatus> parse_run_status(std::string_view text);

/// Step states as snapshots spell them (domain §3): "PENDING", "RUNNING", "COMPLETED", "FAILED", "SKIPPED".
enum class StepStatus : std::uint8_t { pending, running, completed, failed, skipped };

std::string_view to_string(StepStatus status);
std::optional<StepStatus> parse_step_status(std::string_view text);
/// completed, failed, skipped: this attempt is over.
constexpr bool is_terminal(StepStatus status) {
  return status >= StepStatus::completed;
}

/// Texts are borrowed: run ids and step ids live in the world's catalogues, which outlive every snapshot.
struct StepSnapshot {
  std::string_view step_id;
  StepStatus status = StepStatus::pending;
  std::uint32_t attempts = 0;
  std::optional<UnixNanos> started_at;
  std::optional<UnixNanos> completed_at;

  bool operator==(const StepSnapshot&) const = default;
};

struct RunSnapshot {
  std::string_view run_id;
  RunStatus status = RunStatus::pending;
  bool paused = false;
  std::optional<UnixNanos> started_at;
  std::optional<UnixNanos> completed_at;
  /// In any order; step ids are distinct. Steps already in utf16_less order (text.h) save the sort.
  std::vector<StepSnapshot> steps;

  bool operator==(const RunSnapshot&) const = default;
};

/// Appends the RFC 8785 form to `out`. Times are truncated to milliseconds.
void append_canonical_json(const RunSnapshot& snapshot, std::string& out);
std::string canonical_json(const RunSnapshot& snapshot);
/// SHA-256 of the canonical form; stored as lower-case hex (to_hex).
Digest snapshot_hash(const RunSnapshot& snapshot);

}  // namespace dvt
