#include "sim/world/arrivals.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include "engine/base/detmath.h"
#include "engine/base/result.h"

namespace dvt::sim {
namespace {

// The rate is held constant over such a slice; fine against a day's sine and the ramps of stages.
constexpr Duration kSlice = seconds(15);
constexpr double kTwoPi = 6.283185307179586;
constexpr std::int64_t kDayNs = 86'400'000'000'000;

std::size_t choose(const std::vector<double>& edges, double uniform) {
  const double at = uniform * edges.back();
  const auto found = std::upper_bound(edges.begin(), edges.end(), at);
  return std::min(static_cast<std::size_t>(found - edges.begin()), edges.size() - 1);
}

}  // namespace

ArrivalStream::ArrivalStream(Timers& timers, const Random& random, const Scenario& scenario,
                             std::function<void(const Arrival&)> submit)
    : timers_(timers), random_(random), scenario_(scenario), submit_(std::move(submit)) {
  double sum = 0;
  for (const PlanSpec& plan : scenario.workload.plans) plan_edges_.push_back(sum += plan.weight);
  sum = 0;
  const Tenants& tenants = scenario.workload.tenants;
  for (std::int64_t i = 0; i < tenants.count; ++i) {
    sum += tenants.zipf > 0 ? 1.0 / detmath::pow(static_cast<double>(i + 1), tenants.zipf) : 1.0;
    tenant_edges_.push_back(sum);
  }
  const Arrivals& arrivals = scenario.workload.arrivals;
  switch (arrivals.process) {
    case ArrivalProcess::poisson:
      gap_ = Distribution::exponential(seconds(1));
      break;
    case ArrivalProcess::deterministic:
      gap_ = Distribution::constant(seconds(1));
      break;
    case ArrivalProcess::gamma:
      gap_ = Distribution::gamma(seconds(1), arrivals.cv);
      break;
    case ArrivalProcess::trace:
      read_trace();
      break;
  }
}

// One row per run; the first line is the header. Errors name the file and the line.
void ArrivalStream::read_trace() {
  const Arrivals& arrivals = scenario_.workload.arrivals;
  std::ifstream file(arrivals.file.path);
  if (!file) throw Error("cannot read the arrival trace " + arrivals.file.path);
  std::string line;
  std::size_t column = std::string::npos;
  const auto cell = [](const std::string& row, std::size_t index) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i < index; ++i) {
      begin = row.find(',', begin);
      if (begin == std::string::npos) return std::string();
      ++begin;
    }
    std::string text = row.substr(begin, row.find(',', begin) - begin);
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.pop_back();
    return text;
  };
  std::size_t number = 0;
  while (std::getline(file, line)) {
    ++number;
    if (number == 1) {
      const auto columns = static_cast<std::size_t>(std::count(line.begin(), line.end(), ',')) + 1;
      for (std::size_t i = 0; i < columns; ++i)
        if (cell(line, i) == arrivals.column) column = i;
      if (column == std::string::npos) throw Error(arrivals.file.path + ":1: no column '" + arrivals.column + "'");
      continue;
    }
    const std::string text = cell(line, column);
    double value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || value < 0)
      throw Error(arrivals.file.path + ":" + std::to_string(number) + ": '" + text + "' is no time since the start");
    trace_.push_back(Instant{detmath::round_to_int64(value * static_cast<double>(arrivals.unit.ns) / arrivals.scale)});
  }
  std::sort(trace_.begin(), trace_.end());
}

double ArrivalStream::rate_at(Instant at) const {
  const Workload& workload = scenario_.workload;
  double rate = workload.arrivals.rate.is_zero() ? 0 : workload.arrivals.rate.per_second();
  Instant begin{0};
  double before = rate;
  for (const Stage& stage : workload.stages) {
    const double wanted = stage.rate.is_zero() ? 0 : stage.rate.per_second();
    const Instant end = begin + stage.length;
    if (at < end) {
      const Duration into = at - begin;
      rate = into < stage.ramp
                 ? before + (wanted - before) * (static_cast<double>(into.ns) / static_cast<double>(stage.ramp.ns))
                 : wanted;
      break;
    }
    before = wanted;
    begin = end;
  }
  const Diurnal& diurnal = workload.arrivals.diurnal;
  if (diurnal.amplitude.ppb > 0) {
    const std::int64_t of_day = (scenario_.start + Duration{at.ns}).ns % kDayNs;
    const double phase = kTwoPi * static_cast<double>(of_day - diurnal.peak.ns) / static_cast<double>(kDayNs);
    rate *= 1 + diurnal.amplitude.fraction() * detmath::cos(phase);
  }
  return std::max(0.0, rate * workload.arrivals.scale);
}

double ArrivalStream::unit_gap(std::uint64_t index) const {
  Draws draws(random_, Purpose::arrival_gap, index);
  return static_cast<double>(gap_.sample(draws).ns) * 1e-9;
}

// Walks forward slice by slice until the gap, in units of expected arrivals, is used up.
Instant ArrivalStream::next_instant() {
  double gap = unit_gap(next_run_);
  Instant at = last_;
  const Instant end{scenario_.duration.ns};
  while (at <= end) {
    const Instant slice_end{(at.ns / kSlice.ns + 1) * kSlice.ns};
    const double rate = rate_at(Instant{slice_end.ns - kSlice.ns / 2});
    const double capacity = rate * static_cast<double>((slice_end - at).ns) * 1e-9;
    if (rate > 0 && gap <= capacity) {
      const Instant found = at + Duration{detmath::round_to_int64(gap / rate * 1e9)};
      return std::min(found, slice_end);
    }
    gap -= capacity;
    at = slice_end;
  }
  return end + nanoseconds(1);
}

void ArrivalStream::start() {
  plan_next();
}

void ArrivalStream::plan_next() {
  const Arrivals& arrivals = scenario_.workload.arrivals;
  const Instant end{scenario_.duration.ns};
  Instant when;
  if (arrivals.runs) {
    if (next_run_ >= static_cast<std::uint64_t>(*arrivals.runs)) return;
    when = timers_.now();
  } else if (arrivals.process == ArrivalProcess::trace) {
    if (next_run_ >= trace_.size()) return;
    when = std::max(trace_[next_run_], timers_.now());
  } else {
    when = next_instant();
  }
  if (when > end) return;
  last_ = when;
  timers_.call_at(when, [this] { arrive(); });
}

void ArrivalStream::arrive() {
  const std::uint32_t index = next_run_++;
  Draws plan_draw(random_, Purpose::arrival_plan, index);
  const double plan_at = plan_draw.uniform();
  Draws tenant_draw(random_, Purpose::arrival_tenant, index);
  const double tenant_at = tenant_draw.uniform();
  Arrival arrival;
  arrival.run = {index};
  arrival.plan = {static_cast<std::uint32_t>(choose(plan_edges_, plan_at))};
  arrival.tenant = {static_cast<std::uint32_t>(choose(tenant_edges_, tenant_at))};
  submit_(arrival);
  plan_next();
}

}  // namespace dvt::sim
