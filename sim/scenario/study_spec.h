// `kind: Study`: a scenario run many times (scenario.md, last part), as values. What is varied is kept as text, because
// it is what `--set` takes: each cell of a study is the scenario read anew with its overrides.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/scenario/diagnostic.h"
#include "sim/scenario/reader.h"
#include "sim/scenario/scenario.h"

namespace dvt::sim {

class ObjectTable;

/// Any YAML value, as `--set` takes it: flow style on one line.
struct FlowValue {
  std::string text;
  bool operator==(const FlowValue&) const = default;
};

/// `1..20`, both included.
struct IntRange {
  std::int64_t low = 0;
  std::int64_t high = 0;
  bool operator==(const IntRange&) const = default;
};

/// How often each cell runs: seeds `seed`, `seed + 1`, … of the scenario, until the confidence interval of `of` is no
/// wider than ± relHalfWidth of its mean (asked after `min` runs and each one from there), or `max` runs.
struct Replications {
  std::int64_t max = 30;
  std::int64_t min = 10;
  std::optional<Share> rel_half_width;
  std::string of;
  Share confidence = percent(95);
  bool operator==(const Replications&) const = default;
};

/// The smallest (or greatest) whole number at a key with which an assertion holds in at least `share` of all runs, as
/// far as `confidence` can tell. Supposes that what holds at one value holds at all beyond it.
struct SearchSpec {
  std::string minimise;
  std::string maximise;
  IntRange in;
  std::string such_that;
  Share confidence = percent(95);
  Share share = percent(90);
  Source source;
  bool operator==(const SearchSpec&) const = default;
};

/// Each variant against `baseline`, seed by seed (common random numbers).
struct CompareSpec {
  std::string baseline;
  std::vector<std::string> measures;
  Source source;
  bool operator==(const CompareSpec&) const = default;
};

using VariantSets = std::vector<std::pair<std::string, FlowValue>>;

struct Study {
  Metadata metadata;
  FilePath scenario;
  Replications replications;
  std::vector<std::pair<std::string, std::vector<FlowValue>>> vary;  // key → values: a grid
  std::vector<std::pair<std::string, VariantSets>> variants;         // name → overrides
  std::optional<SearchSpec> search;
  std::optional<CompareSpec> compare;
  std::string file_name;  // as given; for messages
};

/// Reads one study. What it says of the scenario (keys, values, measures) is checked when its cells are read.
Result<Study, std::vector<Diagnostic>> read_study(std::string_view text, std::string file_name);

/// The same from a file. Throws dvt::Error when it cannot be opened.
Result<Study, std::vector<Diagnostic>> load_study(const std::string& file_name);

/// Does the file say `kind: Study`? Everything else is for the scenario's reader to judge. Throws dvt::Error when it
/// cannot be opened.
bool is_study_file(const std::string& file_name);
/// Is it YAML that does not say `kind: Scenario`? What is no YAML may be a broken scenario, which its reader is to
/// judge.
bool is_other_yaml(const std::string& file_name);

/// `PATH=[v, …]` or `PATH=v`: one row of `vary`. The error is a sentence for people.
Result<std::pair<std::string, std::vector<FlowValue>>, std::string> parse_varied(std::string_view argument);

/// A `search` from its parts, texts as they would stand in the file; empty ones are left out.
Result<SearchSpec, std::string> parse_search(const std::string& minimise, const std::string& maximise,
                                             const std::string& in, const std::string& such_that);

/// The rows of `kind: Study`, for `explain study` and its schema.
const ObjectTable& study_table();

}  // namespace dvt::sim
