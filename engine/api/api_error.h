// Every error that the API answers with: code, HTTP status, meaning, in one table (domain §6, §8, §9, §13). Codes of
// the StateStore (UNAVAILABLE, TIMEOUT, POOL_EXHAUSTED …, see StoreError) are passed on as they are, with status 503.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace dvt::engine {

enum class ApiError : std::uint8_t {
  none,
  // Signals
  signal_invalid_payload,
  authz_denied,
  authz_tenant_forbidden,
  authz_reason_required,
  run_not_found,
  run_terminal,
  run_not_terminal,
  step_not_terminal,
  step_terminal,
  signal_rate_limited,
  signal_expired,
  // Run requests
  invalid_run_request,
  plan_uri_not_allowed,
  plan_target_adapter_mismatch,
  capability_unknown,
  capability_not_supported,
  plan_task_too_large,
  quota_exceeded,
  overloaded,
  throttled,
  client_timeout,
  api_unavailable,
  api_error,
  signal_failed,
};

struct ApiErrorInfo {
  ApiError error;
  std::string_view code;  // as in answers, decision records, facts and counts
  int http;
  /// What a client may do: true when the same request may succeed later.
  bool retryable;
  std::string_view meaning;
};

/// In the order of the enumerators, `none` (202) first.
std::span<const ApiErrorInfo> api_errors();
const ApiErrorInfo& info(ApiError error);
/// Status of an answer with this code: 202 for an empty one, 503 for a code that is not in the table (the
/// StateStore's).
int http_status(std::string_view code);
/// Of an answer with this code: the store's errors pass, so they are retryable too.
bool is_retryable(std::string_view code);

}  // namespace dvt::engine
