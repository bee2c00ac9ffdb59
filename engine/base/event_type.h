// The lifecycle events of a run and of its steps (domain §2). Step events, and only they, carry a step id.
// A reader that meets a type it does not know keeps the text and changes no state; hence parse gives an optional.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace dvt {

/// Values are stored in event rows: append, never renumber.
enum class EventType : std::uint8_t {
  run_queued = 0,
  run_approved = 1,
  run_started = 2,
  run_paused = 3,
  run_resumed = 4,
  run_completed = 5,
  run_failed = 6,
  run_cancelled = 7,
  step_started = 8,
  step_completed = 9,
  step_failed = 10,
  step_skipped = 11,
};

inline constexpr std::size_t kEventTypeCount = 12;

/// All types in the order of their values.
inline constexpr std::array<EventType, kEventTypeCount> kEventTypes{
    EventType::run_queued,   EventType::run_approved,   EventType::run_started, EventType::run_paused,
    EventType::run_resumed,  EventType::run_completed,  EventType::run_failed,  EventType::run_cancelled,
    EventType::step_started, EventType::step_completed, EventType::step_failed, EventType::step_skipped};

namespace detail {
inline constexpr std::array<std::string_view, kEventTypeCount> kEventTypeNames{
    "RunQueued", "RunApproved",  "RunStarted",  "RunPaused",     "RunResumed", "RunCompleted",
    "RunFailed", "RunCancelled", "StepStarted", "StepCompleted", "StepFailed", "StepSkipped"};
}  // namespace detail

constexpr std::string_view to_string(EventType type) {
  return detail::kEventTypeNames[static_cast<std::size_t>(type)];
}

constexpr std::optional<EventType> parse_event_type(std::string_view text) {
  for (EventType type : kEventTypes) {
    if (to_string(type) == text) return type;
  }
  return std::nullopt;
}

constexpr bool is_step_event(EventType type) {
  return type >= EventType::step_started;
}

}  // namespace dvt
