#include "engine/api/api_error.h"

#include <array>

#include "engine/base/assert.h"

namespace dvt::engine {
namespace {

using enum ApiError;

constexpr std::array<ApiErrorInfo, 25> kErrors{{
    {none, "", 202, false, "accepted, or deferred"},
    {signal_invalid_payload, "SIGNAL_INVALID_PAYLOAD", 400, false,
     "a field is missing, unknown or of the wrong type, the step is not in the plan, or the signal is too large"},
    {authz_denied, "AUTHZ_DENIED", 403, false, "none of the actor's roles suffices"},
    {authz_tenant_forbidden, "AUTHZ_TENANT_FORBIDDEN", 403, false, "the run belongs to another tenant"},
    {authz_reason_required, "AUTHZ_REASON_REQUIRED", 403, false, "a destructive signal needs a reason"},
    {run_not_found, "RUN_NOT_FOUND", 404, false, "the run ended too long ago to be retried, or never was"},
    {run_terminal, "RUN_TERMINAL", 409, false, "the run has ended"},
    {run_not_terminal, "RUN_NOT_TERMINAL", 409, false, "RETRY_RUN without force of a run that is open"},
    {step_not_terminal, "STEP_NOT_TERMINAL", 409, false,
     "RETRY_STEP of a step that has not failed yet, or SKIP_STEP of a running one"},
    {step_terminal, "STEP_TERMINAL", 409, false, "the step is completed or skipped for good"},
    {signal_rate_limited, "SIGNAL_RATE_LIMITED", 429, true,
     "too many signals for the run; it waited deferred, and its retries met no room"},
    {signal_expired, "SIGNAL_EXPIRED", 410, false, "it waited deferred for too long"},
    {invalid_run_request, "INVALID_RUN_REQUEST", 400, false,
     "runRequestId is empty or holds '|', or the plan reference is not the plan's"},
    {plan_uri_not_allowed, "PLAN_URI_NOT_ALLOWED", 400, false,
     "the plan's address is outside the allowlist; it is not fetched"},
    {plan_target_adapter_mismatch, "PLAN_TARGET_ADAPTER_MISMATCH", 422, false, "the plan is for another adapter"},
    {capability_unknown, "CAPABILITY_UNKNOWN", 422, false, "the plan requires a capability that no adapter knows"},
    {capability_not_supported, "CAPABILITY_NOT_SUPPORTED", 422, false,
     "the adapter lacks a capability, and the plan's fallback is reject"},
    {plan_task_too_large, "PLAN_TASK_TOO_LARGE", 422, false, "a task of the plan is larger than the adapter takes"},
    {quota_exceeded, "QUOTA_EXCEEDED", 429, true, "the tenant's own rate of run requests; no failure of the platform"},
    {overloaded, "OVERLOADED", 429, true, "admission rejects: as many runs in flight as are allowed"},
    {throttled, "THROTTLED", 429, true, "admission rejects: an operator throttles new runs"},
    {client_timeout, "CLIENT_TIMEOUT", 504, true, "the client went away before there was an answer"},
    {api_unavailable, "API_UNAVAILABLE", 503, true, "no handler of the API is there to take the request"},
    {ApiError::api_error, "API_ERROR", 500, true, "a handler of the API failed; nothing was done"},
    {signal_failed, "SIGNAL_FAILED", 500, true, "a signal processor failed; nothing was decided"},
}};

const ApiErrorInfo* find(std::string_view code) {
  for (const ApiErrorInfo& row : kErrors) {
    if (row.code == code) return &row;
  }
  return nullptr;
}

}  // namespace

std::span<const ApiErrorInfo> api_errors() {
  return kErrors;
}

const ApiErrorInfo& info(ApiError error) {
  const ApiErrorInfo& row = kErrors.at(static_cast<std::size_t>(error));
  DVT_ASSERT(row.error == error, "the table of API errors is out of order");
  return row;
}

int http_status(std::string_view code) {
  const ApiErrorInfo* row = find(code);
  return row != nullptr ? row->http : 503;
}

bool is_retryable(std::string_view code) {
  const ApiErrorInfo* row = find(code);
  return row == nullptr || row->retryable;
}

}  // namespace dvt::engine
