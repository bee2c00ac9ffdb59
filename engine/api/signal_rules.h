// What a signal may be and who may send it (domain §8): payload schema, roles, reasons. Pure functions; the order in
// which they are asked, and everything that depends on the run, is SignalDesk's.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/api/api_error.h"
#include "engine/base/ids.h"
#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/signal.h"

namespace dvt::engine {

struct SignalRequest {
  RunOrdinal run;
  SignalType type = SignalType::pause;
  RoleSet roles{Role::operator_};
  std::optional<TenantOrdinal> tenant;  // the actor's own; absent: the platform's staff, who act for every tenant
  std::string actor;
  std::string reason;     // of any signal; a destructive one needs it. A payload's `reason` stands in for it
  std::string payload;    // JSON object of the signal's own fields; empty: none
  std::string signal_id;  // idempotency: the same id again is a no-op. Empty: a fresh one
};

enum class FieldType : std::uint8_t { text, flag, object, level };

struct PayloadField {
  std::string_view name;
  FieldType type;
  bool required;
};

/// The fields a signal's payload may have (the table of domain §8). `reason` of EMERGENCY_STOP is no required field
/// here: a destructive signal without a reason is AUTHZ_REASON_REQUIRED, wherever the reason stands.
std::span<const PayloadField> payload_fields(SignalType type);

/// A payload that was found to be right; members that the signal does not have are empty.
struct SignalPayload {
  std::string step_id;
  std::string reason;
  std::string level;       // ESCALATE_ALERT: INFO WARNING CRITICAL P1
  std::string new_target;  // UPDATE_TARGET
  json::Object object;     // UPDATE_PARAMS: params; INJECT_OVERRIDE: override
  bool force = false;
  bool force_kill = false;
};

/// The error is a sentence for people: which field, and what was expected.
Result<SignalPayload, std::string> parse_payload(SignalType type, std::string_view text);

/// Least powerful role that may send a signal.
Role required_role(SignalType type);
bool is_destructive(SignalType type);
/// Whether the role alone suffices; System stands apart: it is the only one for ESCALATE_ALERT, and for nothing else.
bool role_suffices(Role role, SignalType type);
/// The role a decision records: the least powerful of the actor's roles that suffices; nullopt when none does.
std::optional<Role> effective_role(RoleSet roles, SignalType type);
/// The most powerful role of the set, for the record of a refusal.
Role strongest_role(RoleSet roles);

/// Bytes that count against `maxBytes`: what the sender wrote.
std::size_t signal_bytes(const SignalRequest& request);

}  // namespace dvt::engine
