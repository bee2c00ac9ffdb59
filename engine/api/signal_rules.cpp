#include "engine/api/signal_rules.h"

#include <algorithm>
#include <array>

#include "engine/base/format.h"
#include "engine/base/idempotency.h"
#include "engine/base/text.h"

namespace dvt::engine {
namespace {

constexpr PayloadField kReason{"reason", FieldType::text, false};
constexpr PayloadField kForce{"force", FieldType::flag, false};
constexpr PayloadField kStep{"stepId", FieldType::text, true};

constexpr std::array kPause{kReason};
constexpr std::array kRetryStep{kStep, kForce};
constexpr std::array kRetryRun{kReason, kForce};
constexpr std::array kSkipStep{kStep, kReason};
constexpr std::array kUpdateParams{PayloadField{"params", FieldType::object, true}};
constexpr std::array kInjectOverride{kStep, PayloadField{"override", FieldType::object, true}};
constexpr std::array kUpdateTarget{kStep, PayloadField{"newTarget", FieldType::text, true}};
constexpr std::array kEmergencyStop{kReason, PayloadField{"forceKill", FieldType::flag, false}};
constexpr std::array kEscalateAlert{PayloadField{"level", FieldType::level, true},
                                    PayloadField{"note", FieldType::text, false}};
constexpr std::array<std::string_view, 4> kLevels{"INFO", "WARNING", "CRITICAL", "P1"};

std::string_view expected(FieldType type) {
  switch (type) {
    case FieldType::text:
      return "a text that is not empty";
    case FieldType::flag:
      return "true or false";
    case FieldType::object:
      return "an object";
    case FieldType::level:
      return "INFO, WARNING, CRITICAL or P1";
  }
  return "";
}

bool fits(const json::Value& value, FieldType type) {
  switch (type) {
    case FieldType::text:
      return value.is_string() && !value.as_string().empty();
    case FieldType::flag:
      return value.is_bool();
    case FieldType::object:
      return value.is_object();
    case FieldType::level:
      return value.is_string() && std::find(kLevels.begin(), kLevels.end(), value.as_string()) != kLevels.end();
  }
  return false;
}

void take(SignalPayload& payload, std::string_view name, const json::Value& value) {
  if (name == "stepId") payload.step_id = value.as_string();
  if (name == "reason") payload.reason = value.as_string();
  if (name == "level") payload.level = value.as_string();
  if (name == "newTarget") payload.new_target = value.as_string();
  if (name == "params" || name == "override") payload.object = value.as_object();
  if (name == "force") payload.force = value.as_bool();
  if (name == "forceKill") payload.force_kill = value.as_bool();
}

std::string unknown_field(std::string_view name, std::span<const PayloadField> fields) {
  std::vector<std::string_view> known;
  for (const PayloadField& field : fields) known.push_back(field.name);
  const std::string_view near = nearest_name(name, known);
  return fmt::format("payload.{}: not a field of this signal{}", name,
                     near.empty() ? "" : fmt::format(" (did you mean {}?)", near));
}

}  // namespace

std::span<const PayloadField> payload_fields(SignalType type) {
  switch (type) {
    case SignalType::pause:
    case SignalType::cancel:
      return kPause;
    case SignalType::resume:
      return {};
    case SignalType::retry_step:
      return kRetryStep;
    case SignalType::retry_run:
      return kRetryRun;
    case SignalType::skip_step:
      return kSkipStep;
    case SignalType::update_params:
      return kUpdateParams;
    case SignalType::inject_override:
      return kInjectOverride;
    case SignalType::update_target:
      return kUpdateTarget;
    case SignalType::emergency_stop:
      return kEmergencyStop;
    case SignalType::escalate_alert:
      return kEscalateAlert;
  }
  return {};
}

Result<SignalPayload, std::string> parse_payload(SignalType type, std::string_view text) {
  const auto parsed = json::parse(text.empty() ? "{}" : text);
  if (!parsed.has_value()) return failure(fmt::format("payload: no JSON: {}", parsed.error().message));
  const json::Object* object = parsed.value().if_object();
  if (object == nullptr) return failure(std::string("payload: expected an object"));
  const std::span<const PayloadField> fields = payload_fields(type);
  SignalPayload payload;
  for (const json::Member& member : *object) {
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const PayloadField& known) { return known.name == member.key; });
    if (field == fields.end()) return failure(unknown_field(member.key, fields));
    if (!fits(member.value, field->type))
      return failure(fmt::format("payload.{}: expected {}", field->name, expected(field->type)));
    take(payload, field->name, member.value);
  }
  for (const PayloadField& field : fields) {
    if (field.required && object->find(field.name) == nullptr)
      return failure(fmt::format("payload.{} is missing: expected {}", field.name, expected(field.type)));
  }
  if (!valid_key_field(payload.step_id)) return failure(std::string("payload.stepId: no '|' is allowed"));
  return payload;
}

Role required_role(SignalType type) {
  switch (type) {
    case SignalType::pause:
    case SignalType::resume:
    case SignalType::cancel:
      return Role::operator_;
    case SignalType::retry_step:
    case SignalType::retry_run:
    case SignalType::skip_step:
      return Role::engineer;
    case SignalType::update_params:
    case SignalType::inject_override:
    case SignalType::update_target:
    case SignalType::emergency_stop:
      return Role::admin;
    case SignalType::escalate_alert:
      return Role::system;
  }
  return Role::admin;
}

bool is_destructive(SignalType type) {
  return required_role(type) == Role::admin;
}

bool role_suffices(Role role, SignalType type) {
  if (type == SignalType::escalate_alert) return role == Role::system;
  return role != Role::system && static_cast<int>(role) >= static_cast<int>(required_role(type));
}

std::optional<Role> effective_role(RoleSet roles, SignalType type) {
  for (const Role role : {Role::system, Role::operator_, Role::engineer, Role::admin}) {
    if (roles.contains(role) && role_suffices(role, type)) return role;
  }
  return std::nullopt;
}

Role strongest_role(RoleSet roles) {
  for (const Role role : {Role::admin, Role::engineer, Role::operator_}) {
    if (roles.contains(role)) return role;
  }
  return Role::system;
}

std::size_t signal_bytes(const SignalRequest& request) {
  return request.payload.size() + request.reason.size() + request.signal_id.size() + request.actor.size();
}

}  // namespace dvt::engine
