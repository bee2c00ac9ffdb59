// The plan as JSON: the bytes behind a PlanRef, and the reader that the worker and the importers share (domain §6).
// Writing is deterministic: equal plans give equal bytes, and so equal hashes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/plan/plan.h"

namespace dvt::engine {

/// Reads `{metadata, steps}` and validates it; a failure lists every error found, shape first, then validate()'s.
/// `planId`, `planVersion`, `schemaVersion`, `steps` and each step's `stepId` and `kind` are required. A step's unknown
/// field is an error; unknown members elsewhere are ignored, as a tolerant reader of a newer schema must.
Result<Plan, std::vector<PlanError>> plan_from_json(const json::Value& value);
Result<Plan, std::vector<PlanError>> parse_plan(std::string_view text);

/// `{stepId, kind, dependsOn?}`, as executeStep takes it.
json::Value to_json(const Step& step);
/// `{metadata, steps}` and nothing else; every metadata member is written, defaults too.
json::Value to_json(const Plan& plan);
/// The bytes handed to the workflow: to_json, compact.
std::string plan_bytes(const Plan& plan);

}  // namespace dvt::engine
