#include "sim/study/plan.h"

#include <algorithm>
#include <filesystem>

#include "engine/base/format.h"
#include "sim/check/invariants.h"
#include "sim/slo/result_paths.h"
#include "sim/study/execute.h"

namespace dvt::sim {
namespace {

constexpr std::size_t kMostCells = 10'000;

std::string list(const std::vector<SetOverride>& sets) {
  std::string out;
  for (const SetOverride& set : sets) out += fmt::format("{}{}={}", out.empty() ? "" : ", ", set.path, set.value);
  return out;
}

void add_once(std::vector<Diagnostic>& all, std::vector<Diagnostic> more) {
  for (Diagnostic& one : more)
    if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
}

Diagnostic complaint(const std::string& file, std::string path, std::string message) {
  Diagnostic out;
  out.file = file;
  out.path = std::move(path);
  out.message = std::move(message);
  return out;
}

// What a study looks at when it is not told.
std::vector<std::string> usual_measures() {
  std::vector<std::string> paths{"runs.completed", "runs.failed"};
  for (const ObjectiveInfo& objective : builtin_objectives()) {
    paths.push_back(fmt::format("objectives.{}.verdict", objective.name));
    paths.push_back(fmt::format("objectives.{}.observed", objective.name));
  }
  return paths;
}

// Finds the kind of each path in what the first cell's result can have; a path must exist in every cell.
std::vector<Diagnostic> resolve_measures(StudyPlan& plan, const std::string& file, std::vector<std::string> paths) {
  if (paths.empty()) paths = usual_measures();
  if (!plan.replications.of.empty()) paths.push_back(plan.replications.of);
  std::vector<Diagnostic> wrong;
  for (const StudyCell& cell : plan.cells) {
    const PathCatalogue known = result_paths(cell.scenario, invariant_names());
    for (const std::string& path : paths) {
      const std::optional<ValueKind> kind = known.find(path);
      if (!kind) {
        const std::string nearest = known.nearest_path(path);
        add_once(wrong, {complaint(file, path,
                                   fmt::format("no result of {} has this path{}", cell.scenario.file_name,
                                               nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest)))});
        continue;
      }
      const auto same = [&](const StudyMeasure& one) { return one.path == path; };
      if (std::none_of(plan.measures.begin(), plan.measures.end(), same)) plan.measures.push_back({path, *kind});
    }
  }
  const auto is_of = [&](const StudyMeasure& one) { return one.path == plan.replications.of; };
  const auto of = std::find_if(plan.measures.begin(), plan.measures.end(), is_of);
  if (of != plan.measures.end() && (of->kind == ValueKind::word || of->kind == ValueKind::boolean))
    wrong.push_back(complaint(file, "replications.of",
                              fmt::format("expected a number to take the mean of; {} is a word", of->path)));
  return wrong;
}

std::vector<std::vector<SetOverride>> grid(const Study& study) {
  std::vector<std::vector<SetOverride>> points{{}};
  for (const auto& [key, values] : study.vary) {
    std::vector<std::vector<SetOverride>> finer;
    for (const std::vector<SetOverride>& point : points) {
      for (const FlowValue& value : values) {
        finer.push_back(point);
        finer.back().push_back({key, value.text});
      }
    }
    points = std::move(finer);
    if (points.size() > kMostCells) throw Error(fmt::format("{}: more than {} cells", study.file_name, kMostCells));
  }
  return points;
}

}  // namespace

std::string StudyCell::grid_label() const {
  return list(varied);
}

std::string StudyCell::label() const {
  const std::string point = grid_label();
  if (variant.empty()) return point.empty() ? scenario.metadata.name : point;
  return point.empty() ? variant : variant + ", " + point;
}

Result<StudyPlan, std::vector<Diagnostic>> plan_study(const Study& study, const std::vector<SetOverride>& overrides,
                                                      const std::vector<std::string>& more_measures) {
  StudyPlan plan;
  plan.name = study.metadata.name;
  plan.replications = study.replications;
  plan.compare = study.compare;
  plan.search = study.search;
  plan.scenario_file = study.scenario.path;
  plan.overrides = overrides;
  std::vector<std::pair<std::string, VariantSets>> variants = study.variants;
  if (variants.empty()) variants.emplace_back();
  std::vector<Diagnostic> wrong;
  for (const std::vector<SetOverride>& point : grid(study)) {
    for (const auto& [name, sets] : variants) {
      StudyCell cell;
      cell.variant = name;
      cell.varied = point;
      cell.overrides = overrides;
      cell.overrides.insert(cell.overrides.end(), point.begin(), point.end());
      for (const auto& [path, value] : sets) cell.overrides.push_back({path, value.text});
      auto read = read_runnable(study.scenario.path, cell.overrides);
      if (!read.has_value()) {
        add_once(wrong, std::move(read.error()));
        continue;
      }
      cell.scenario = std::move(read.value());
      plan.cells.push_back(std::move(cell));
      if (plan.cells.size() > kMostCells)
        throw Error(fmt::format("{}: more than {} cells", study.file_name, kMostCells));
    }
  }
  if (wrong.empty()) {
    std::vector<std::string> paths = more_measures;
    if (study.compare) paths.insert(paths.begin(), study.compare->measures.begin(), study.compare->measures.end());
    wrong = resolve_measures(plan, study.file_name, std::move(paths));
  }
  if (!wrong.empty()) return failure(std::move(wrong));
  return plan;
}

Result<StudyPlan, std::vector<Diagnostic>> plan_comparison(const std::vector<std::string>& files,
                                                           const std::vector<SetOverride>& overrides,
                                                           const std::vector<std::string>& measures) {
  StudyPlan plan;
  plan.name = "comparison";
  plan.overrides = overrides;
  std::vector<Diagnostic> wrong;
  for (const std::string& file : files) {
    StudyCell cell;
    cell.variant = std::filesystem::path(file).stem().string();
    const auto same = [&](const StudyCell& other) { return other.variant == cell.variant; };
    if (std::any_of(plan.cells.begin(), plan.cells.end(), same)) cell.variant = file;
    cell.overrides = overrides;
    auto read = read_runnable(file, overrides);
    if (!read.has_value()) {
      add_once(wrong, std::move(read.error()));
      continue;
    }
    cell.scenario = std::move(read.value());
    plan.cells.push_back(std::move(cell));
  }
  if (wrong.empty()) wrong = resolve_measures(plan, files.front(), measures);
  if (!wrong.empty()) return failure(std::move(wrong));
  CompareSpec compare;
  compare.baseline = plan.cells.front().variant;
  for (const StudyMeasure& measure : plan.measures) compare.measures.push_back(measure.path);
  plan.compare = std::move(compare);
  return plan;
}

}  // namespace dvt::sim
