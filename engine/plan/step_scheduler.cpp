#include "engine/plan/step_scheduler.h"

#include <algorithm>
#include <map>

namespace dvt::engine {
namespace {

// Temporal allows 2,000 pending activities in one execution; the run's own events need a few.
constexpr std::uint32_t kMostPending = 1'990;

}  // namespace

StepScheduler::StepScheduler(PlanRun& run, std::uint32_t limit)
    : run_(run), limit_(limit == 0 ? kMostPending : std::min(limit, kMostPending)) {}

void StepScheduler::add(StepIndex step, const std::vector<StepIndex>& waits_for) {
  items_.push_back({});
  items_.back().step = step;
  waits_.push_back(waits_for);
  ++open_;
}

void StepScheduler::add_held(StepIndex step) {
  add(step, {});
  items_.back().phase = Phase::held;
  items_.back().failed = true;
  held_.push_back(static_cast<std::uint32_t>(items_.size() - 1));
}

void StepScheduler::link() {
  std::map<StepIndex, std::uint32_t> places;
  for (std::uint32_t i = 0; i < items_.size(); ++i) places[items_[i].step] = i;
  for (std::uint32_t i = 0; i < items_.size(); ++i) {
    for (const StepIndex dependency : waits_[i]) {
      const auto found = places.find(dependency);
      if (found == places.end()) continue;
      items_[found->second].dependents.push_back(i);
      ++items_[i].waits_for;
    }
    if (items_[i].phase == Phase::waiting && items_[i].waits_for == 0) ready_.insert(i);
  }
  waits_.clear();
}

StepsEnded StepScheduler::run() {
  link();
  while (true) {
    const std::uint64_t met = run_.signals_;
    take_results();
    take_requests();
    pass_gate();
    start_ready();
    if (out_.empty()) {
      if (run_.cancelled_) return PlanRun::cancelled();
      if (stopped_) return run_.failed();
      if (open_ == 0 && !run_.paused_ && !run_.standing_) return {};
    }
    run_.ctx_.await([this, met] {
      return run_.signals_ != met || std::any_of(out_.begin(), out_.end(), [this](std::uint32_t position) {
               return run_.ctx_.ready(items_[position].activity);
             });
    });
  }
}

void StepScheduler::take_results() {
  const std::vector<std::uint32_t> under_way(out_.begin(), out_.end());
  for (const std::uint32_t position : under_way)
    if (run_.ctx_.ready(items_[position].activity)) take_result(position);
}

void StepScheduler::take_result(std::uint32_t position) {
  Item& item = items_[position];
  out_.erase(position);
  switch (item.phase) {
    case Phase::starting:
      run_.finish_event(item.activity);
      item.phase = Phase::started;
      started_.insert(position);
      return;
    case Phase::running:
      item.failed = run_.step_failed(run_.ctx_.wait(item.activity));
      if (item.failed) run_.forget_retries(item.step);
      --places_taken_;
      track(item, Phase::ending,
            run_.start_event(item.failed ? EventType::step_failed : EventType::step_completed, item.step,
                             attempt_to_tell(item)));
      return;
    case Phase::ending:
      run_.finish_event(item.activity);
      if (!item.failed) {
        over(item);
      } else if (run_.options_.hold_failed_steps) {
        item.phase = Phase::held;
        held_.push_back(position);
      } else {
        item.phase = Phase::over;
        --open_;
        stopped_ = true;
      }
      return;
    case Phase::skipping:
      run_.finish_event(item.activity);
      over(item);
      return;
    case Phase::waiting:
    case Phase::started:
    case Phase::held:
    case Phase::over:
      DVT_ASSERT(false, "a step without an activity had a result");
  }
}

// SKIP_STEP counts when it is the step's turn: now for a failed one that waits, before its start for one that has not
// begun. A step that runs may still complete; then there was nothing to skip.
void StepScheduler::take_requests() {
  std::vector<std::uint32_t> still_held;
  for (const std::uint32_t position : held_) {
    Item& item = items_[position];
    if (run_.take_skip(item.step)) {
      track(item, Phase::skipping, run_.start_event(EventType::step_skipped, item.step, attempt_to_tell(item)));
    } else if (run_.take_retry(item.step)) {
      ++item.logical_attempt;
      item.failed = false;
      item.phase = Phase::waiting;
      ready_.insert(position);
    } else {
      still_held.push_back(position);
    }
  }
  held_ = std::move(still_held);
}

// A pause is told as soon as it is met: nothing more starts, and what runs may come to its end in it.
void StepScheduler::pass_gate() {
  while (!run_.cancelled_) {
    if (!run_.standing_) run_.tell_short_pauses();
    if (run_.cancelled_ || run_.paused_ == run_.standing_) return;
    if (run_.paused_) {
      run_.begin_pause();
    } else {
      run_.end_pause();
    }
  }
}

void StepScheduler::start_ready() {
  if (!may_start()) return;
  for (const std::uint32_t position : started_)
    track(items_[position], Phase::running, run_.start_step(items_[position].step, items_[position].logical_attempt));
  started_.clear();
  for (auto next = ready_.begin(); next != ready_.end();) {
    Item& item = items_[*next];
    if (run_.take_skip(item.step)) {
      track(item, Phase::skipping, run_.start_event(EventType::step_skipped, item.step, attempt_to_tell(item)));
    } else if (places_taken_ < limit_ && out_.size() < kMostPending) {
      ++places_taken_;
      track(item, Phase::starting, run_.start_event(EventType::step_started, item.step, attempt_to_tell(item)));
    } else {
      return;
    }
    next = ready_.erase(next);
  }
}

void StepScheduler::over(Item& item) {
  item.phase = Phase::over;
  --open_;
  for (const std::uint32_t dependent : item.dependents)
    if (--items_[dependent].waits_for == 0) ready_.insert(dependent);
}

void StepScheduler::track(Item& item, Phase phase, ActivityHandle activity) {
  item.phase = phase;
  item.activity = activity;
  out_.insert(static_cast<std::uint32_t>(&item - items_.data()));
}

// Absent means 1; production never sends it (domain §6).
std::uint32_t StepScheduler::attempt_to_tell(const Item& item) const {
  return item.logical_attempt == 1 ? 0 : item.logical_attempt;
}

}  // namespace dvt::engine
