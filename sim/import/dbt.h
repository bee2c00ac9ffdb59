// Plans from a dbt project: its manifest gives the steps and what they wait for, its run results give what each took
// and how it ended. Pure functions of two texts; the same texts give the same plan.
//
// Rules
// - `nodes.*.depends_on.nodes` is the graph; steps stand in the manifest's order, dependencies in the order written.
// - Nodes that are no steps (ephemeral models, resource types not selected, hooks, functions, metrics, …) are passed
//   through: whoever depends on them inherits their dependencies, along chains of any length. Sources and the like have
//   none, so they vanish. Disabled and unknown nodes are dropped, with a warning.
// - A node in `nodes` counts as enabled whatever its `config.enabled` says: dbt itself moves disabled nodes to
//   `disabled`, and the results of older versions show such nodes running.
// - Every step has `dependsOn`, empty if need be: a project without edges runs in parallel, not in file order.
// - Durations and outcomes come from results of commands that execute nodes (`args.which`: run, build, test, seed,
//   snapshot; `args.rpc_method` where `which` is absent); those of other commands are refused with a warning.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"
#include "engine/plan/sim_notes.h"

namespace dvt::sim {

/// What to do with the number of threads the project ran with.
enum class DbtThreads : std::uint8_t { ignore, bound_concurrency };

struct DbtOptions {
  /// Resource types that become steps, of these four.
  std::vector<std::string> select{"model", "seed", "test", "snapshot"};
  DbtThreads threads = DbtThreads::ignore;
  std::string plan_id;  // empty: the project's name
  std::string plan_version = "1";
};

struct DbtCounts {
  std::size_t nodes = 0;         // members of the manifest's `nodes`
  std::size_t selected = 0;      // steps of the plan
  std::size_t ephemeral = 0;     // models of the selected types that are passed through
  std::size_t results = 0;       // distinct nodes in the results; = matched + not_selected + unmatched
  std::size_t matched = 0;       // results of steps
  std::size_t not_selected = 0;  // results of nodes that the manifest has, but that are no steps
  std::size_t unmatched = 0;     // results without a node
  std::size_t durations = 0;     // steps with a recorded duration
  std::size_t errors = 0;        // steps recorded as error or fail
  std::size_t skipped = 0;       // steps recorded as skipped
  bool operator==(const DbtCounts&) const = default;
};

struct DbtImport {
  /// Step kind `dbt`, step id = unique id. Notes: materialization (`config.materialized` of a model, otherwise the
  /// resource type), recorded duration (`execution_time`, exact to the nanosecond; none for skipped nodes), outcome.
  engine::AnnotatedPlan annotated;
  DbtCounts counts;
  std::vector<std::string> unmatched_results;  // unique ids, in the order of the results
  std::vector<std::string> warnings;           // sentences, in the order found
  int manifest_version = 0;                    // 1 to 12
  std::string dbt_version;                     // the manifest's
  std::string adapter_type;
  std::string project_name;
  // From the results; absent without them:
  std::string command;  // `args.which`
  /// `args.threads`, or else the number of distinct threads that the results name.
  std::optional<std::uint32_t> threads;
  std::optional<Duration> elapsed;
};

/// `run_results_text` nullopt: no results, durations from materialization. A failure lists what makes the import
/// impossible: not JSON, a schema version outside manifest v1 to v12 or run-results v1 to v6, an unknown resource type
/// in `select`, ids that cannot be step ids, a cycle, nothing selected.
Result<DbtImport, std::vector<std::string>> import_dbt(std::string_view manifest_text,
                                                       std::optional<std::string_view> run_results_text = std::nullopt,
                                                       const DbtOptions& options = {});

/// The plan file of an import: plan JSON and simulation notes (engine/plan/sim_notes.h). What `dvtsim import dbt`
/// writes.
std::string write_plan_file(const DbtImport& import);

}  // namespace dvt::sim
