// The import in its order: open both files, collect the manifest's nodes, resolve dependencies past the nodes that are
// no steps, add what the results say. Reading is in dbt_manifest.cpp and dbt_results.cpp.
#include "sim/import/dbt.h"

#include "engine/base/format.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "engine/base/assert.h"
#include "engine/plan/plan.h"
#include "sim/import/dbt_manifest.h"
#include "sim/import/dbt_results.h"

namespace dvt::sim {

namespace {

constexpr std::array<std::string_view, 4> kResourceTypes{"model", "seed", "test", "snapshot"};
constexpr std::array<std::string_view, 5> kExecutingCommands{"run", "build", "test", "seed", "snapshot"};

template <class Range>
bool contains(const Range& range, std::string_view text) {
  return std::find(range.begin(), range.end(), text) != range.end();
}

engine::RecordedOutcome outcome_of(DbtStatus status) {
  switch (status) {
    case DbtStatus::success:
      return engine::RecordedOutcome::success;
    case DbtStatus::error:
      return engine::RecordedOutcome::error;
    case DbtStatus::fail:
      return engine::RecordedOutcome::fail;
    case DbtStatus::skipped:
      return engine::RecordedOutcome::skipped;
  }
  DVT_ASSERT(false, "unknown DbtStatus");
}

class Importer {
 public:
  Importer(const DbtManifest& manifest, const DbtOptions& options) : manifest_(manifest), options_(options) {}

  Result<DbtImport, std::vector<std::string>> run(const DbtResults* results) {
    take_header();
    take_steps();
    if (errors_.empty()) take_dependencies();
    if (results != nullptr && errors_.empty()) take_results(*results);
    if (errors_.empty())
      for (const engine::PlanError& error : engine::validate(plan())) errors_.push_back(error.text());
    if (!errors_.empty()) return failure(std::move(errors_));
    return std::move(out_);
  }

 private:
  engine::Plan& plan() { return out_.annotated.plan; }
  void warn(std::string text) { out_.warnings.push_back(std::move(text)); }

  bool is_step(const DbtNode& node) const {
    return node.section == DbtSection::nodes && contains(options_.select, node.resource_type) && !node.is_ephemeral();
  }

  void take_header() {
    out_.manifest_version = manifest_.version;
    out_.dbt_version = manifest_.dbt_version;
    out_.adapter_type = manifest_.adapter_type;
    out_.project_name = manifest_.project_name;
  }

  void take_steps() {
    for (std::size_t i = 0; i < manifest_.nodes.size(); ++i) {
      const DbtNode& node = manifest_.nodes[i];
      if (node.section == DbtSection::nodes) ++out_.counts.nodes;
      if (!is_step(node)) {
        if (node.section == DbtSection::nodes && contains(options_.select, node.resource_type)) ++out_.counts.ephemeral;
        continue;
      }
      if (node.unique_id.find('|') != std::string::npos) {
        errors_.push_back(fmt::format("node \"{}\": an id with '|' cannot be a step id", node.unique_id));
        continue;
      }
      step_of_.emplace(i, plan().steps.size());
      plan().steps.push_back({node.unique_id, "dbt", std::vector<std::string>{}});
      engine::StepNotes notes;
      notes.materialization = node.resource_type == "model" ? node.materialized : node.resource_type;
      if (notes.materialization->empty()) notes.materialization.reset();
      out_.annotated.notes.push_back(std::move(notes));
      if (out_.project_name.empty()) out_.project_name = node.package_name;
    }
    out_.counts.selected = plan().steps.size();
    if (plan().steps.empty() && errors_.empty())
      errors_.push_back(fmt::format("the manifest has no {} that runs", fmt::join(options_.select, ", ")));
    plan().metadata.plan_id = !options_.plan_id.empty()   ? options_.plan_id
                              : out_.project_name.empty() ? "dbt"
                                                          : out_.project_name;
    plan().metadata.plan_version = options_.plan_version;
  }

  void take_dependencies() {
    for (const auto& [node, step] : step_of_) {
      std::vector<std::string>& depends_on = *plan().steps[step].depends_on;
      for (const std::size_t dependency : steps_behind(node)) depends_on.push_back(plan().steps[dependency].step_id);
    }
  }

  /// The steps that `node` waits for: its dependencies, with nodes that are no steps replaced by what these wait for.
  std::vector<std::size_t> steps_behind(std::size_t node) {
    resolve_passed_through(node);
    return collect(node);
  }

  /// Fills `behind_` for every node that is no step and can be reached from `start` through such nodes only. Depth
  /// first with an own stack: chains of ephemeral models may be long.
  void resolve_passed_through(std::size_t start) {
    std::vector<Visit> stack{{start, 0}};
    while (!stack.empty()) {
      Visit& visit = stack.back();
      const std::vector<std::string>& names = manifest_.nodes[visit.node].depends_on;
      if (visit.next == names.size()) {
        const std::size_t done = visit.node;
        stack.pop_back();
        open_.erase(done);
        if (done != start) behind_.emplace(done, collect(done));
        continue;
      }
      const DbtNode* next = manifest_.find(names[visit.next]);
      ++visit.next;
      if (next == nullptr) continue;
      const std::size_t index = manifest_.index_of(*next);
      if (is_step(*next) || behind_.contains(index)) continue;
      if (!open_.insert(index).second) {
        if (cyclic_.insert(index).second)
          errors_.push_back(fmt::format("node \"{}\" depends on itself", next->unique_id));
        continue;
      }
      stack.push_back({index, 0});
    }
  }

  std::vector<std::size_t> collect(std::size_t node) {
    std::vector<std::size_t> steps;
    std::set<std::size_t> seen;
    const auto add = [&steps, &seen](std::size_t step) {
      if (seen.insert(step).second) steps.push_back(step);
    };
    for (const std::string& name : manifest_.nodes[node].depends_on) {
      const DbtNode* dependency = manifest_.find(name);
      if (dependency == nullptr) {
        report_dropped(manifest_.nodes[node].unique_id, name);
        continue;
      }
      const std::size_t index = manifest_.index_of(*dependency);
      if (const auto step = step_of_.find(index); step != step_of_.end())
        add(step->second);
      else if (const auto behind = behind_.find(index); behind != behind_.end())
        for (const std::size_t further : behind->second) add(further);
    }
    return steps;
  }

  void report_dropped(const std::string& dependent, const std::string& dependency) {
    const std::string_view why = manifest_.is_disabled(dependency) ? "which is disabled" : "which the manifest lacks";
    warn(fmt::format("\"{}\" depends on \"{}\", {}: dependency dropped", dependent, dependency, why));
  }

  void take_results(const DbtResults& results) {
    out_.command = results.command;
    out_.threads = results.threads;
    out_.elapsed = results.elapsed;
    for (const std::string& warning : results.warnings) warn(warning);
    if (!results.invocation_id.empty() && !manifest_.invocation_id.empty() &&
        results.invocation_id != manifest_.invocation_id)
      warn("manifest and run results are of different invocations: nodes may have changed in between");
    if (options_.threads == DbtThreads::bound_concurrency) {
      out_.annotated.concurrency = results.threads;
      if (!results.threads) warn("the run results name no threads: concurrency is not bounded");
    }

    const bool executed = contains(kExecutingCommands, results.command);
    if (!executed) warn(refusal(results.command));
    out_.counts.results = results.results.size();
    for (const DbtResult& result : results.results) {
      const DbtNode* node = manifest_.find(result.unique_id);
      if (node == nullptr) {
        ++out_.counts.unmatched;
        out_.unmatched_results.push_back(result.unique_id);
        warn(fmt::format("result of \"{}\" has no node{}", result.unique_id,
                         manifest_.is_disabled(result.unique_id) ? ": the manifest has it as disabled" : ""));
      } else if (const auto step = step_of_.find(manifest_.index_of(*node)); step == step_of_.end()) {
        ++out_.counts.not_selected;
      } else {
        ++out_.counts.matched;
        if (executed) take_result(result, out_.annotated.notes[step->second]);
      }
    }
    if (executed && out_.counts.matched < out_.counts.selected)
      warn(fmt::format("{} of {} steps have no result: their durations come from the warehouse",
                       out_.counts.selected - out_.counts.matched, out_.counts.selected));
  }

  static std::string refusal(const std::string& command) {
    const std::string why = command.empty()
                                ? "the run results do not say which command wrote them (args.which is absent)"
                                : fmt::format("the run results were written by \"{}\"", command);
    return fmt::format("durations and outcomes refused: {}; only {} execute the nodes they report", why,
                       fmt::join(kExecutingCommands, ", "));
  }

  void take_result(const DbtResult& result, engine::StepNotes& notes) {
    if (result.status) notes.outcome = outcome_of(*result.status);
    const bool ran = notes.outcome != engine::RecordedOutcome::skipped;
    if (ran && result.execution_time) {
      notes.duration = result.execution_time;
      ++out_.counts.durations;
    }
    if (notes.outcome == engine::RecordedOutcome::skipped) ++out_.counts.skipped;
    if (notes.outcome == engine::RecordedOutcome::error || notes.outcome == engine::RecordedOutcome::fail)
      ++out_.counts.errors;
    if (notes.outcome != engine::RecordedOutcome::success) notes.message = result.message;
  }

  struct Visit {
    std::size_t node;
    std::size_t next;  // position in the node's dependencies
  };

  const DbtManifest& manifest_;
  const DbtOptions& options_;
  DbtImport out_;
  std::vector<std::string> errors_;
  std::map<std::size_t, std::size_t> step_of_;              // manifest node → step
  std::map<std::size_t, std::vector<std::size_t>> behind_;  // node that is no step → steps it stands for
  std::set<std::size_t> open_;
  std::set<std::size_t> cyclic_;
};

}  // namespace

Result<DbtImport, std::vector<std::string>> import_dbt(std::string_view manifest_text,
                                                       std::optional<std::string_view> run_results_text,
                                                       const DbtOptions& options) {
  std::vector<std::string> errors;
  for (const std::string& type : options.select)
    if (!contains(kResourceTypes, type))
      errors.push_back(fmt::format("select: \"{}\" is none of {}", type, fmt::join(kResourceTypes, ", ")));

  Result<DbtManifest, std::string> manifest = read_dbt_manifest(manifest_text);
  if (!manifest.has_value()) errors.push_back("manifest: " + manifest.error());
  std::optional<DbtResults> results;
  if (run_results_text) {
    Result<DbtResults, std::string> read = read_dbt_results(*run_results_text);
    if (read.has_value())
      results = std::move(read).value();
    else
      errors.push_back("run results: " + read.error());
  }
  if (!errors.empty()) return failure(std::move(errors));
  return Importer(manifest.value(), options).run(results ? &*results : nullptr);
}

std::string write_plan_file(const DbtImport& import) {
  return engine::write_plan_file(import.annotated);
}

}  // namespace dvt::sim
