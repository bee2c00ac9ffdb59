// Kahn's algorithm by frontiers: O(steps + dependencies), iterative, so a chain of any length fits any stack.
#include "engine/plan/layers.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>

#include "engine/base/assert.h"

namespace dvt::engine {

namespace {

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

StepIndex index_of(std::size_t position) {
  return StepIndex{static_cast<std::uint32_t>(position)};
}

bool is_graph(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(),
                     [](const Step& step) { return step.depends_on.has_value(); });
}

}  // namespace

std::vector<std::vector<StepIndex>> dependencies(const Plan& plan) {
  DVT_ASSERT(plan.steps.size() < kNoStep.value, "a plan has more steps than a StepIndex can name");
  std::map<std::string_view, std::size_t> by_id;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) by_id.try_emplace(plan.steps[i].step_id, i);

  std::vector<std::vector<StepIndex>> table(plan.steps.size());
  // The step that named a dependency last: cheaper than a set per step when lists are long.
  std::vector<std::size_t> named_by(plan.steps.size(), kNever);
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    if (!plan.steps[i].depends_on) continue;
    for (const std::string& dependency : *plan.steps[i].depends_on) {
      const auto found = by_id.find(dependency);
      if (found == by_id.end() || found->second == i || named_by[found->second] == i) continue;
      named_by[found->second] = i;
      table[i].push_back(index_of(found->second));
    }
  }
  return table;
}

std::vector<std::vector<StepIndex>> frontiers(const std::vector<std::vector<StepIndex>>& dependencies) {
  std::vector<std::vector<StepIndex>> dependents(dependencies.size());
  std::vector<std::size_t> waiting_for(dependencies.size());
  std::vector<StepIndex> ready;
  for (std::size_t i = 0; i < dependencies.size(); ++i) {
    waiting_for[i] = dependencies[i].size();
    if (dependencies[i].empty()) ready.push_back(index_of(i));
    for (const StepIndex dependency : dependencies[i]) dependents[dependency.value].push_back(index_of(i));
  }

  std::vector<std::vector<StepIndex>> result;
  while (!ready.empty()) {
    std::vector<StepIndex> next;
    for (const StepIndex done : ready)
      for (const StepIndex dependent : dependents[done.value])
        if (--waiting_for[dependent.value] == 0) next.push_back(dependent);
    std::sort(next.begin(), next.end());  // declaration order, whoever released them
    result.push_back(std::move(ready));
    ready = std::move(next);
  }
  return result;
}

std::vector<std::vector<StepIndex>> run_dependencies(const Plan& plan) {
  if (is_graph(plan)) return dependencies(plan);
  std::vector<std::vector<StepIndex>> chain(plan.steps.size());
  for (std::size_t i = 1; i < plan.steps.size(); ++i) chain[i] = {index_of(i - 1)};
  return chain;
}

std::vector<std::vector<StepIndex>> layers(const Plan& plan) {
  if (!is_graph(plan)) {
    std::vector<std::vector<StepIndex>> one_by_one;
    one_by_one.reserve(plan.steps.size());
    for (std::size_t i = 0; i < plan.steps.size(); ++i) one_by_one.push_back({index_of(i)});
    return one_by_one;
  }
  std::vector<std::vector<StepIndex>> result = frontiers(dependencies(plan));
  std::size_t placed = 0;
  for (const auto& layer : result) placed += layer.size();
  DVT_ASSERT(placed == plan.steps.size(), "layers() of a plan with a cycle: validate it first");
  return result;
}

}  // namespace dvt::engine
