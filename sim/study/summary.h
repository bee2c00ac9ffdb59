// What the runs of a study come to: means and shares with their intervals, and differences seed by seed.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/base/confidence.h"
#include "sim/study/runner.h"

namespace dvt::sim {

/// Of one measure over the runs of a cell. Numbers are as AssertValue has them (durations in nanoseconds).
struct MeasureSummary {
  StudyMeasure measure;
  std::int64_t n = 0;       // runs in which the path had a value
  std::int64_t absent = 0;  // the others
  // Of numbers.
  confidence::Mean mean;
  double median = 0;  // nearest rank
  double min = 0;
  double max = 0;
  // Of words, by name: how many runs said so.
  std::vector<std::pair<std::string, std::int64_t>> words;
};

struct CellSummary {
  std::int64_t n = 0;
  std::int64_t passed = 0;    // exit code 0
  std::int64_t violated = 0;  // exit code 5
  std::int64_t broken = 0;    // exit codes 1 and 2: not runs at all
  std::vector<MeasureSummary> measures;
};

CellSummary summarise(const std::vector<StudyMeasure>& measures, const std::vector<Replication>& runs, double level);

/// A variant against the baseline at the same point of the grid, over the seeds that both ran.
struct Comparison {
  std::size_t cell = 0;
  std::size_t baseline = 0;
  struct Difference {
    StudyMeasure measure;
    confidence::Mean mean;  // of variant − baseline; numbers only
    /// Words: (`pass -> fail`, in so many seeds), those that differ.
    std::vector<std::pair<std::string, std::int64_t>> changes;
    std::int64_t same = 0;  // seeds in which both have the same value
    std::int64_t n = 0;     // seeds in which both have a value
    /// Numbers: the interval leaves out zero. Words: an exact sign test on the changes of the most frequent pair of
    /// words does (two-sided, at the study's level).
    bool significant = false;
  };
  std::vector<Difference> differences;
};

std::vector<Comparison> compare(const StudyPlan& plan, const std::vector<CellRuns>& runs);

}  // namespace dvt::sim
