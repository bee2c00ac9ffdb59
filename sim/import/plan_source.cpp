// One function per form of a plan specification.
#include "sim/import/plan_source.h"

#include "engine/base/format.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>
#include <variant>

#include "engine/base/assert.h"
#include "engine/plan/plan.h"
#include "sim/import/dbt.h"
#include "sim/scenario/reading.h"
#include "sim/scenario/yaml_front.h"

namespace dvt::sim {

namespace {

using Loaded = Result<LoadedPlan, std::vector<std::string>>;

std::string step_name(std::uint32_t layer, std::uint32_t position) {
  return fmt::format("l{}s{}", layer + 1, position + 1);
}

engine::PlanMetadata metadata_of(std::string plan_id) {
  engine::PlanMetadata metadata;
  metadata.plan_id = std::move(plan_id);
  metadata.plan_version = "1";
  return metadata;
}

Loaded checked(LoadedPlan loaded) {
  std::vector<std::string> errors;
  for (const engine::PlanError& error : engine::validate(loaded.annotated.plan))
    errors.push_back(fmt::format("{} ({})", error.text(), error.where));
  if (!errors.empty()) return failure(std::move(errors));
  return loaded;
}

/// Sizes are checked when a scenario is read; one built by a program may still be wrong.
Result<engine::StepSize, std::vector<std::string>> size_of(const std::string& text) {
  const std::optional<engine::StepSize> size = engine::step_size_from_text(text);
  if (!size) return failure(std::vector<std::string>{fmt::format("size \"{}\" is none of small, medium, large", text)});
  return *size;
}

Loaded load_inline(const std::string& name, const InlinePlan& body) {
  LoadedPlan loaded;
  loaded.annotated.plan.metadata = metadata_of(name);
  for (const PlanStep& step : body.steps) {
    const auto size = size_of(step.size);
    if (!size.has_value()) return failure(size.error());
    loaded.annotated.plan.steps.push_back({step.step_id, step.kind, step.depends_on});
    engine::StepNotes notes;
    notes.size = size.value();
    if (!step.materialization.empty()) notes.materialization = step.materialization;
    loaded.annotated.notes.push_back(std::move(notes));
  }
  return loaded;
}

Loaded load(const std::string& name, const InlinePlan& body) {
  auto loaded = load_inline(name, body);
  return loaded.has_value() ? checked(std::move(loaded).value()) : std::move(loaded);
}

Loaded load(const std::string& name, const SyntheticPlan& body) {
  constexpr std::int64_t kMost = 1'000'000;
  if (body.steps < 1 || body.steps > kMost || body.layers < 1 || body.layers > body.steps)
    return failure(std::vector<std::string>{fmt::format(
        "synthetic: {} steps in {} layers; steps must be 1 to {}, layers 1 to steps", body.steps, body.layers, kMost)});
  const auto size = size_of(body.size);
  if (!size.has_value()) return failure(size.error());
  return checked({synthetic_plan(name, {static_cast<std::uint32_t>(body.steps), static_cast<std::uint32_t>(body.layers),
                                        body.kind, size.value()}),
                  {}});
}

Loaded load(const std::string& name, const DbtPlan& body) {
  const std::string manifest = read_file(body.manifest.path);
  std::optional<std::string> results;
  if (!body.run_results.empty()) results = read_file(body.run_results.path);
  DbtOptions options;
  options.select = body.select;
  if (body.threads) options.threads = DbtThreads::bound_concurrency;
  options.plan_id = name;
  auto imported = import_dbt(manifest, results, options);
  if (!imported.has_value()) return failure(std::move(imported).error());
  return LoadedPlan{std::move(imported.value().annotated), std::move(imported.value().warnings)};
}

Loaded load(const std::string&, const PlanFile& body) {
  auto read = engine::parse_plan_file(read_file(body.file.path));
  if (!read.has_value()) return failure(std::move(read).error());
  return LoadedPlan{std::move(read).value(), {}};
}

Loaded load(const std::string&, const WorkflowPlan&) {
  DVT_ASSERT(false, "load_plan of a workflow: it has no plan");
}

}  // namespace

engine::AnnotatedPlan synthetic_plan(std::string plan_id, const SyntheticShape& shape) {
  DVT_ASSERT(shape.layers >= 1 && shape.layers <= shape.steps, "a synthetic plan needs 1 <= layers <= steps");
  engine::AnnotatedPlan annotated;
  annotated.plan.metadata = metadata_of(std::move(plan_id));
  annotated.plan.steps.reserve(shape.steps);
  const std::uint32_t width = shape.steps / shape.layers;
  const std::uint32_t wider = shape.steps % shape.layers;  // so many first layers have one step more
  for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
    const std::uint32_t count = width + (layer < wider ? 1 : 0);
    for (std::uint32_t position = 0; position < count; ++position) {
      std::vector<std::string> depends_on;
      if (layer > 0) depends_on.push_back(step_name(layer - 1, position));
      annotated.plan.steps.push_back({step_name(layer, position), shape.kind, std::move(depends_on)});
    }
  }
  engine::StepNotes notes;
  notes.size = shape.size;
  annotated.notes.assign(annotated.plan.steps.size(), notes);
  return annotated;
}

Result<LoadedPlan, std::vector<std::string>> load_plan(const PlanSpec& spec) {
  const auto* written_out = std::get_if<InlinePlan>(&spec.body);
  DVT_ASSERT(!spec.unchecked || written_out != nullptr, "only plans written out as steps go unchecked");
  Loaded loaded = spec.unchecked ? load_inline(spec.name, *written_out)
                                 : std::visit([&spec](const auto& body) { return load(spec.name, body); }, spec.body);
  if (loaded.has_value() && !std::holds_alternative<PlanFile>(spec.body))
    loaded.value().annotated.plan.metadata = spec.metadata();
  return loaded;
}

namespace {

// Where the scenario's text names each file. A plan that `--set` brought is not in the text: its own place stands in.
class Places {
 public:
  explicit Places(const Scenario& scenario) : file_(scenario.file_name) {
    std::vector<Diagnostic> ignored;  // the scenario has been read: it is whole
    if (std::ifstream in(file_, std::ios::binary); in)
      root_ = parse_yaml(std::string{std::istreambuf_iterator<char>(in), {}}, ignored);
  }
  Diagnostic at(const PlanSpec& spec, std::initializer_list<std::string_view> keys, std::string message) const {
    Diagnostic out;
    out.file = file_;
    out.line = spec.source.line;
    out.column = spec.source.column;
    out.path = fmt::format("workload.plans.{}.{}", spec.name, fmt::join(keys, "."));
    out.message = std::move(message);
    const Node* node = root_ ? &*root_ : nullptr;
    for (const std::string_view key :
         {std::string_view("workload"), std::string_view("plans"), std::string_view(spec.name)})
      node = node == nullptr ? nullptr : node->find(key);
    for (const std::string_view key : keys) node = node == nullptr ? nullptr : node->find(key);
    if (node != nullptr) {
      out.line = node->mark.line;
      out.column = node->mark.column;
    }
    return out;
  }

 private:
  std::string file_;
  std::optional<Node> root_;
};

// What every step of a plan that is right in itself needs of the scenario.
void check_steps(const Scenario& scenario, const engine::AnnotatedPlan& plan,
                 const std::function<void(std::string)>& wrong) {
  std::vector<std::string_view> kinds;
  for (const WarehouseSpec& warehouse : scenario.warehouses)
    for (const std::string& kind : warehouse.kinds) kinds.push_back(kind);
  std::vector<std::string_view> told;
  for (std::size_t i = 0; i < plan.plan.steps.size(); ++i) {
    const engine::Step& step = plan.plan.steps[i];
    const engine::StepNotes& notes = plan.notes[i];
    const WarehouseSpec* warehouse = scenario.warehouse_for(step.kind);
    if (warehouse == nullptr) {
      if (std::find(told.begin(), told.end(), step.kind) != told.end()) continue;
      told.push_back(step.kind);
      wrong(fmt::format("step {}: no warehouse runs kind \"{}\"{}", step.step_id, step.kind,
                        Reading::suggestion(step.kind, kinds)));
      continue;
    }
    const std::string_view size = to_string(notes.size.value_or(engine::StepSize::small));
    if (!notes.duration && warehouse->duration_for(step.kind, size, notes.materialization.value_or("")) == nullptr)
      wrong(fmt::format("step {}: warehouse \"{}\" has no duration for a {} step of kind \"{}\"", step.step_id,
                        warehouse->name, size, step.kind));
  }
}

}  // namespace

std::vector<Diagnostic> check_plan_files(const Scenario& scenario) {
  std::vector<Diagnostic> out;
  std::optional<Places> places;
  for (const PlanSpec& spec : scenario.workload.plans) {
    const auto* dbt = std::get_if<DbtPlan>(&spec.body);
    const auto* file = std::get_if<PlanFile>(&spec.body);
    if (dbt == nullptr && file == nullptr) continue;
    if (!places) places.emplace(scenario);
    const auto add = [&](std::initializer_list<std::string_view> keys, const std::string& path, std::string message) {
      out.push_back(places->at(spec, keys, fmt::format("{}: {}", path, message)));
    };
    // A file that cannot be opened is told at its own key.
    const auto opens = [&](std::initializer_list<std::string_view> keys, const std::string& path) {
      try {
        (void)read_file(path);
        return true;
      } catch (const Error& error) {
        out.push_back(places->at(spec, keys, error.what()));
        return false;
      }
    };
    const std::string& named = dbt != nullptr ? dbt->manifest.path : file->file.path;
    const auto wrong = [&](std::string message) {
      dbt != nullptr ? add({"dbt", "manifest"}, named, std::move(message)) : add({"file"}, named, std::move(message));
    };
    bool readable = dbt != nullptr ? opens({"dbt", "manifest"}, named) : opens({"file"}, named);
    if (dbt != nullptr && !dbt->run_results.empty())
      readable = opens({"dbt", "runResults"}, dbt->run_results.path) && readable;
    if (!readable) continue;
    const auto loaded = load_plan(spec);
    if (loaded.has_value()) {
      check_steps(scenario, loaded.value().annotated, wrong);
    } else {
      for (const std::string& error : loaded.error()) wrong(error);
    }
  }
  return out;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw Error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return bytes;
}

}  // namespace dvt::sim
