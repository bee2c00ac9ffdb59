#include "sim/slo/budget.h"

#include <algorithm>
#include "engine/base/assert.h"
#include "engine/base/format.h"

namespace dvt::sim {

namespace {

constexpr Duration kRolling = hours(30 * 24);
/// Reading: the burn rate of a rolling window's ADVISORY is that of the last three days, as the slowest burn rule's.
constexpr Duration kBurnWindow = hours(72);

/// The first instant of a month, 1 to 24 counted from the year's January.
UnixNanos beginning_of_month(std::int64_t year, int month) {
  const int of_year = (month - 1) % 12 + 1;
  const auto found = parse_rfc3339(fmt::format("{:04}-{:02}-01T00:00:00Z", year + (month - 1) / 12, of_year));
  DVT_ASSERT(found.has_value(), "a month beyond the years that instants can hold");
  return *found;
}

Duration minutes_of(std::uint64_t n) {
  return minutes(static_cast<std::int64_t>(n));
}

}  // namespace

std::string_view to_string(BudgetState state) {
  switch (state) {
    case BudgetState::normal:
      return "NORMAL";
    case BudgetState::advisory:
      return "ADVISORY";
    case BudgetState::exhausted:
      return "EXHAUSTED";
  }
  DVT_ASSERT(false, "unknown state of the budget");
}

std::string_view to_string(BudgetWindow window) {
  switch (window) {
    case BudgetWindow::rolling_30d:
      return "rolling-30d";
    case BudgetWindow::calendar_month:
      return "calendar-month";
    case BudgetWindow::calendar_quarter:
      return "calendar-quarter";
  }
  DVT_ASSERT(false, "unknown window of the budget");
}

BudgetPeriod budget_period(BudgetWindow window, UnixNanos now) {
  if (window == BudgetWindow::rolling_30d) return {now + Duration{-kRolling.ns}, now};
  const std::string text = format_rfc3339(now, 0);  // 2026-02-15T…
  const std::int64_t year = std::stoi(text.substr(0, 4));
  int month = std::stoi(text.substr(5, 2));
  int months = 1;
  if (window == BudgetWindow::calendar_quarter) {
    month = (month - 1) / 3 * 3 + 1;
    months = 3;
  }
  return {beginning_of_month(year, month), beginning_of_month(year, month + months)};
}

Duration budget_of(Duration period, Share target) {
  __extension__ using Wide = __int128;
  constexpr std::int64_t kWhole = 1'000'000'000;
  return Duration{static_cast<std::int64_t>(static_cast<Wide>(period.ns) * (kWhole - target.ppb) / kWhole)};
}

double burn_rate(Duration bad, Duration window, Share target) {
  const Duration allowed = budget_of(window, target);
  return allowed.ns > 0 ? static_cast<double>(bad.ns) / static_cast<double>(allowed.ns) : 0.0;
}

double budget_pace(Duration consumed, Duration total, Duration elapsed, Duration period) {
  if (elapsed.ns <= 0 || total.ns <= 0 || period.ns <= 0) return 0;
  const double share = static_cast<double>(consumed.ns) / static_cast<double>(total.ns);
  return share / (static_cast<double>(elapsed.ns) / static_cast<double>(period.ns));
}

BudgetTracker::BudgetTracker(const BudgetPolicy& policy, UnixNanos start, Instant warmup_end)
    : policy_(policy), start_(start), warmup_end_(warmup_end) {
  period_ = budget_period(policy_.window, start_);
  status_.total = budget_of(period_.length(), kAvailabilityTarget);
}

bool BudgetTracker::counts(const std::vector<std::uint8_t>& flags, std::size_t minute) const {
  return (flags[minute] & kMinuteBad) != 0 && Instant{} + minutes_of(minute) >= warmup_end_;
}

void BudgetTracker::advance(const std::vector<std::uint8_t>& flags) {
  while (seen_ < flags.size()) take(flags);
}

void BudgetTracker::take(const std::vector<std::uint8_t>& flags) {
  const std::size_t minute = seen_++;
  const Instant begin = Instant{} + minutes_of(minute);
  const bool rolling = policy_.window == BudgetWindow::rolling_30d;
  const UnixNanos clock = start_ + (begin - Instant{});
  const auto leaves = [&](Duration window) {
    const auto size = static_cast<std::size_t>(window.ns / minutes(1).ns);
    return minute >= size && counts(flags, minute - size);
  };
  if (rolling) {
    if (leaves(kRolling)) --bad_;
  } else if (clock >= period_.to) {
    period_ = budget_period(policy_.window, clock);
    bad_ = 0;
    status_.state = BudgetState::normal;  // a new period, judged anew below
  }
  if (leaves(kBurnWindow)) --bad_recently_;
  if (counts(flags, minute)) {
    ++bad_;
    ++bad_recently_;
  }
  judge(begin + minutes(1));
}

void BudgetTracker::judge(Instant now) {
  const UnixNanos clock = start_ + (now - Instant{});
  const bool rolling = policy_.window == BudgetWindow::rolling_30d;
  const Duration length = period_.length();
  const Duration elapsed = rolling ? std::min(now - Instant{}, length) : Duration{clock.ns - period_.from.ns};
  status_.total = budget_of(length, kAvailabilityTarget);
  status_.consumed = minutes_of(bad_);
  status_.pace = budget_pace(status_.consumed, status_.total, elapsed, length);

  const Duration consumed = status_.consumed;
  const Duration total = status_.total;
  const auto at_least = [&](Share share) {
    __extension__ using Wide = __int128;
    return static_cast<Wide>(consumed.ns) * 1'000'000'000 >= static_cast<Wide>(total.ns) * share.ppb;
  };
  const BudgetState before = transitions_.empty() ? BudgetState::normal : transitions_.back().state;
  BudgetState next = BudgetState::normal;
  const bool burning =
      rolling ? burn_rate(minutes_of(bad_recently_), std::min(now - Instant{}, kBurnWindow), kAvailabilityTarget) > 1
              : elapsed.ns * 2 < length.ns;
  if (at_least(percent(100)) || (status_.state == BudgetState::exhausted && at_least(policy_.recover_below))) {
    next = BudgetState::exhausted;
  } else if (at_least(percent(50)) && burning) {
    next = BudgetState::advisory;
  }
  status_.state = next;
  if (next != before) transitions_.push_back({now, next, consumed, total});
}

BudgetResult budget_result(const Measurements& measured, const Scenario& scenario) {
  BudgetResult out;
  out.configured = scenario.budget_policy.has_value();
  if (out.configured) out.policy = *scenario.budget_policy;
  BudgetTracker tracker(out.policy, scenario.start, measured.warmup_end);
  tracker.advance(measured.minutes);
  out.status = tracker.status();
  out.transitions = tracker.transitions();
  return out;
}

}  // namespace dvt::sim
