#include "engine/api/front.h"

#include <algorithm>

#include "engine/base/idempotency.h"

namespace dvt::engine {

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

bool role_suffices(Role actual, SignalType type) {
  if (type == SignalType::escalate_alert) return actual == Role::system;
  return actual != Role::system && static_cast<int>(actual) >= static_cast<int>(required_role(type));
}

ApiFront::ApiFront(Timers& timers, const Random& random, Telemetry& telemetry, StoreClient& store, StateStore& rows,
                   ProviderAdapter& adapter, const PlanCatalogue& plans, std::vector<std::string> tenants,
                   ApiOptions options)
    : timers_(timers),
      random_(random),
      telemetry_(telemetry),
      store_(store),
      rows_(rows),
      adapter_(adapter),
      plans_(plans),
      tenants_(std::move(tenants)),
      options_(std::move(options)),
      maker_(timers, random) {
  adapter_.attach(*this);
}

// Time until this request leaves the queue in front of the handlers.
Duration ApiFront::pass_queue() {
  const Instant now = timers_.now();
  if (queue_free_ < now) queue_free_ = now;
  const Duration wait = queue_free_ - now;
  queue_free_ = queue_free_ + options_.request_interval;
  return wait;
}

void ApiFront::submit_run(const RunRequest& request) {
  const Instant received = timers_.now();
  telemetry_.run_requested(request.run, request.plan, request.tenant, received);
  Draws draws(random_, Purpose::api_latency, request.run.value, 0, 0);
  const Duration delay = pass_queue() + options_.latency.sample(draws);
  auto held = std::make_unique<RunRequest>(request);
  timers_.call_after(
      delay, [this, request_held = std::move(held), received] { handle_run(std::move(*request_held), received); });
}

void ApiFront::handle_run(RunRequest request, Instant received) {
  const PlanEntry& plan = *plans_.at(request.plan);
  if (request.plan.value < options_.plan_refusals.size() && !options_.plan_refusals[request.plan.value].empty()) {
    const Instant now = timers_.now();
    telemetry_.api_request("runs", 422, now - received, now);
    telemetry_.run_rejected(request.run, options_.plan_refusals[request.plan.value], now);
    return;
  }
  auto identity = std::make_shared<RunIdentity>();
  identity->run = request.run;
  identity->plan = request.plan;
  identity->tenant = request.tenant;
  std::uint64_t words[4];
  random_.words(Purpose::run_id, request.run.value, 0, 0, 0, words);
  identity->run_id = uuid_v4_from(words[0], words[1]);
  identity->run_id_text = to_string(identity->run_id);
  identity->tenant_id = tenants_.at(request.tenant.value);
  identity->project_id = "default";
  identity->environment_id = "prod";

  RunRecord record;
  record.ordinal = request.run;
  record.run_id = identity->run_id;
  record.plan = request.plan;
  record.tenant = request.tenant;
  record.requested_at = received;
  record.request_key =
      run_request_key({identity->tenant_id, identity->project_id, identity->environment_id, plan.plan.metadata.plan_id,
                       plan.plan.metadata.plan_version, request.request_id});
  rows_.add_run(record);

  NewEvent queued = maker_.make(*identity, plan, EventType::run_queued, kNoStep, 1, 1, 0);
  Run& run = runs_[request.run.value];
  run.identity = std::move(identity);
  run.requested_at = received;
  store_.append(std::move(queued), {request.run.value, 0, 0},
                [this, ordinal = request.run, received](const AppendOutcome& outcome) {
                  run_persisted(ordinal, outcome, received);
                });
}

void ApiFront::run_persisted(RunOrdinal ordinal, const AppendOutcome& outcome, Instant received) {
  const Instant now = timers_.now();
  if (!outcome.ok) {
    runs_.erase(ordinal.value);
    telemetry_.api_request("runs", 503, now - received, now);
    telemetry_.run_rejected(ordinal, to_string(outcome.error), now);
    return;
  }
  const Run& run = runs_.at(ordinal.value);
  telemetry_.api_request("runs", 202, now - received, now);
  telemetry_.run_accepted({ordinal, run.identity->plan, run.identity->tenant, run.identity->run_id, received, now});
  waiting_.push_back(ordinal);
  start_waiting();
}

// Admission by QUEUE (domain §9): what is over the limit stays PENDING and starts, once, when there is room.
void ApiFront::start_waiting() {
  while (!waiting_.empty()) {
    if (options_.max_in_flight > 0 && adapter_.open_runs() >= options_.max_in_flight) return;
    const RunOrdinal next = waiting_.front();
    waiting_.pop_front();
    adapter_.start_run(runs_.at(next.value).identity);
  }
}

void ApiFront::run_ended(RunOrdinal ordinal, RunOutcome outcome, ErrorClass error_class, std::string_view error_code) {
  const auto found = runs_.find(ordinal.value);
  DVT_ASSERT(found != runs_.end(), "a run ended that the API does not know");
  RunClosed closed;
  closed.run = ordinal;
  closed.plan = found->second.identity->plan;
  closed.outcome = outcome;
  closed.error_class = error_class;
  closed.error_code = error_code;
  closed.requested_at = found->second.requested_at;
  closed.closed_at = timers_.now();
  runs_.erase(found);
  telemetry_.run_closed(closed);
  rows_.release_run(ordinal);
  start_waiting();
}

std::uint64_t ApiFront::submit_signal(SignalRequest request) {
  const std::uint64_t signal = next_signal_++;
  if (request.signal_id.empty()) request.signal_id = "signal-" + std::to_string(signal);
  const Instant received = timers_.now();
  Draws draws(random_, Purpose::api_latency, request.run.value, signal, 1);
  const Duration delay = pass_queue() + options_.latency.sample(draws);
  signals_[signal] = {std::move(request), received};
  timers_.call_after(delay, [this, signal] { handle_signal(signal); });
  return signal;
}

// Schema and authorization, in the order of domain §8; empty when the signal may go on to its decision record.
std::string ApiFront::refusal(const SignalRequest& request) const {
  if (request.signal_id.find('|') != std::string::npos || request.reason.size() > options_.signal_bytes_max)
    return "SIGNAL_INVALID_PAYLOAD";
  const bool of_a_step = request.type == SignalType::retry_step || request.type == SignalType::skip_step;
  if (of_a_step && request.step_id.empty()) return "SIGNAL_INVALID_PAYLOAD";
  if (!role_suffices(request.role, request.type)) return "AUTHZ_DENIED";
  if (is_destructive(request.type) && request.reason.empty()) return "AUTHZ_REASON_REQUIRED";
  const auto run = runs_.find(request.run.value);
  if (run == runs_.end()) return "RUN_TERMINAL";
  const auto& recent = run->second.signals;
  const Instant minute_ago = timers_.now() - minutes(1);
  const auto in_window = std::count_if(recent.begin(), recent.end(), [&](Instant at) { return at > minute_ago; });
  if (in_window >= options_.signals_per_run_per_minute) return "SIGNAL_RATE_LIMITED";
  return {};
}

void ApiFront::handle_signal(std::uint64_t signal) {
  const Signal& pending = signals_.at(signal);
  const SignalRequest& request = pending.request;
  const std::string code = refusal(request);
  SignalDecision decision;
  decision.signal_id = request.signal_id;
  decision.run = request.run;
  const auto run = runs_.find(request.run.value);
  if (run != runs_.end()) decision.tenant = run->second.identity->tenant;
  decision.type = request.type;
  decision.status = code.empty() ? DecisionStatus::accepted : DecisionStatus::rejected;
  decision.code = code;
  decision.effective_role = code.empty() ? required_role(request.type) : request.role;
  decision.actor = request.actor;
  decision.reason = request.reason;
  decision.received_at = pending.received_at;
  decision.decided_at = timers_.now();
  store_.decide(
      std::move(decision), {request.run.value, signal, 2},
      [this, signal, refused = code](const DecideOutcome& outcome) {
        if (!outcome.ok && !refused.empty()) {  // a run that is folded away takes no record, and a refusal needs none
          decided(signal, DecisionStatus::rejected, refused);
        } else if (!outcome.ok) {  // without its record a signal is not applied (domain §3)
          decided(signal, DecisionStatus::rejected, to_string(outcome.error));
        } else if (outcome.receipt.idempotent) {
          decided(signal, DecisionStatus::rejected, "DUPLICATE_SIGNAL");
        } else {
          decided(signal, outcome.receipt.status, outcome.receipt.code);
        }
      });
}

void ApiFront::decided(std::uint64_t signal, DecisionStatus status, const std::string& code) {
  const Instant now = timers_.now();
  const auto found = signals_.find(signal);
  const Signal pending = found->second;
  const auto run = runs_.find(pending.request.run.value);
  std::string final_code = code;
  DecisionStatus final_status = status;
  if (status == DecisionStatus::accepted && run == runs_.end()) {  // it ended while the record was written
    final_status = DecisionStatus::rejected;
    final_code = "RUN_TERMINAL";
  }
  const bool accepted = final_status == DecisionStatus::accepted;
  telemetry_.api_request("signals",
                         accepted                              ? 202
                         : final_code == "SIGNAL_RATE_LIMITED" ? 429
                                                               : 409,
                         now - pending.received_at, now);
  SignalFact fact{
      pending.request.run, pending.request.type, final_status, final_code, signal, pending.received_at, now};
  telemetry_.signal_decided(fact);
  if (!accepted) {
    signals_.erase(signal);
    return;
  }
  auto& recent = run->second.signals;
  recent.push_back(now);
  while (!recent.empty() && recent.front() <= now - minutes(1)) recent.pop_front();
  adapter_.signal({pending.request.run, pending.request.type, signal, pending.request.reason, pending.request.step_id});
}

void ApiFront::signal_applied(std::uint64_t signal, Instant at) {
  const auto found = signals_.find(signal);
  if (found == signals_.end()) return;
  const Signal& pending = found->second;
  telemetry_.signal_applied(
      {pending.request.run, pending.request.type, DecisionStatus::accepted, {}, signal, pending.received_at, at});
  signals_.erase(found);
}

void ApiFront::signal_lost(std::uint64_t signal, Instant at) {
  const auto found = signals_.find(signal);
  if (found == signals_.end()) return;
  const Signal& pending = found->second;
  telemetry_.signal_lost(
      {pending.request.run, pending.request.type, DecisionStatus::accepted, {}, signal, pending.received_at, at});
  signals_.erase(found);
}

void ApiFront::submit_read(RunOrdinal run, std::uint64_t ordinal) {
  const Instant received = timers_.now();
  Draws draws(random_, Purpose::api_latency, run.value, ordinal, 3);
  const Duration delay = pass_queue() + options_.latency.sample(draws);
  timers_.call_after(delay, [this, run, ordinal, received] {
    store_.read(run, {run.value, ordinal, 4}, [this, received](bool ok) {
      telemetry_.api_request("status", ok ? 200 : 503, timers_.now() - received, timers_.now());
    });
  });
}

}  // namespace dvt::engine
