// A study as text for people and as JSON for programs, from values alone.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/report/text_table.h"
#include "sim/study/runner.h"
#include "sim/study/search.h"
#include "sim/study/summary.h"

namespace dvt::sim {

struct StudyResult {
  StudyPlan plan;
  std::vector<CellRuns> runs;  // one a cell; empty when only a search was asked for
  std::optional<SearchResult> search;
  bool interrupted = false;
};

/// Design §7: 0 · 1 a run broke down · 3 the only cell's runs failed, or nothing in the range suffices · 5 a run
/// violated an invariant · 7 relHalfWidth was not reached, the search could not decide, or nothing ran. With several
/// cells a failing run is a finding, not a failure.
int exit_code(const StudyResult& result);

std::string render_study_text(const StudyResult& result, Colour colour);
/// `schemaVersion: 1`; durations in seconds, money in nano-dollars, instants and words as text.
std::string render_study_json(const StudyResult& result);
/// Back from that text: labels, measures, runs and what is compared; no scenarios, no search. Throws dvt::Error.
StudyResult read_study_json(std::string_view text, const std::string& where);
/// Adds the runs of a shard. Throws dvt::Error when it is of another study, or has another result for a seed.
void merge_study(StudyResult& into, StudyResult part, const std::string& where);

}  // namespace dvt::sim
