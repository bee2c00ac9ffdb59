// Bookkeeping of the pauses under observation.
#include "sim/measure/pause_log.h"

#include <limits>

namespace dvt::sim {

namespace {
constexpr std::uint32_t kNotListed = std::numeric_limits<std::uint32_t>::max();
}  // namespace

PauseLog::PauseLog(Duration threshold, Instant warmup_end, Duration drain_timeout, Standing standing,
                   PauseListener& listener)
    : warmup_end_(warmup_end),
      drain_timeout_(drain_timeout),
      standing_(standing),
      listener_(listener),
      all_(threshold, warmup_end),
      with_backlog_(threshold, warmup_end) {}

void PauseLog::accepted(RunSlot& run, std::uint64_t signal, std::uint32_t warehouse_queue, Instant at) {
  end_timed_out(run, at);
  for (const std::uint32_t index : run.pauses) {
    if (open_[index].signal == signal) return;  // a repeat of the same signal is a no-op (domain §8)
  }
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(open_.size());
    open_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Open& pause = open_[index];
  pause = {};
  pause.signal = signal;
  pause.counted = at >= warmup_end_;
  pause.record.run = run.run;
  pause.record.run_id = run.run_id;
  pause.record.accepted_at = at;
  pause.record.queue_depth = run.queued;
  pause.record.in_flight = run.running;
  pause.record.warehouse_queue = warehouse_queue;
  pause.list_index = kNotListed;
  if (pause.counted) {
    if (totals_.list.size() < kListLimit) {
      pause.list_index = static_cast<std::uint32_t>(totals_.list.size());
      totals_.list.push_back(pause.record);
    } else {
      totals_.list_truncated = true;
    }
  }
  run.pauses.push_back(index);
}

void PauseLog::applied(RunSlot& run, std::uint64_t signal, Instant at) {
  if (run.pauses.empty()) return;
  end_timed_out(run, at);
  for (const std::uint32_t index : run.pauses) {
    PauseRecord& record = open_[index].record;
    if (open_[index].signal == signal && !record.applied) record.applied = at - record.accepted_at;
  }
  settle(run, at);
}

void PauseLog::step_scheduled(RunSlot& run, std::uint32_t attempt, Instant at) {
  if (run.pauses.empty()) return;
  end_timed_out(run, at);
  if (attempt > 1) return;
  for (const std::uint32_t index : run.pauses) {
    PauseRecord& record = open_[index].record;
    record.last_scheduled = at - record.accepted_at;
  }
}

void PauseLog::step_started(RunSlot& run, std::uint32_t attempt, Instant at) {
  if (run.pauses.empty()) return;
  end_timed_out(run, at);
  for (const std::uint32_t index : run.pauses) {
    PauseRecord& record = open_[index].record;
    if (attempt > 1) {
      record.last_retry_started = at - record.accepted_at;
      ++record.retries_started;
    } else {
      record.last_started = at - record.accepted_at;
      ++record.first_attempts_started;
    }
  }
}

void PauseLog::settle(RunSlot& run, Instant at) {
  if (run.pauses.empty()) return;
  end_timed_out(run, at);
  if (!run.still) return;
  if (standing_ == Standing::holds_its_queue ? run.running > 0 : !run.steps.empty()) return;
  for (std::size_t i = 0; i < run.pauses.size();) {
    const std::uint32_t index = run.pauses[i];
    PauseRecord& record = open_[index].record;
    if (!record.applied) {
      ++i;
      continue;
    }
    record.drained = at - record.accepted_at;
    run.pauses.erase(run.pauses.begin() + static_cast<std::ptrdiff_t>(i));
    end(index, PauseEnd::drained, at);
  }
}

void PauseLog::end_timed_out(RunSlot& run, Instant at) {
  if (drain_timeout_.ns == 0) return;
  for (std::size_t i = 0; i < run.pauses.size();) {
    const std::uint32_t index = run.pauses[i];
    const Instant deadline = open_[index].record.accepted_at + drain_timeout_;
    if (at <= deadline) {
      ++i;
      continue;
    }
    run.pauses.erase(run.pauses.begin() + static_cast<std::ptrdiff_t>(i));
    end(index, PauseEnd::drain_timeout, at);
  }
}

void PauseLog::end_all(RunSlot& run, PauseEnd why, Instant at) {
  if (run.pauses.empty()) return;
  end_timed_out(run, at);
  for (const std::uint32_t index : run.pauses) end(index, why, at);
  run.pauses.clear();
}

void PauseLog::end(std::uint32_t index, PauseEnd why, Instant at) {
  Open& pause = open_[index];
  PauseRecord& record = pause.record;
  record.ended_by = why;
  if (pause.counted) {
    all_.add(record, at);
    if (record.queue_depth > 0) {
      with_backlog_.add(record, at);
    }
    totals_.activities_started_after_pause += record.activities_started();
    totals_.retries_started_after_pause += record.retries_started;
    ++totals_.ended_by[static_cast<std::size_t>(why)];
    if (pause.list_index != kNotListed) totals_.list[pause.list_index] = record;
    listener_.pause_ended(record);
  }
  free_.push_back(index);
}

void PauseLog::Group::add(const PauseRecord& record, Instant at) {
  if (record.applied) applied.add(*record.applied, at);
  last_scheduled.add(record.last_scheduled, at);
  last_started.add(record.last_started, at);
  last_retry_started.add(record.last_retry_started, at);
  if (record.drained) drained.add(*record.drained, at);
}

PauseGroup PauseLog::Group::summary() const {
  return {last_started.n(),
          applied.percentiles(),
          last_scheduled.percentiles(),
          last_started.percentiles(),
          last_retry_started.percentiles(),
          drained.percentiles()};
}

PauseSummary PauseLog::summary() const {
  PauseSummary out = totals_;
  out.all = all_.summary();
  out.with_backlog = with_backlog_.summary();
  out.with_backlog_latency = with_backlog_.last_started.summary();
  return out;
}

}  // namespace dvt::sim
