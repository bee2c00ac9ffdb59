// Reading is in two passes: shape (types, required members), then validate() on whatever could be read, so that one
// look shows everything that is wrong.
#include "engine/plan/plan_json.h"

#include "engine/base/format.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace dvt::engine {

namespace {

class Reader {
 public:
  Result<Plan, std::vector<PlanError>> read(const json::Value& value) {
    const json::Object* root = value.if_object();
    if (root == nullptr) {
      report(PlanErrorCode::invalid_field, "plan", "");
      return failure(std::move(errors_));
    }
    Plan plan;
    if (const json::Object* metadata = require_object(*root, "metadata")) read_metadata(*metadata, plan.metadata);
    if (const json::Value* steps = root->find("steps"); steps == nullptr)
      report(PlanErrorCode::missing_field, "steps", "");
    else if (const json::Array* list = steps->if_array(); list == nullptr)
      report(PlanErrorCode::invalid_field, "steps", "");
    else
      for (std::size_t i = 0; i < list->size(); ++i) plan.steps.push_back(read_step((*list)[i], i));

    for (PlanError& error : validate(plan))
      if (!said_already(error)) errors_.push_back(std::move(error));
    if (!errors_.empty()) return failure(std::move(errors_));
    return plan;
  }

 private:
  void report(PlanErrorCode code, std::string subject, std::string where) {
    errors_.push_back({code, std::move(subject), "", std::move(where)});
  }

  /// A field that is missing or of the wrong type reads as empty, which validate() reports once more.
  bool said_already(const PlanError& error) const {
    const bool about_a_field =
        error.code == PlanErrorCode::invalid_identifier || error.code == PlanErrorCode::invalid_field;
    return about_a_field && std::any_of(errors_.begin(), errors_.end(), [&error](const PlanError& earlier) {
             return earlier.subject == error.subject || earlier.subject == error.where;
           });
  }

  const json::Object* require_object(const json::Object& parent, const std::string& name) {
    const json::Value* value = parent.find(name);
    if (value == nullptr)
      report(PlanErrorCode::missing_field, name, "");
    else if (!value->is_object())
      report(PlanErrorCode::invalid_field, name, "");
    return value == nullptr ? nullptr : value->if_object();
  }

  std::string require_string(const json::Object& parent, std::string_view name, const std::string& where) {
    const json::Value* value = parent.find(name);
    if (value == nullptr) {
      report(PlanErrorCode::missing_field, fmt::format("{}.{}", where, name), where);
      return {};
    }
    if (const std::string* text = value->if_string()) return *text;
    report(PlanErrorCode::invalid_field, fmt::format("{}.{}", where, name), where);
    return {};
  }

  template <class Enum, std::size_t N>
  void read_enum(const json::Object& parent, std::string_view name, const std::array<Enum, N>& values, Enum& out) {
    const json::Value* value = parent.find(name);
    if (value == nullptr) return;
    const std::string* text = value->if_string();
    const auto found =
        std::find_if(values.begin(), values.end(), [text](Enum e) { return text != nullptr && to_string(e) == *text; });
    if (found == values.end())
      report(PlanErrorCode::invalid_field, fmt::format("metadata.{}", name), "metadata");
    else
      out = *found;
  }

  void read_metadata(const json::Object& object, PlanMetadata& metadata) {
    metadata.plan_id = require_string(object, "planId", "metadata");
    metadata.plan_version = require_string(object, "planVersion", "metadata");
    metadata.schema_version = require_string(object, "schemaVersion", "metadata");
    read_enum(object, "targetAdapter",
              std::array{TargetAdapter::any, TargetAdapter::temporal, TargetAdapter::conductor, TargetAdapter::mock},
              metadata.target_adapter);
    read_enum(object, "fallbackBehavior",
              std::array{FallbackBehavior::reject, FallbackBehavior::emulate, FallbackBehavior::degrade},
              metadata.fallback_behavior);
    const json::Value* capabilities = object.find("requiresCapabilities");
    if (capabilities == nullptr) return;
    const json::Array* list = capabilities->if_array();
    const bool all_strings =
        list != nullptr && std::all_of(list->begin(), list->end(), [](const json::Value& v) { return v.is_string(); });
    if (!all_strings) return report(PlanErrorCode::invalid_field, "metadata.requiresCapabilities", "metadata");
    for (const json::Value& capability : *list) metadata.requires_capabilities.push_back(capability.as_string());
  }

  Step read_step(const json::Value& value, std::size_t index) {
    const std::string where = fmt::format("steps[{}]", index);
    Step step;
    const json::Object* object = value.if_object();
    if (object == nullptr) {
      report(PlanErrorCode::invalid_field, where, where);
      return step;
    }
    for (const json::Member& member : *object)
      if (member.key != "stepId" && member.key != "kind" && member.key != "dependsOn")
        report(PlanErrorCode::step_field_not_allowed, member.key, where);
    step.step_id = require_string(*object, "stepId", where);
    step.kind = require_string(*object, "kind", where);
    if (const json::Value* depends_on = object->find("dependsOn")) {
      step.depends_on.emplace();
      // What is no list of strings becomes the empty id, which validate() reports as invalid_dependency_value.
      if (const json::Array* list = depends_on->if_array()) {
        for (const json::Value& dependency : *list) {
          const std::string* id = dependency.if_string();
          step.depends_on->push_back(id == nullptr ? std::string() : *id);
        }
      } else {
        step.depends_on->emplace_back();
      }
    }
    return step;
  }

  std::vector<PlanError> errors_;
};

json::Value strings(const std::vector<std::string>& texts) {
  json::Array array;
  array.reserve(texts.size());
  for (const std::string& text : texts) array.emplace_back(text);
  return array;
}

}  // namespace

Result<Plan, std::vector<PlanError>> plan_from_json(const json::Value& value) {
  return Reader().read(value);
}

Result<Plan, std::vector<PlanError>> parse_plan(std::string_view text) {
  const Result<json::Value, json::ParseError> parsed = json::parse(text);
  if (parsed.has_value()) return plan_from_json(parsed.value());
  const json::ParseError& error = parsed.error();
  std::string message = fmt::format("{}:{}: {}", error.line, error.col, error.message);
  return failure(std::vector<PlanError>{{PlanErrorCode::malformed_json, std::move(message), "", ""}});
}

json::Value to_json(const Step& step) {
  json::Object object;
  object.append("stepId", step.step_id);
  object.append("kind", step.kind);
  if (step.depends_on) object.append("dependsOn", strings(*step.depends_on));
  return object;
}

json::Value to_json(const Plan& plan) {
  const PlanMetadata& m = plan.metadata;
  json::Object metadata;
  metadata.append("planId", m.plan_id);
  metadata.append("planVersion", m.plan_version);
  metadata.append("schemaVersion", m.schema_version);
  metadata.append("targetAdapter", to_string(m.target_adapter));
  metadata.append("fallbackBehavior", to_string(m.fallback_behavior));
  metadata.append("requiresCapabilities", strings(m.requires_capabilities));
  json::Array steps;
  steps.reserve(plan.steps.size());
  for (const Step& step : plan.steps) steps.push_back(to_json(step));
  json::Object root;
  root.append("metadata", std::move(metadata));
  root.append("steps", std::move(steps));
  return root;
}

std::string plan_bytes(const Plan& plan) {
  return json::write(to_json(plan));
}

}  // namespace dvt::engine
