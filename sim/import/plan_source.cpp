// One function per form of a plan specification.
#include "sim/import/plan_source.h"

#include "engine/base/format.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <variant>

#include "engine/base/assert.h"
#include "engine/plan/plan.h"
#include "sim/import/dbt.h"

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

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw Error(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  return bytes;
}

}  // namespace dvt::sim
