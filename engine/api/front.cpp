#include "engine/api/front.h"

#include <algorithm>
#include <utility>

#include "engine/base/format.h"
#include "engine/base/idempotency.h"

namespace dvt::engine {
namespace {

// Ended runs that RETRY_RUN can still name, and whose tenant is known for late signals: an hour's at 50,000 runs a day.
constexpr std::size_t kEndedKept = 2'000;
constexpr const char* kProject = "default";
constexpr const char* kEnvironment = "prod";
// Stands for the activity in the id of an event that no activity writes.
constexpr std::uint32_t kQueuedEvent = 0;
constexpr std::uint32_t kApprovedEvent = 0xFFFFFFFF;

std::string_view route_of(RunOrdinal run) {
  return run.value >= kFirstProbeRun ? kProbeRoute : kRunRoute;
}

}  // namespace

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
      maker_(timers, random),
      admission_(options_.admission),
      signals_(timers, telemetry, store, rows, adapter, plans, *this, options_.signals) {
  adapter_.attach(*this);
}

// Time until this request leaves the queue in front of the handlers.
Duration ApiFront::pass_queue(const DrawKey& key) {
  const Instant now = timers_.now();
  if (queue_free_ < now) queue_free_ = now;
  const Duration wait = queue_free_ - now;
  const Duration gap = options_.request_interval;
  queue_free_ = queue_free_ + (faults_.throttle == nullptr ? gap : faults_.throttle->scaled(gap, key));
  return wait;
}

Duration ApiFront::handled_after(const DrawKey& key) {
  Draws draws(random_, Purpose::api_latency, key.a, key.b, key.c);
  const Duration queued = pass_queue(key);
  const Duration drawn = options_.latency.sample(draws);
  return queued + (faults_.latency == nullptr ? drawn : faults_.latency->scaled(drawn, key));
}

// `draw`: which of a request's words decides.
bool ApiFront::fails(std::int64_t share_ppb, const DrawKey& key, std::uint32_t draw) const {
  if (share_ppb == 0) return false;
  std::uint64_t words[4];
  random_.words(Purpose::call_fault, key.a, key.b, key.c, draw / 4, words);
  return strikes(words[draw % 4], share_ppb);
}

// ---- Run requests ----

RequestId ApiFront::submit_run(RunRequest request, RunAnswered answered) {
  const Instant received = timers_.now();
  if (request.attempt == 0) telemetry_.run_requested(request.run, request.plan, request.tenant, received);
  const DrawKey key{request.run.value, request.attempt, 0};
  const std::uint64_t id = ++last_request_;
  const RunOrdinal run = request.run;
  requests_[id] = {std::move(request), received, std::move(answered), false};
  if (faults_.away) {
    timers_.post([this, id, run] { answer(id, info(ApiError::api_unavailable).code, run); });
    return {id};
  }
  timers_.call_after(handled_after(key), [this, id] { handle_run(id); });
  return {id};
}

void ApiFront::abandon(RequestId id) {
  const auto found = requests_.find(id.value);
  if (found == requests_.end() || found->second.abandoned) return;
  Request& request = found->second;
  const Instant now = timers_.now();
  telemetry_.api_request(route_of(request.request.run), info(ApiError::client_timeout).http,
                         info(ApiError::client_timeout).code, now - request.received_at, now);
  request.abandoned = true;
  request.answered.reset();
  if (std::erase(held_, id.value) > 0) requests_.erase(found);
}

ApiError ApiFront::validate(const RunRequest& request) const {
  if (request.request_id.empty() || !valid_key_field(request.request_id)) return ApiError::invalid_run_request;
  const PlanRef& known = plans_.at(request.plan)->ref;
  const PlanRef& reference = request.reference ? *request.reference : known;
  if (check_uri(reference.uri, options_.plan_addresses) != UriViolation::none) return ApiError::plan_uri_not_allowed;
  const bool same = reference.plan_id == known.plan_id && reference.plan_version == known.plan_version;
  return same ? ApiError::none : ApiError::invalid_run_request;
}

Digest ApiFront::key_of(const RunRequest& request) const {
  const PlanMetadata& plan = plans_.at(request.plan)->plan.metadata;
  return run_request_key(
      {tenants_.at(request.tenant.value), kProject, kEnvironment, plan.plan_id, plan.plan_version, request.request_id});
}

void ApiFront::handle_run(std::uint64_t id) {
  const RunRequest& request = requests_.at(id).request;
  if (fails(faults_.failing_ppb, {request.run.value, request.attempt, 0}, 0))
    return answer(id, info(ApiError::api_error).code, request.run);
  if (const ApiError error = validate(request); error != ApiError::none)
    return answer(id, info(error).code, request.run);
  const std::size_t plan = request.plan.value;
  if (plan < options_.plan_refusals.size() && !options_.plan_refusals[plan].empty())
    return answer(id, options_.plan_refusals[plan], request.run);
  const Digest key = key_of(request);
  if (const auto kept = being_kept_.find(key); kept != being_kept_.end()) {
    kept->second.push_back(id);  // answered together with the one before
    return;
  }
  std::optional<RunOrdinal> known;
  try {
    known = rows_.find_request(key);
  } catch (const StoreFailure& failure) {
    return answer(id, to_string(failure.store_error()), request.run);
  }
  if (known) return answer_known(id, *known);
  const Entry entry = admission_.enter(request.tenant, runs_.size(), !held_.empty(), timers_.now());
  switch (entry.way) {
    case Entry::Way::refuse:
      return answer(id, info(entry.error).code, request.run, entry.retry_after);
    case Entry::Way::hold:
      if (requests_.at(id).abandoned) {
        requests_.erase(id);
        return;
      }
      held_.push_back(id);
      return wake_for_throttle();
    case Entry::Way::accept:
      return persist(id, key);
  }
}

// A request that was accepted before costs a read, and has its run.
void ApiFront::answer_known(std::uint64_t id, RunOrdinal run) {
  store_.read(run, {run.value, id, 5}, [this, id, run](bool ok) {
    answer(id, ok ? std::string_view{} : std::string_view(to_string(StoreError::unavailable)), run);
  });
}

// DELAY: room has come for requests that were held.
void ApiFront::let_held_in() {
  while (!held_.empty() && admission_.room(runs_.size())) {
    if (admission_.next_start(timers_.now()) > timers_.now()) return wake_for_throttle();
    const std::uint64_t id = held_.front();
    held_.pop_front();
    const Digest key = key_of(requests_.at(id).request);
    if (const auto kept = being_kept_.find(key); kept != being_kept_.end()) {
      kept->second.push_back(id);
      continue;
    }
    try {
      if (const auto known = rows_.find_request(key)) {
        answer_known(id, *known);
        continue;
      }
    } catch (const StoreFailure& failure) {
      answer(id, to_string(failure.store_error()), requests_.at(id).request.run);
      continue;
    }
    admission_.started(timers_.now());
    persist(id, key);
  }
}

RunIdentityRef ApiFront::make_identity(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant) const {
  auto identity = std::make_shared<RunIdentity>();
  identity->run = run;
  identity->plan = plan;
  identity->tenant = tenant;
  std::uint64_t words[4];
  random_.words(Purpose::run_id, run.value, 0, 0, 0, words);
  identity->run_id = uuid_v4_from(words[0], words[1]);
  identity->run_id_text = to_string(identity->run_id);
  identity->tenant_id = tenants_.at(tenant.value);
  identity->project_id = kProject;
  identity->environment_id = kEnvironment;
  return identity;
}

void ApiFront::persist(std::uint64_t id, const Digest& key) {
  const Request& request = requests_.at(id);
  const RunOrdinal ordinal = request.request.run;
  Run& run = runs_[ordinal.value];
  run.identity = make_identity(ordinal, request.request.plan, request.request.tenant);
  run.requested_at = request.received_at;
  try {
    rows_.add_run({ordinal, run.identity->run_id, run.identity->plan, run.identity->tenant, key, request.received_at});
  } catch (const StoreFailure& failure) {
    runs_.erase(ordinal.value);
    return answer(id, to_string(failure.store_error()), ordinal);
  }
  being_kept_[key].push_back(id);
  write_queued(ordinal, key, {ordinal.value, request.request.attempt, 0});
}

void ApiFront::write_queued(RunOrdinal ordinal, const Digest& key, DrawKey draws) {
  const RunIdentity& identity = *runs_.at(ordinal.value).identity;
  NewEvent queued =
      maker_.make(identity, *plans_.at(identity.plan), EventType::run_queued, kNoStep, 1, 1, kQueuedEvent);
  struct Kept {
    RunOrdinal run;
    Digest key;
    DrawKey draws;
  };
  auto kept = std::make_unique<Kept>(Kept{ordinal, key, draws});
  store_.append(std::move(queued), draws, [this, held = std::move(kept)](const AppendOutcome& outcome) {
    run_persisted(held->run, held->key, held->draws, outcome);
  });
}

// A write whose outcome is not known may have made the run: whoever asked hears of the failure, and the same event is
// written again until the store says what became of it. A client that asks again meanwhile waits for that.
void ApiFront::write_queued_again(RunOrdinal ordinal, const Digest& key, DrawKey draws) {
  struct Kept {
    RunOrdinal run;
    Digest key;
    DrawKey draws;
  };
  draws.c = std::max<std::uint64_t>(draws.c, 7) + 1;  // beyond the draws of the run's other events
  auto kept = std::make_unique<Kept>(Kept{ordinal, key, draws});
  timers_.call_after(kUnknownRetry,
                     [this, held = std::move(kept)] { write_queued(held->run, held->key, held->draws); });
}

void ApiFront::run_persisted(RunOrdinal ordinal, const Digest& key, DrawKey draws, const AppendOutcome& outcome) {
  const std::string_view code = outcome.ok ? std::string_view{} : std::string_view(to_string(outcome.error));
  Run& kept = runs_.at(ordinal.value);
  if (!outcome.ok && (kept.unsettled || is_outcome_unknown(outcome.error))) {
    kept.unsettled = true;
    for (const std::uint64_t id : std::exchange(being_kept_.at(key), {})) answer(id, code, ordinal);
    return write_queued_again(ordinal, key, draws);
  }
  kept.unsettled = false;
  const auto node = being_kept_.extract(key);
  if (!outcome.ok) {
    runs_.erase(ordinal.value);
    store_.release_run(ordinal);
  }
  for (const std::uint64_t id : node.mapped()) answer(id, code, ordinal);
  if (outcome.ok) {
    accepted(ordinal, runs_.at(ordinal.value).requested_at);
  } else {
    let_held_in();
  }
}

void ApiFront::answer(std::uint64_t id, std::string_view code, RunOrdinal run, Duration retry_after) {
  const Instant now = timers_.now();
  auto node = requests_.extract(id);
  Request& request = node.mapped();
  const int http = http_status(code);
  if (!request.abandoned)
    telemetry_.api_request(route_of(request.request.run), http, code, now - request.received_at, now);
  if (!code.empty()) telemetry_.run_rejected(request.request.run, code, now);
  if (request.answered) request.answered({http, code, run, retry_after});
}

// ---- From accepted to started ----

void ApiFront::accepted(RunOrdinal ordinal, Instant requested_at) {
  const RunIdentity& identity = *runs_.at(ordinal.value).identity;
  telemetry_.run_accepted({ordinal, identity.plan, identity.tenant, identity.run_id, requested_at, timers_.now()});
  // A synthetic no-op run waits for nobody.
  if (options_.approval && ordinal.value < kFirstProbeRun) return approve(ordinal);
  queue_start(ordinal);
}

// The planner's RunApproved. A write that fails is tried again: approval was given.
void ApiFront::approve(RunOrdinal ordinal) {
  Draws draws(random_, Purpose::approval, ordinal.value);
  timers_.call_after(options_.approval->sample(draws), [this, ordinal] {
    const Run& run = runs_.at(ordinal.value);
    store_.append(maker_.make(*run.identity, *plans_.at(run.identity->plan), EventType::run_approved, kNoStep, 1, 1,
                              kApprovedEvent),
                  {ordinal.value, 0, 7}, [this, ordinal](const AppendOutcome& outcome) {
                    if (outcome.ok) return queue_start(ordinal);
                    timers_.call_after(seconds(1), [this, ordinal] { approve(ordinal); });
                  });
  });
}

void ApiFront::queue_start(RunOrdinal ordinal) {
  const Duration back = options_.projection_lag ? admission_.backpressure(options_.projection_lag()) : Duration{};
  if (back.ns > 0) {
    timers_.call_after(back, [this, ordinal] {
      waiting_.add(ordinal, timers_.now());
      start_waiting();
    });
    return;
  }
  waiting_.add(ordinal, timers_.now());
  start_waiting();
}

// QUEUE (domain §9): what is over the limit stays PENDING and starts, once, when there is room.
void ApiFront::start_waiting() {
  while (!waiting_.empty()) {
    if (!admission_.room(handed_over_)) return;
    const Instant now = timers_.now();
    if (admission_.throttles_starts() && admission_.next_start(now) > now) return wake_for_throttle();
    hand_over(waiting_.take());
  }
}

void ApiFront::hand_over(const StartQueue::Lease& lease) {
  Run& run = runs_.at(lease.run.value);
  const Instant now = timers_.now();
  const bool again = run.handed_over;  // the first try came to nothing
  if (!again) {
    run.handed_over = true;
    ++handed_over_;
    if (admission_.throttles_starts()) admission_.started(now);
    telemetry_.run_admitted(lease.run, now);
  }
  adapter_.start_run(run.identity);
  if (lease.since == now) {  // nobody else could take it: it never waited
    waiting_.done(lease);
    return;
  }
  timers_.call_after(options_.admission.lease, [this, lease] {
    if (!runs_.contains(lease.run.value) || adapter_.is_open(lease.run)) {
      waiting_.done(lease);
    } else if (waiting_.expired(lease)) {
      hand_over(waiting_.take());  // it has its place already
    }
  });
}

void ApiFront::throttle(std::optional<Duration> interval) {
  admission_.throttle(interval, timers_.now());
  timers_.cancel(throttle_timer_);
  throttle_timer_ = {};
  let_held_in();
  start_waiting();
}

// The throttle's next turn; for held requests and for waiting runs alike.
void ApiFront::wake_for_throttle() {
  const Instant when = admission_.next_start(timers_.now());
  if (throttle_timer_ || when <= timers_.now()) return;
  throttle_timer_ = timers_.call_at(when, [this] {
    throttle_timer_ = {};
    start_waiting();
    let_held_in();
  });
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
  ended_[ordinal.value] = {found->second.identity->plan, found->second.identity->tenant};
  ended_order_.push_back(ordinal.value);
  if (ended_order_.size() > kEndedKept) {
    ended_.erase(ended_order_.front());
    signals_.forget({ended_order_.front()});
    ended_order_.pop_front();
  }
  if (found->second.handed_over) --handed_over_;
  runs_.erase(found);
  telemetry_.run_closed(closed);
  store_.release_run(ordinal);
  start_waiting();
  let_held_in();
}

// ---- Signals ----

std::uint64_t ApiFront::submit_signal(SignalRequest request, SignalAnswered answered) {
  const std::uint64_t ordinal = signals_.next_ordinal();
  const DrawKey key{request.run.value, ordinal, 1};
  if (faults_.away) return signals_.refuse(std::move(request), {}, ApiError::api_unavailable, std::move(answered));
  const Duration delay = handled_after(key);
  if (fails(faults_.failing_ppb, key, 0))
    return signals_.refuse(std::move(request), delay, ApiError::api_error, std::move(answered));
  if (fails(faults_.signals_failing_ppb, key, 1))
    return signals_.refuse(std::move(request), delay, ApiError::signal_failed, std::move(answered));
  if (fails(faults_.signals_lost_ppb, key, 2))
    return signals_.refuse(std::move(request), kSignalTimeout, ApiError::client_timeout, std::move(answered));
  if (fails(faults_.signals_duplicated_ppb, key, 3)) {
    if (request.signal_id.empty()) request.signal_id = "signal-" + std::to_string(ordinal);
    signals_.submit_copy(request, delay * 2);
  }
  const bool overtaken = fails(faults_.signals_overtaken_ppb, key, 4);
  return signals_.submit(std::move(request), delay, std::move(answered), overtaken);
}

const RunIdentity* ApiFront::open_run(RunOrdinal run) const {
  const auto found = runs_.find(run.value);
  return found == runs_.end() ? nullptr : found->second.identity.get();
}

RunIdentityRef ApiFront::ended_run(RunOrdinal run) const {
  const auto found = ended_.find(run.value);
  return found == ended_.end() ? nullptr : make_identity(run, found->second.plan, found->second.tenant);
}

std::shared_ptr<const NewEvent> ApiFront::prepare_retry(const RunIdentity& original, const std::string& signal_id) {
  const RunOrdinal ordinal{next_retry_++};
  const RunIdentityRef identity = make_identity(ordinal, original.plan, original.tenant);
  RunRequest request{ordinal, original.plan, original.tenant, "retry:" + original.run_id_text + ":" + signal_id, 0, {}};
  rows_.add_run({ordinal, identity->run_id, identity->plan, identity->tenant, key_of(request), timers_.now()});
  auto queued = std::make_shared<NewEvent>(
      maker_.make(*identity, *plans_.at(identity->plan), EventType::run_queued, kNoStep, 1, 1, kQueuedEvent));
  queued->payload =
      std::make_shared<const std::string>(fmt::format(R"({{"originalRunId":"{}"}})", original.run_id_text));
  retries_.emplace(ordinal.value, identity);
  return queued;
}

void ApiFront::begin_retry(RunOrdinal retry, Instant received_at) {
  const auto node = retries_.extract(retry.value);
  Run& run = runs_[retry.value];
  run.identity = node.mapped();
  run.requested_at = received_at;
  telemetry_.run_requested(retry, run.identity->plan, run.identity->tenant, timers_.now());
  accepted(retry, received_at);
}

void ApiFront::drop_retry(RunOrdinal retry) {
  retries_.erase(retry.value);
  store_.release_run(retry);
  if (retry.value + 1 == next_retry_) --next_retry_;
}

void ApiFront::set_parameters(RunOrdinal ordinal, SignalType type, const SignalPayload& payload) {
  const auto found = runs_.find(ordinal.value);
  if (found == runs_.end()) return;
  auto& parameters = found->second.parameters;
  if (!parameters) parameters.emplace();
  const char* section = type == SignalType::update_params     ? "params"
                        : type == SignalType::inject_override ? "overrides"
                                                              : "targets";
  json::Value* members = parameters->find(section);
  if (members == nullptr) members = &parameters->set(section, json::Object{});
  json::Object& object = members->as_object();
  if (type == SignalType::update_target) {
    object.set(payload.step_id, payload.new_target);
  } else if (type == SignalType::inject_override) {
    object.set(payload.step_id, payload.object);
  } else {
    for (const json::Member& member : payload.object) object.set(member.key, member.value);
  }
}

json::Object ApiFront::parameters(RunOrdinal run) const {
  const auto found = runs_.find(run.value);
  if (found == runs_.end() || !found->second.parameters) return {};
  return *found->second.parameters;
}

// ---- Reads ----

void ApiFront::submit_read(RunOrdinal run, std::uint64_t ordinal) {
  const Instant received = timers_.now();
  const DrawKey key{run.value, ordinal, 3};
  const auto refused = [this, received](ApiError error) {
    const ApiErrorInfo& row = info(error);
    telemetry_.api_request("status", row.http, row.code, timers_.now() - received, timers_.now());
  };
  if (faults_.away) return refused(ApiError::api_unavailable);
  const Duration delay = handled_after(key);
  if (fails(faults_.failing_ppb, key, 0)) {
    timers_.call_after(delay, [refused] { refused(ApiError::api_error); });
    return;
  }
  timers_.call_after(delay, [this, run, ordinal, received] {
    store_.read_status(run, {run.value, ordinal, 4}, [this, received](bool ok) {
      telemetry_.api_request("status", ok ? 200 : 503, ok ? "" : to_string(StoreError::unavailable),
                             timers_.now() - received, timers_.now());
    });
  });
}

}  // namespace dvt::engine
