// Construction, sampling, and what is still open at the end.
#include "sim/measure/recorder.h"

#include <algorithm>

#include "engine/base/assert.h"
#include "sim/measure/recorder_handles.h"

namespace dvt::sim {

namespace {

std::size_t rows_kept(const MeasureConfig& config) {
  DVT_ASSERT(config.sample_interval.ns > 0, "the sampling interval must be positive");
  return static_cast<std::size_t>(config.keep_samples.ns / config.sample_interval.ns) + 2;
}

std::uint32_t destinations(const MeasureConfig& config) {
  DVT_ASSERT(config.subscriptions.size() <= EventWindow::kMaxSubscriptions, "too many subscriptions");
  std::uint32_t bits = EventWindow::kProjected;
  for (std::uint32_t i = 0; i < config.subscriptions.size(); ++i) bits |= EventWindow::subscription_bit(i);
  return bits;
}

std::vector<std::string> names_of(const std::vector<MeasureConfig::Plan>& plans) {
  std::vector<std::string> out;
  for (const MeasureConfig::Plan& plan : plans) out.push_back(plan.plan_id);
  return out;
}

}  // namespace

Measure::Measure(MeasureConfig config)
    : config_(std::move(config)),
      series_(rows_kept(config_)),
      metrics_(series_, config_.series_budget),
      handles_(std::make_unique<Handles>(metrics_, config_)),
      tally_(std::make_unique<Tallies>(counts_)),
      events_(destinations(config_)),
      lag_(config_.warmup_end),
      pauses_(config_.thresholds.pause, config_.warmup_end, config_.drain_timeout, config_.standing, *this),
      faults_(config_.faults),
      plan_persisted_(config_.thresholds.plan_persisted, config_.warmup_end),
      ui_refresh_(config_.thresholds.ui_refresh, config_.warmup_end),
      ui_push_(config_.thresholds.ui_refresh, config_.warmup_end),
      write_(config_.thresholds.write, config_.warmup_end),
      duplicate_write_(config_.thresholds.write, config_.warmup_end),
      outbox_(config_.thresholds.outbox, config_.warmup_end),
      completion_(config_.thresholds.completion, config_.warmup_end),
      admission_wait_(config_.thresholds.completion, config_.warmup_end),
      use_(names_of(config_.plans), config_.tenants, config_.queues.size()) {
  series_.keep_longer(config_.far_series,
                      static_cast<std::size_t>(config_.keep_far.ns / config_.sample_interval.ns) + 2);
  for (const MeasureConfig::StepClass& one : config_.step_classes)
    step_classes_.emplace_back(one.threshold, config_.warmup_end, std::size_t{4'096});  // for display
  outbox_by_subscription_.reserve(config_.subscriptions.size());
  for (std::uint32_t i = 0; i < config_.subscriptions.size(); ++i) {
    outbox_by_subscription_.emplace_back(config_.thresholds.outbox, config_.warmup_end);
    if (config_.subscriptions[i] == "ui") ui_subscription_ = i;
  }
  for (const MeasureConfig::Queue& queue : config_.queues) worker_up_.emplace_back(queue.workers, true);
  workers_down_.assign(config_.queues.size(), 0);
  warehouse_queued_.assign(config_.warehouses, 0);
}

Measure::~Measure() = default;

void Measure::sample(Instant at) {
  if (series_.rows() > 0 && series_.time(series_.rows() - 1) == at) return;
  lag_.advance(at);
  handles_->events_behind->set(static_cast<double>(lag_.events()));
  handles_->seconds_behind->set(in_seconds(lag_.age(at)));
  const Duration bad = lag_.bad_since_start();
  if (bad > lag_bad_shown_) handles_->lag_bad.add(in_ms(bad - lag_bad_shown_));
  lag_bad_shown_ = bad;
  handles_->in_flight->set(static_cast<double>(in_flight_));
  count_minutes_until(at);
  use_.estimate(series_.rows() > 0 ? at - series_.time(series_.rows() - 1) : Duration{}, config_.prices, cost_row_);
  for (std::size_t plan = 0; plan < cost_row_.size(); ++plan) {
    if (cost_row_[plan] >= 0) handles_->plans[plan].cost->set(cost_row_[plan]);
  }
  metrics_.read(row_);
  series_.add_row(at, row_);
}

void Measure::count_minutes_until(Instant now) {
  minutes_.advance(now);
  const std::vector<std::uint8_t>& ended = minutes_.ended();
  for (; minutes_told_ < ended.size(); ++minutes_told_) {
    const std::uint8_t flags = ended[minutes_told_];
    if ((flags & kMinuteJudged) == 0) continue;
    handles_->minutes.add();
    if ((flags & kMinuteBad) == 0) handles_->minutes_good.add();
  }
}

void Measure::count_terminal(bool engine_error, Instant at) {
  const std::int64_t window = (at - config_.warmup_end).ns / Observations::kWindow.ns;
  if (window != error_window_) {
    close_error_window();
    error_window_ = window;
  }
  ++window_terminal_;
  if (!engine_error) return;
  if (window_errors_++ == 0) window_first_error_ = at;
  window_last_error_ = at;
}

void Measure::close_error_window() {
  if (window_terminal_ > 0) {
    ++error_windows_.n;
    if (1000 * window_errors_ > window_terminal_) ++error_windows_.failed;
    if (window_errors_ > 0)
      error_bad_windows_.push_back({config_.warmup_end + Observations::kWindow * error_window_, window_terminal_,
                                    window_errors_, window_first_error_, window_last_error_});
  }
  window_terminal_ = window_errors_ = 0;
}

ThroughputDay* Measure::day_of(Instant at) {
  if (!counts_from(at)) return nullptr;
  constexpr Duration kDay = hours(24);
  const auto day = static_cast<std::size_t>((at - config_.warmup_end).ns / kDay.ns);
  while (days_.size() <= day) {
    days_.push_back({config_.warmup_end + kDay * static_cast<std::int64_t>(days_.size()), 0, 0});
  }
  return &days_[day];
}

void Measure::close_at_end(RunSlot& run, Instant end) {
  drop_ended(run, UINT32_MAX);
  pauses_.end_of_run(run, end);
  if (run.started && is_stuck(run, end)) ++run_counts_.stuck;
  if (!counts_from(run.requested_at)) return;
  if (run.requested && !run.accepted) plan_persisted_.add_open(end - run.requested_at, end);
  if (!run.accepted) return;
  if (!run.started) {
    admission_wait_.add_open(end - run.accepted_at, end);
    run.excused.add(run.accepted_at, end);
  }
  excuse_open(run, end);
  completion_.add_open((end - run.requested_at) - run.excused.covered(run.requested_at, end), end);
}

bool Measure::is_stuck(const RunSlot& run, Instant end) const {
  if (end - run.started_at <= minutes(30) || end - run.last_event_at < minutes(5)) return false;
  if (run.still || !run.held.empty() || run.control_open > 0 || run.backoff_until > end) return false;
  return std::ranges::all_of(run.steps, [&](const OpenStep& step) {
    // An attempt whose statement ended long ago hangs on a worker that cannot answer: nobody executes it.
    return step.phase == OpenStep::Phase::running && step.query_ended && end - step.query_ended_at >= minutes(5);
  });
}

void Measure::close_events_at_end(Instant end) {
  events_.for_each_pending([&](Instant committed, std::uint32_t bits) {
    if (!counts_from(committed)) return;
    const Duration age = end - committed;
    if ((bits & EventWindow::kProjected) != 0) ui_refresh_.add_open(age, end);
    for (std::uint32_t i = 0; i < outbox_by_subscription_.size(); ++i) {
      if ((bits & EventWindow::subscription_bit(i)) == 0) continue;
      outbox_.add_open(age, end);
      outbox_by_subscription_[i].add_open(age, end);
      if (i == ui_subscription_) ui_push_.add_open(age, end);
    }
  });
}

Measurements Measure::so_far(Instant now) {
  DVT_ASSERT(!finished_, "the run has been measured");
  return collect(now);
}

Measurements Measure::finish(Instant end) {
  DVT_ASSERT(!finished_, "a run is measured once");
  finished_ = true;
  lag_.advance(end);
  runs_.for_each([&](RunSlot& run) { close_at_end(run, end); });
  close_events_at_end(end);
  minutes_.advance(end);
  close_error_window();
  check_levels(end);
  return collect(end);
}

Measurements Measure::collect(Instant now) {
  Measurements out;
  out.warmup_end = config_.warmup_end;
  out.end = now;
  out.sample_interval = config_.sample_interval;
  out.adapter = config_.adapter;
  for (const MeasureConfig::Plan& plan : config_.plans) out.plans.push_back({plan.plan_id, plan.step_ids.size()});
  out.lag = lag_.summary(now);
  out.runs = run_counts_;
  out.runs.in_flight = static_cast<std::uint64_t>(in_flight_);
  out.store = store_;
  out.plan_persisted = plan_persisted_.summary();
  out.rejected_apart = rejected_apart_;
  out.ui_refresh = ui_refresh_.summary();
  out.ui_push = ui_push_.summary();
  out.pause_latency = pauses_.latency();
  out.statestore_write = write_.summary();
  out.duplicate_write = duplicate_write_.summary();
  out.outbox_delivery = outbox_.summary();
  for (std::size_t i = 0; i < config_.subscriptions.size(); ++i) {
    out.delivery_by_subscription.push_back({config_.subscriptions[i], outbox_by_subscription_[i].summary()});
  }
  out.completion = completion_.summary();
  out.admission_wait = admission_wait_.summary();
  out.gaps = gaps_;
  for (const ThroughputDay& day : days_) {
    if (day.from + hours(24) <= now) out.days.push_back(day);
  }
  out.terminal = terminal_;
  out.error_windows = error_windows_;
  out.error_bad_windows = error_bad_windows_;
  out.minutes = minutes_.ended();
  for (std::size_t i = 0; i < step_classes_.size(); ++i) {
    if (step_classes_[i].n() == 0) continue;
    out.data_plane.push_back({config_.step_classes[i].kind, config_.step_classes[i].size, step_classes_[i].summary()});
  }
  out.use_by_plan = use_.by_plan();
  out.use_by_tenant = use_.by_tenant();
  out.pauses = pauses_.summary();
  out.faults = faults_.summary();
  out.counts = counts_.all();
  out.answers = series_.answers();
  out.absent_metrics = absent_metrics();
  out.series = series_.size();
  out.folded_label_sets = metrics_.folded_label_sets();
  return out;
}

}  // namespace dvt::sim
