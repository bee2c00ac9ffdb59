// PlanRef: how a plan is handed to a workflow: not its bytes, but where they are and what they must hash to
// (domain §6). The worker that fetches them checks the address before the fetch and the hash after it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/plan/plan.h"

namespace dvt::engine {

struct PlanRef {
  std::string uri;
  std::string sha256;  // lower-case hex of the plan's bytes
  std::string schema_version;
  std::string plan_id;
  std::string plan_version;
  std::optional<std::uint64_t> size_bytes;
  bool operator==(const PlanRef&) const = default;
};

/// Both are final: never retried, and no step starts.
enum class PlanRefError : std::uint8_t {
  uri_not_allowed,              // PLAN_URI_NOT_ALLOWED, before any fetch
  integrity_validation_failed,  // PLAN_INTEGRITY_VALIDATION_FAILED, P1 alert
};
std::string_view code_text(PlanRefError error);

/// A reference to `bytes`, which are the plan's at `uri`: hash and size are taken from them.
PlanRef make_plan_ref(std::string uri, std::string_view bytes, const PlanMetadata& metadata);

/// Whether `bytes` are the ones the reference was made for. The size is compared first where the reference has one;
/// the hash is compared whatever its letters' case.
Result<void, PlanRefError> verify(std::string_view bytes, const PlanRef& ref);

/// Which addresses a worker may fetch plans from.
struct UriPolicy {
  /// `plan` is the simulator's own scheme: a plan in the scenario's catalogue.
  std::vector<std::string> schemes = {"plan", "s3", "gs", "https"};
  /// When not empty, the only hosts (https) and buckets (s3, gs, plan) allowed; exact, lower case.
  std::vector<std::string> hosts;
};

/// Why an address is refused; `none` when it is allowed.
enum class UriViolation : std::uint8_t {
  none,
  malformed,           // no `scheme://host`, credentials, escapes, spaces or non-ASCII in the host, a bad port
  scheme_not_allowed,  // file:, ftp:, gopher:, http:, data:, …
  denied_host,         // this machine, private or link-local networks, cloud metadata endpoints, in any spelling
  host_not_listed,
};
std::string_view to_string(UriViolation violation);

/// Judges the text alone: no name is resolved (a public name that leads to a private address is kept out by
/// `UriPolicy::hosts`). IPv4 is read as fetchers read it (decimal, octal and hex parts, one to four of them), IPv6 with
/// the IPv4 addresses it can carry.
UriViolation check_uri(std::string_view uri, const UriPolicy& policy = {});

/// check_uri as the outcome of an activity.
Result<void, PlanRefError> require_allowed_uri(std::string_view uri, const UriPolicy& policy = {});

/// `{uri, sha256, schemaVersion, planId, planVersion, sizeBytes?}`, members in this order.
json::Value to_json(const PlanRef& ref);
/// nullopt when a member is missing or of the wrong type.
std::optional<PlanRef> plan_ref_from_json(const json::Value& value);

}  // namespace dvt::engine
