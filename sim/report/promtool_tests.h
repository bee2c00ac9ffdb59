// Unit tests for `promtool test rules`: the rules of a recorded run, the series they read, and at which points of the
// grid which alerts fire. promtool evaluates the rules anew, `for` and `keep_firing_for` included, so a test that
// passes says that Prometheus pages when this run's evaluator paged.
#pragma once

#include <string>

#include "sim/record/run_file.h"

namespace dvt::sim {

struct PromtoolTests {
  std::string rules;  // rules.yaml: without annotations, which say nothing of when an alert fires
  std::string tests;  // tests.yaml, which names rules.yaml
  std::size_t tested = 0;
  std::size_t left_out = 0;  // each with its reason as a comment in `tests`
  std::size_t checks = 0;
};

/// Of the rules of `file`, replayed over its samples. promtool's clock starts at 1970, so the one metric that shows a
/// time of day is shifted for rules that compare it with time().
PromtoolTests promtool_tests(RunFile& file);

}  // namespace dvt::sim
