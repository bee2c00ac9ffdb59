// Hash and JSON of plan references; the address check is in uri_policy.cpp.
#include "engine/plan/plan_ref.h"

#include "engine/base/assert.h"
#include "engine/base/sha256.h"

namespace dvt::engine {

std::string_view code_text(PlanRefError error) {
  switch (error) {
    case PlanRefError::uri_not_allowed:
      return "PLAN_URI_NOT_ALLOWED";
    case PlanRefError::integrity_validation_failed:
      return "PLAN_INTEGRITY_VALIDATION_FAILED";
  }
  DVT_ASSERT(false, "unknown PlanRefError");
}

PlanRef make_plan_ref(std::string uri, std::string_view bytes, const PlanMetadata& metadata) {
  return {std::move(uri),   to_hex(sha256(bytes)), metadata.schema_version,
          metadata.plan_id, metadata.plan_version, bytes.size()};
}

Result<void, PlanRefError> verify(std::string_view bytes, const PlanRef& ref) {
  const std::optional<Digest> expected = from_hex(ref.sha256);
  const bool same_size = !ref.size_bytes || *ref.size_bytes == bytes.size();
  if (!expected || !same_size || sha256(bytes) != *expected) return failure(PlanRefError::integrity_validation_failed);
  return success();
}

json::Value to_json(const PlanRef& ref) {
  json::Object object;
  object.append("uri", ref.uri);
  object.append("sha256", ref.sha256);
  object.append("schemaVersion", ref.schema_version);
  object.append("planId", ref.plan_id);
  object.append("planVersion", ref.plan_version);
  if (ref.size_bytes) object.append("sizeBytes", *ref.size_bytes);
  return object;
}

std::optional<PlanRef> plan_ref_from_json(const json::Value& value) {
  PlanRef ref;
  struct Field {
    std::string_view name;
    std::string* to;
  };
  for (const Field& field :
       {Field{"uri", &ref.uri}, Field{"sha256", &ref.sha256}, Field{"schemaVersion", &ref.schema_version},
        Field{"planId", &ref.plan_id}, Field{"planVersion", &ref.plan_version}}) {
    const json::Value* member = value.find(field.name);
    const std::string* text = member == nullptr ? nullptr : member->if_string();
    if (text == nullptr) return std::nullopt;
    *field.to = *text;
  }
  if (const json::Value* size = value.find("sizeBytes")) {
    const std::optional<std::int64_t> bytes = size->if_int();
    if (!bytes || *bytes < 0) return std::nullopt;
    ref.size_bytes = static_cast<std::uint64_t>(*bytes);
  }
  return ref;
}

}  // namespace dvt::engine
