#include "sim/world/clients.h"

#include <algorithm>

namespace dvt::sim {
namespace {

constexpr Duration kBackoffMax = hours(24);

Duration backoff_before(std::uint32_t retry, Duration first) {
  Duration pause = first;
  for (std::uint32_t i = 1; i < retry && pause < kBackoffMax; ++i) pause = pause * 2;
  return std::min(pause, kBackoffMax);
}

}  // namespace

RunClients::RunClients(Timers& timers, Telemetry& telemetry, engine::ApiFront& api, const Clients& options)
    : timers_(timers), telemetry_(telemetry), api_(api), options_(options) {}

void RunClients::request(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant) {
  Open& open = open_[run.value];
  open.request = {run, plan, tenant, "request-" + std::to_string(run.value), 0, {}};
  send(run.value);
}

void RunClients::send(std::uint32_t run) {
  Open& open = open_.at(run);
  open.timeout = timers_.call_after(options_.timeout, [this, run] { timed_out(run); });
  open.under_way =
      api_.submit_run(open.request, [this, run](const engine::RunAnswer& answer) { answered(run, answer); });
}

void RunClients::answered(std::uint32_t run, const engine::RunAnswer& answer) {
  timers_.cancel(open_.at(run).timeout);
  if (answer.code.empty()) {
    open_.erase(run);
    return;
  }
  failed(run, answer.code, answer.retry_after);
}

void RunClients::timed_out(std::uint32_t run) {
  api_.abandon(open_.at(run).under_way);
  failed(run, engine::info(engine::ApiError::client_timeout).code, {});
}

void RunClients::failed(std::uint32_t run, std::string_view code, Duration retry_after) {
  Open& open = open_.at(run);
  const std::uint32_t attempt = open.request.attempt;
  if (!engine::is_retryable(code) || attempt >= static_cast<std::uint64_t>(options_.retries)) {
    telemetry_.run_request_given_up({run}, code, timers_.now());
    open_.erase(run);
    return;
  }
  ++open.request.attempt;
  const Duration backoff = backoff_before(open.request.attempt, options_.backoff);
  timers_.call_after(std::max(backoff, retry_after), [this, run] {
    telemetry_.run_request_retried({run}, open_.at(run).request.attempt, timers_.now());
    send(run);
  });
}

}  // namespace dvt::sim
