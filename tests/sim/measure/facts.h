// Hand-made fact sequences: a thin teller of facts over a Measure, with times in milliseconds since the start. It keeps
// no state but the next event position, so each test says exactly what the recorder is told.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "sim/measure/recorder.h"

namespace dvt::sim::test {

inline Instant at_ms(std::int64_t ms) {
  return Instant{} + milliseconds(ms);
}

inline MeasureConfig small_config() {
  MeasureConfig config;
  config.start = {1'767'225'600'000'000'000};
  config.plans = {{"small", "1", {"a", "b"}, {}}, {"wide", "2", {"c"}, {}}};
  config.queues = {{"tq-control", 2}, {"tq-data", 3}};
  config.subscriptions = {"ui", "audit"};
  config.warehouses = 2;
  return config;
}

class Facts {
 public:
  explicit Facts(MeasureConfig config = small_config()) : measure(std::move(config)) {}

  void request(std::uint32_t run, std::int64_t ms) { measure.run_requested({run}, {0}, {0}, at_ms(ms)); }
  void accept(std::uint32_t run, std::int64_t requested_ms, std::int64_t ms) {
    Uuid id;
    id.bytes[15] = static_cast<std::uint8_t>(run);
    measure.run_accepted({{run}, {0}, {0}, id, at_ms(requested_ms), at_ms(ms)});
  }
  /// Requested, accepted and started at once.
  void start(std::uint32_t run, std::int64_t ms) {
    request(run, ms);
    accept(run, ms, ms);
    measure.run_started({run}, {0}, at_ms(ms));
  }
  void close(std::uint32_t run, std::int64_t requested_ms, std::int64_t ms, RunOutcome outcome = RunOutcome::completed,
             ErrorClass error_class = ErrorClass::none, std::string_view code = "NONE") {
    measure.run_closed({{run}, {0}, outcome, error_class, code, at_ms(requested_ms), at_ms(ms)});
  }

  ActivityFact step(std::uint32_t run, std::uint32_t activity, std::uint32_t attempt, std::int64_t started_ms,
                    std::int64_t ms) const {
    return {{run},         {0}, activity,  attempt,           ActivityKind::step,
            "executeStep", {0}, at_ms(ms), at_ms(started_ms), at_ms(ms)};
  }
  void schedule(std::uint32_t run, std::uint32_t activity, std::int64_t ms, std::uint32_t attempt = 1) {
    measure.activity_scheduled(step(run, activity, attempt, 0, ms));
  }
  void begin(std::uint32_t run, std::uint32_t activity, std::int64_t ms, std::uint32_t attempt = 1) {
    measure.activity_started(step(run, activity, attempt, ms, ms));
  }
  void end(std::uint32_t run, std::uint32_t activity, std::int64_t started_ms, std::int64_t ms,
           ActivityOutcome outcome = ActivityOutcome::completed, std::uint32_t attempt = 1) {
    measure.activity_closed(step(run, activity, attempt, started_ms, ms), outcome, {});
  }
  void retry(std::uint32_t run, std::uint32_t activity, std::int64_t ms, std::int64_t next_ms,
             std::uint32_t attempt = 1, std::string_view cause = "transient_error") {
    measure.activity_retry(step(run, activity, attempt, 0, ms), cause, at_ms(next_ms), 3);
  }
  /// Scheduled, started and completed.
  void run_step(std::uint32_t run, std::uint32_t activity, std::int64_t scheduled_ms, std::int64_t started_ms,
                std::int64_t ended_ms) {
    schedule(run, activity, scheduled_ms);
    begin(run, activity, started_ms);
    end(run, activity, started_ms, ended_ms);
  }

  static SignalFact signal(std::uint32_t run, SignalType type, std::uint64_t ordinal, std::int64_t ms,
                           DecisionStatus status = DecisionStatus::accepted) {
    return {{run}, type, status, {}, ordinal, at_ms(ms), at_ms(ms)};
  }
  void decide(std::uint32_t run, SignalType type, std::uint64_t ordinal, std::int64_t ms) {
    measure.signal_decided(signal(run, type, ordinal, ms));
  }
  void apply(std::uint32_t run, SignalType type, std::uint64_t ordinal, std::int64_t ms) {
    measure.signal_applied(signal(run, type, ordinal, ms));
  }

  /// Commits the next event of a run; returns it.
  StoredEvent commit(std::uint32_t run, std::int64_t ms, EventType type = EventType::run_queued) {
    StoredEvent event;
    event.run = {run};
    event.type = type;
    event.position = ++position_;
    event.persisted_at = at_ms(ms);
    measure.event_committed(event);
    return event;
  }
  void project(const std::vector<StoredEvent>& events, std::int64_t ms) {
    measure.snapshots_committed(0, 0, events, {}, at_ms(ms));
  }
  void append(std::int64_t issued_ms, std::int64_t ms, bool idempotent = false) {
    AppendFact fact;
    fact.event.type = EventType::step_started;
    fact.issued_at = at_ms(issued_ms);
    fact.at = at_ms(ms);
    fact.ok = true;
    fact.receipt.idempotent = idempotent;
    measure.append_done(fact);
  }
  void fail_append(std::int64_t issued_ms, std::int64_t ms, StoreError error = StoreError::timeout) {
    AppendFact fact;
    fact.event.type = EventType::step_started;
    fact.issued_at = at_ms(issued_ms);
    fact.at = at_ms(ms);
    fact.error = error;
    measure.append_done(fact);
  }

  Measurements finish(std::int64_t ms) { return measure.finish(at_ms(ms)); }

  Measure measure;

 private:
  std::uint64_t position_ = 0;
};

}  // namespace dvt::sim::test
