// Schedules: workflows that the server starts by itself, at every interval. What happens when the one before is still
// running is the overlap policy's; what happens to times that went by while the scheduler was down is the catch-up
// window's. Calendar specifications, jitter and backfill are not modelled.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/machines/schedule.h"
#include "engine/service/service.h"

namespace dvt::engine {

/// While a workflow of the schedule runs and the next is due:
enum class OverlapPolicy : std::uint8_t {
  skip,             // the due one is not started
  buffer_one,       // it is started when the running one ends; further ones are skipped
  buffer_all,       // all are started, one after the other (at most kScheduleBufferMax wait)
  cancel_other,     // the running one is asked to cancel, and the latest due one starts when it has ended
  terminate_other,  // the running one is terminated, and the due one starts at once
  allow_all,        // they run side by side
};

inline constexpr std::size_t kScheduleBufferMax = 1'000;

struct ScheduleOptions {
  std::string id;     // unique; also the beginning of its workflows' ids
  Duration interval;  // > 0: due at every whole multiple of it since 1970, UTC
  Duration offset;    // added to those times; 0 to interval
  OverlapPolicy overlap = OverlapPolicy::skip;
  Duration catchup_window = hours(24 * 365);  // a time missed by more than this is not made up for
  bool pause_on_failure = false;              // a workflow that failed or timed out pauses the schedule
  // What is started:
  Symbol workflow_type;
  Symbol task_queue;
  Duration run_timeout;  // 0: none
  PlanOrdinal plan;      // for telemetry only
  Payload input;
};

/// What a schedule has done so far (the server's ScheduleInfo).
struct ScheduleInfo {
  std::uint64_t actions = 0;  // workflows started
  std::uint64_t overlap_skipped = 0;
  std::uint64_t buffer_dropped = 0;
  std::uint64_t missed_catchup_window = 0;
  std::vector<RunOrdinal> running;  // in the order of their start
  std::size_t buffered = 0;
  bool paused = false;
};

class Schedules {
 public:
  /// `next_run` gives each started workflow its run ordinal; `start` is Instant 0 in UTC. `service` must outlive it.
  Schedules(Service& service, Timers& timers, const Random& random, UnixNanos start,
            std::function<RunOrdinal()> next_run);

  /// False when there is one of that id.
  bool create(ScheduleOptions options);
  /// What is due while a schedule is paused is left out for good; what is buffered waits. All of these are false, and
  /// do nothing, when there is no such schedule.
  bool pause(std::string_view id);
  bool unpause(std::string_view id);
  /// Starts one now, by the schedule's overlap policy, even while it is paused.
  bool trigger(std::string_view id);
  /// What runs goes on; what is buffered is dropped.
  bool remove(std::string_view id);
  std::optional<ScheduleInfo> describe(std::string_view id) const;

  /// The scheduler's own service is away: nothing is started until it is back, and then what was missed is made up for
  /// within the catch-up window, under the overlap policy.
  void set_available(bool available);

  /// To be called for every execution that closed (ServiceListener::execution_closed).
  void execution_closed(const Execution& execution, CloseStatus status);

 private:
  struct Start {
    Instant nominal;
    bool manual = false;
  };
  struct Schedule {
    ScheduleOptions options;
    ScheduleMachine machine{ScheduleState::active};
    Instant next;
    TimerId timer;
    std::vector<Start> buffer;
    ScheduleInfo info;
  };

  Instant next_after(const ScheduleOptions& options, Instant now) const;
  void arm(const std::string& id, Schedule& schedule);
  void due(const std::string& id);
  void work(Schedule& schedule);
  bool take(Schedule& schedule, const Start& start, std::vector<Start>& waiting);
  void start_workflow(Schedule& schedule, const Start& start);

  Service& service_;
  Timers& timers_;
  const Random& random_;
  UnixNanos start_;
  std::function<RunOrdinal()> next_run_;
  std::map<std::string, Schedule, std::less<>> schedules_;
  bool available_ = true;
};

}  // namespace dvt::engine
