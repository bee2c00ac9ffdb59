// The two keys that make writing twice harmless: of a stored event (domain §2) and of a run request (domain §9).
// Both are SHA-256 over fields joined by '|', so no field may contain that character: check ids at the edge with
// valid_key_field; a bar that gets here is a programmer's error and aborts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/event_type.h"
#include "engine/base/sha256.h"

namespace dvt {

/// What names an event. The engine's attempt, the tenant, project and environment never take part.
struct EventKeyFields {
  std::string_view run_id;
  /// Of a step event. A run event hashes the literal RUN whatever stands here.
  std::string_view step_id;
  std::uint32_t logical_attempt = 1;
  EventType type = EventType::run_queued;
  std::string_view plan_id;
  std::string_view plan_version;
};

/// SHA-256 of runId|stepIdNormalized|logicalAttemptId|eventType|planId|planVersion.
Digest idempotency_key(const EventKeyFields& fields);
/// The text that is hashed, for reports and tests.
std::string idempotency_preimage(const EventKeyFields& fields);

struct RunRequestKeyFields {
  std::string_view tenant_id;
  std::string_view project_id;
  std::string_view environment_id;
  std::string_view plan_id;
  std::string_view plan_version;
  std::string_view run_request_id;
};

/// SHA-256 of tenantId|projectId|environmentId|planId|planVersion|runRequestId.
Digest run_request_key(const RunRequestKeyFields& fields);

/// True if `field` may take part in a key: it has no '|'.
constexpr bool valid_key_field(std::string_view field) {
  return field.find('|') == std::string_view::npos;
}

}  // namespace dvt
