#include "sim/study/summary.h"

#include <algorithm>
#include <map>

namespace dvt::sim {
namespace {

bool is_word(const StudyMeasure& measure) {
  return measure.kind == ValueKind::word || measure.kind == ValueKind::boolean;
}

// One of a pair of outcomes came k times of n where chance would give half: is that beyond chance?
bool beyond_chance(std::int64_t k, std::int64_t n, double level) {
  if (n == 0) return false;
  const confidence::Interval interval = confidence::share(k, n, level);
  return interval.low > 0.5 || interval.high < 0.5;
}

MeasureSummary summarise_one(const std::vector<Replication>& runs, std::size_t index, const StudyMeasure& measure,
                             double level) {
  MeasureSummary out;
  out.measure = measure;
  std::vector<double> numbers;
  std::map<std::string, std::int64_t> words;
  for (const Replication& run : runs) {
    const std::optional<AssertValue>& value = run.values.at(index);
    if (!value) {
      ++out.absent;
    } else if (is_word(measure)) {
      ++words[value->show()];
      ++out.n;
    } else {
      numbers.push_back(value->number);
      ++out.n;
    }
  }
  out.words.assign(words.begin(), words.end());
  if (numbers.empty()) return out;
  out.mean = confidence::mean(numbers, level);
  std::sort(numbers.begin(), numbers.end());
  out.median = numbers[(numbers.size() + 1) / 2 - 1];
  out.min = numbers.front();
  out.max = numbers.back();
  return out;
}

Comparison::Difference difference(const std::vector<Replication>& base, const std::vector<Replication>& other,
                                  std::size_t index, const StudyMeasure& measure, double level) {
  Comparison::Difference out;
  out.measure = measure;
  std::vector<double> numbers;
  std::map<std::string, std::int64_t> changes;
  const std::size_t pairs = std::min(base.size(), other.size());
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::optional<AssertValue>& a = base[i].values.at(index);
    const std::optional<AssertValue>& b = other[i].values.at(index);
    if (!a || !b) continue;
    ++out.n;
    if (is_word(measure)) {
      const std::string was = a->show();
      const std::string is = b->show();
      if (was == is) {
        ++out.same;
      } else {
        ++changes[was + " -> " + is];
      }
      continue;
    }
    numbers.push_back(b->number - a->number);
    if (numbers.back() == 0) ++out.same;
  }
  out.changes.assign(changes.begin(), changes.end());
  if (is_word(measure)) {
    for (const auto& [change, times] : out.changes) {
      const std::size_t arrow = change.find(" -> ");
      const std::string back = change.substr(arrow + 4) + " -> " + change.substr(0, arrow);
      const auto other_way = changes.find(back);
      const std::int64_t both = times + (other_way == changes.end() ? 0 : other_way->second);
      out.significant = out.significant || beyond_chance(times, both, level);
    }
    return out;
  }
  out.mean = confidence::mean(numbers, level);
  const confidence::Interval interval = out.mean.interval();
  out.significant = out.mean.n >= 2 && (interval.low > 0 || interval.high < 0);
  return out;
}

}  // namespace

CellSummary summarise(const std::vector<StudyMeasure>& measures, const std::vector<Replication>& runs, double level) {
  CellSummary out;
  out.n = static_cast<std::int64_t>(runs.size());
  for (const Replication& run : runs) {
    out.passed += run.exit_code == 0 ? 1 : 0;
    out.violated += run.exit_code == 5 ? 1 : 0;
    out.broken += run.exit_code == 1 || run.exit_code == 2 ? 1 : 0;
  }
  for (std::size_t i = 0; i < measures.size(); ++i) out.measures.push_back(summarise_one(runs, i, measures[i], level));
  return out;
}

std::vector<Comparison> compare(const StudyPlan& plan, const std::vector<CellRuns>& runs) {
  std::vector<Comparison> out;
  if (!plan.compare) return out;
  const double level = plan.replications.confidence.fraction();
  for (std::size_t c = 0; c < plan.cells.size(); ++c) {
    if (plan.cells[c].variant == plan.compare->baseline) continue;
    for (std::size_t b = 0; b < plan.cells.size(); ++b) {
      if (plan.cells[b].variant != plan.compare->baseline) continue;
      if (plan.cells[b].grid_label() != plan.cells[c].grid_label()) continue;
      Comparison one;
      one.cell = c;
      one.baseline = b;
      for (std::size_t m = 0; m < plan.measures.size(); ++m) {
        const auto& asked = plan.compare->measures;
        if (std::find(asked.begin(), asked.end(), plan.measures[m].path) == asked.end()) continue;
        one.differences.push_back(difference(runs[b].runs, runs[c].runs, m, plan.measures[m], level));
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace dvt::sim
