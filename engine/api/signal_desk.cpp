#include "engine/api/signal_desk.h"

#include <algorithm>
#include <memory>

#include "engine/base/idempotency.h"
#include "engine/base/run_state.h"

namespace dvt::engine {
namespace {

constexpr std::size_t kWholeLog = 1'000'000;
// So many runs may be remembered for their signals before those that have ended are dropped.
constexpr std::size_t kWritersKept = 64;

StepStatus status_of(const RunState& state, StepIndex step) {
  return step.value < state.steps.size() ? state.steps[step.value].status : StepStatus::pending;
}

}  // namespace

SignalDesk::SignalDesk(Timers& timers, Telemetry& telemetry, StoreClient& store, StateStore& rows,
                       ProviderAdapter& adapter, const PlanCatalogue& plans, RunRegistry& runs, SignalOptions options)
    : timers_(timers),
      telemetry_(telemetry),
      store_(store),
      rows_(rows),
      adapter_(adapter),
      plans_(plans),
      runs_(runs),
      options_(options),
      processors_(options.processors, options.per_signal) {}

void SignalDesk::receive(std::uint64_t signal, SignalRequest request, SignalAnswered answered) {
  if (request.signal_id.empty()) request.signal_id = "signal-" + std::to_string(signal);
  Signal& pending = signals_[signal];
  pending.request = std::move(request);
  pending.answered = std::move(answered);
  pending.received_at = timers_.now();
}

std::uint64_t SignalDesk::submit(SignalRequest request, Duration delay, SignalAnswered answered, bool overtaken) {
  const std::uint64_t signal = next_signal_++;
  receive(signal, std::move(request), std::move(answered));
  timers_.call_after(delay, [this, signal, overtaken] {
    if (!overtaken) {
      handle(signal);
      return let_overtaken_pass();
    }
    overtaken_.push_back(signal);
    timers_.call_after(kOvertakenFor, [this] { let_overtaken_pass(); });
  });
  return signal;
}

void SignalDesk::let_overtaken_pass() {
  for (const std::uint64_t signal : std::exchange(overtaken_, {})) handle(signal);
}

void SignalDesk::submit_copy(SignalRequest request, Duration delay) {
  const std::uint64_t signal = next_copy_++;
  receive(signal, std::move(request), {});
  timers_.call_after(delay, [this, signal] { handle(signal); });
}

std::uint64_t SignalDesk::refuse(SignalRequest request, Duration delay, ApiError error, SignalAnswered answered) {
  const std::uint64_t signal = next_signal_++;
  receive(signal, std::move(request), std::move(answered));
  timers_.call_after(delay, [this, signal, error] {
    signals_.at(signal).role = strongest_role(signals_.at(signal).request.roles);
    finish(signal, DecisionStatus::rejected, info(error).code, false);
  });
  return signal;
}

bool SignalDesk::take_processor(std::uint64_t signal, Instant now) {
  const Duration busy = processors_.per_signal();
  return processors_.take(now, scale_ == nullptr ? busy : scale_->scaled(busy, {signal, 0, 0}));
}

// Schema, then authorization. Everything that needs only the sender and the run's tenant.
ApiError SignalDesk::check_sender(Signal& signal) const {
  const SignalRequest& request = signal.request;
  if (!valid_key_field(request.signal_id) || signal_bytes(request) > options_.bytes_max)
    return ApiError::signal_invalid_payload;
  auto payload = parse_payload(request.type, request.payload);
  if (!payload.has_value()) return ApiError::signal_invalid_payload;
  signal.payload = std::move(payload.value());
  if (signal.request.reason.empty()) signal.request.reason = signal.payload.reason;
  const std::optional<Role> role = effective_role(request.roles, request.type);
  if (!role) return ApiError::authz_denied;
  signal.role = *role;
  if (request.tenant && signal.known_run && *request.tenant != signal.tenant) return ApiError::authz_tenant_forbidden;
  if (is_destructive(request.type) && request.reason.empty()) return ApiError::authz_reason_required;
  return ApiError::none;
}

// What the run and the step are now. A read of the log, not of the read model: that may be behind.
ApiError SignalDesk::check_target(const Signal& signal) const {
  const SignalRequest& request = signal.request;
  const RunIdentity* run = runs_.open_run(request.run);
  if (request.type == SignalType::retry_run) {
    if (run != nullptr) return signal.payload.force ? ApiError::none : ApiError::run_not_terminal;
    return runs_.ended_run(request.run) != nullptr ? ApiError::none : ApiError::run_not_found;
  }
  if (run == nullptr) return ApiError::run_terminal;
  return signal.payload.step_id.empty() ? ApiError::none : check_step(signal, *run);
}

ApiError SignalDesk::check_step(const Signal& signal, const RunIdentity& run) const {
  const auto step = find_step(plans_.at(run.plan)->plan, signal.payload.step_id);
  if (!step) return ApiError::signal_invalid_payload;
  const SignalType type = signal.request.type;
  if (type != SignalType::retry_step && type != SignalType::skip_step) return ApiError::none;
  std::vector<StoredEvent> log;
  rows_.fetch(run.run, 0, kWholeLog, log);
  RunState state;
  for (const StoredEvent& event : log)
    (void)apply_event(state, event.type, event.step, event.logical_attempt, event.emitted_at);
  switch (status_of(state, *step)) {
    case StepStatus::completed:
    case StepStatus::skipped:
      return ApiError::step_terminal;
    case StepStatus::running:
      return ApiError::step_not_terminal;
    case StepStatus::pending:
      return type == SignalType::retry_step ? ApiError::step_not_terminal : ApiError::none;
    case StepStatus::failed:
      return ApiError::none;
  }
  return ApiError::none;
}

void SignalDesk::handle(std::uint64_t ordinal) {
  if (Signal* other = another_writing(ordinal)) {
    other->repeats.push_back(ordinal);
    return;
  }
  Signal& signal = signals_.at(ordinal);
  const Instant now = timers_.now();
  if (const RunIdentity* run = runs_.open_run(signal.request.run)) {
    signal.tenant = run->tenant;
    signal.known_run = true;
  } else if (const RunIdentityRef ended = runs_.ended_run(signal.request.run)) {
    signal.tenant = ended->tenant;
    signal.known_run = true;
  }
  signal.role = strongest_role(signal.request.roles);
  ApiError error = check_sender(signal);
  try {
    if (error == ApiError::none) error = check_target(signal);
  } catch (const StoreFailure& unreadable) {
    return finish(ordinal, DecisionStatus::rejected, to_string(unreadable.store_error()), false);
  }
  if (error != ApiError::none) {
    if (!signal.known_run) return finish(ordinal, DecisionStatus::rejected, info(error).code, false);
    return decide(ordinal, DecisionStatus::rejected, error, false);
  }
  RateWindow& window = windows_[signal.request.run.value];
  const bool others_wait = deferred_.next_due() && *deferred_.next_due() <= now;
  if (!window.room(options_.per_run, now) || others_wait || !take_processor(ordinal, now))
    return decide(ordinal, DecisionStatus::deferred, ApiError::none, false);
  window.take(now);
  signal.let_through_at = now;
  decide(ordinal, DecisionStatus::accepted, ApiError::none, false);
}

void SignalDesk::decide(std::uint64_t ordinal, DecisionStatus status, ApiError error, bool replaces) {
  Signal& signal = signals_.at(ordinal);
  if (status == DecisionStatus::accepted && signal.request.type == SignalType::retry_run) {
    const RunIdentity* open = runs_.open_run(signal.request.run);
    const RunIdentityRef ended = open == nullptr ? runs_.ended_run(signal.request.run) : nullptr;
    signal.allows = runs_.prepare_retry(open != nullptr ? *open : *ended, signal.request.signal_id);
    signal.retry = signal.allows->run;
  }
  write(ordinal, status, error, replaces);
}

void SignalDesk::write(std::uint64_t ordinal, DecisionStatus status, ApiError error, bool replaces) {
  Signal& signal = signals_.at(ordinal);
  SignalDecision decision;
  decision.signal_id = signal.request.signal_id;
  decision.run = signal.request.run;
  decision.tenant = signal.tenant;
  decision.type = signal.request.type;
  decision.status = status;
  decision.code = info(error).code;
  decision.effective_role = signal.role;
  decision.actor = signal.request.actor;
  decision.reason = signal.request.reason;
  decision.payload = signal.request.payload;
  decision.received_at = signal.received_at;
  if (!signal.writing) signal.decided_at = timers_.now();
  decision.decided_at = signal.decided_at;
  decision.replaces = replaces;
  decision.signal = ordinal;
  if (status == DecisionStatus::accepted) decision.allows = signal.allows;
  writers_[signal.request.run.value].try_emplace(signal.request.signal_id, ordinal);
  // Of runs that have ended no more signals are accepted.
  if (writers_.size() >= kWritersKept && writers_.size() % kWritersKept == 0)
    std::erase_if(writers_, [this, kept = signal.request.run.value](const auto& of_run) {
      return of_run.first != kept && runs_.open_run({of_run.first}) == nullptr;
    });
  signal.writing = true;
  const DrawKey key{signal.request.run.value, ordinal, 2 + std::uint64_t{signal.writes++}};
  store_.decide(std::move(decision), key, [this, ordinal, status, error, replaces](const DecideOutcome& outcome) {
    stored(ordinal, status, error, replaces, outcome);
  });
}

void SignalDesk::stored(std::uint64_t ordinal, DecisionStatus status, ApiError error, bool replaces,
                        const DecideOutcome& outcome) {
  Signal& signal = signals_.at(ordinal);
  const bool open_question = signal.unsettled && outcome.error != StoreError::unknown_run;
  if (!outcome.ok && (open_question || is_outcome_unknown(outcome.error))) {
    // The decision may stand: it is written again until the store says so.
    signal.unsettled = true;
    struct Again {
      std::uint64_t signal;
      DecisionStatus status;
      ApiError error;
      bool replaces;
    };
    auto again = std::make_unique<Again>(Again{ordinal, status, error, replaces});
    timers_.call_after(kUnknownRetry, [this, held = std::move(again)] {
      write(held->signal, held->status, held->error, held->replaces);
    });
    return;
  }
  // Of a decision that was written before, what stands is its own unless it says something else, or another signal with
  // this id was there first: both may have asked without hearing what became of it.
  const bool own = signal.unsettled && outcome.ok && outcome.receipt.status == status &&
                   outcome.receipt.code == info(error).code && is_writer(ordinal);
  signal.unsettled = signal.writing = false;
  for (const std::uint64_t repeat : std::exchange(signal.repeats, {})) timers_.post([this, repeat] { handle(repeat); });
  if (outcome.ok && !outcome.receipt.idempotent)
    writers_[signal.request.run.value][signal.request.signal_id] = ordinal;
  else if (!outcome.ok && is_writer(ordinal) && !signal.was_deferred)
    writers_[signal.request.run.value].erase(signal.request.signal_id);
  const bool fresh = outcome.ok && (!outcome.receipt.idempotent || own);
  settle_place(signal, fresh && status == DecisionStatus::accepted);
  if (signal.retry && !(fresh && status == DecisionStatus::accepted)) {
    runs_.drop_retry(*signal.retry);
    signal.retry.reset();
    signal.allows = nullptr;
  }
  if (!outcome.ok) {
    // Without its record a signal is not applied (domain §3). A refusal needs none: a run that was folded away takes
    // no more of them.
    if (status == DecisionStatus::rejected) return finish(ordinal, DecisionStatus::rejected, info(error).code, false);
    if (replaces && retry_left(signal)) return defer(ordinal, timers_.now() + options_.retry_gap);
    return finish(ordinal, DecisionStatus::rejected, to_string(outcome.error), false);
  }
  if (!fresh) return finish(ordinal, outcome.receipt.status, outcome.receipt.code, true);
  if (status == DecisionStatus::accepted && !signal.retry && runs_.open_run(signal.request.run) == nullptr)
    return decide(ordinal, DecisionStatus::rejected, ApiError::run_terminal, true);  // it ended at this very moment
  finish(ordinal, status, info(error).code, false);
}

SignalDesk::Signal* SignalDesk::another_writing(std::uint64_t ordinal) {
  const SignalRequest& request = signals_.at(ordinal).request;
  const auto run = writers_.find(request.run.value);
  if (run == writers_.end()) return nullptr;
  const auto writer = run->second.find(request.signal_id);
  if (writer == run->second.end() || writer->second == ordinal) return nullptr;
  const auto other = signals_.find(writer->second);
  return other != signals_.end() && other->second.writing ? &other->second : nullptr;
}

bool SignalDesk::is_writer(std::uint64_t ordinal) const {
  const SignalRequest& request = signals_.at(ordinal).request;
  const auto run = writers_.find(request.run.value);
  if (run == writers_.end()) return false;
  const auto writer = run->second.find(request.signal_id);
  return writer != run->second.end() && writer->second == ordinal;
}

// Only what reaches the run counts against its limit.
void SignalDesk::settle_place(Signal& signal, bool keep) {
  if (!signal.let_through_at || keep) return;
  const auto window = windows_.find(signal.request.run.value);
  if (window != windows_.end()) window->second.give_back(*signal.let_through_at);
  signal.let_through_at.reset();
}

SignalFact SignalDesk::fact(std::uint64_t ordinal, DecisionStatus status, std::string_view code, Instant at) const {
  const Signal& signal = signals_.at(ordinal);
  return {signal.request.run, signal.request.type, status, code, ordinal, signal.received_at, at, signal.was_deferred};
}

// The answer, and what follows from it.
void SignalDesk::finish(std::uint64_t ordinal, DecisionStatus status, std::string_view code, bool repeat) {
  const Instant now = timers_.now();
  Signal& signal = signals_.at(ordinal);
  const std::string kept(code);
  if (!signal.was_deferred) {  // a deferred one has had its answer
    const int http = status == DecisionStatus::rejected ? http_status(kept) : 202;
    telemetry_.api_request("signals", http, status == DecisionStatus::rejected ? std::string_view(kept) : "",
                           now - signal.received_at, now);
    if (signal.answered) signal.answered({status, kept, http, repeat});
  }
  if (repeat) {
    telemetry_.signal_repeated(fact(ordinal, status, kept, now));
    signals_.erase(ordinal);
    return;
  }
  telemetry_.signal_decided(fact(ordinal, status, kept, now));
  switch (status) {
    case DecisionStatus::rejected:
      signals_.erase(ordinal);
      return;
    case DecisionStatus::deferred: {
      signal.was_deferred = true;
      // Over the run's limit: a minute apart. Otherwise it waits for a processor.
      const auto window = windows_.find(signal.request.run.value);
      const bool over = window != windows_.end() && !window->second.room(options_.per_run, now);
      defer(ordinal, over ? now + options_.retry_gap : now);
      return;
    }
    case DecisionStatus::accepted:
      apply(ordinal);
      return;
  }
}

void SignalDesk::apply(std::uint64_t ordinal) {
  Signal& signal = signals_.at(ordinal);
  const SignalRequest& request = signal.request;
  switch (request.type) {
    case SignalType::pause:
    case SignalType::resume:
    case SignalType::cancel:
    case SignalType::retry_step:
    case SignalType::skip_step:
    case SignalType::emergency_stop:
      adapter_.signal(
          {request.run, request.type, ordinal, request.reason, signal.payload.step_id, signal.payload.force_kill});
      return;
    case SignalType::retry_run:
      runs_.begin_retry(*signal.retry, signal.received_at);
      break;
    case SignalType::update_params:
    case SignalType::inject_override:
    case SignalType::update_target:
      runs_.set_parameters(request.run, request.type, signal.payload);
      break;
    case SignalType::escalate_alert:
      telemetry_.alert_escalated(request.run, signal.payload.level, timers_.now());
      break;
  }
  applied(ordinal, timers_.now());
}

// ---- Deferral ----

void SignalDesk::defer(std::uint64_t ordinal, Instant due) {
  deferred_.add({ordinal, signals_.at(ordinal).retries}, due);
  tell_waits(ordinal, true);
  set_pump();
}

void SignalDesk::tell_waits(std::uint64_t ordinal, bool waits) {
  telemetry_.signal_waits(signals_.at(ordinal).request.run, ordinal, waits, deferred_.size(), timers_.now());
}

// One timer for the whole queue: when its first signal is due and a processor is free.
void SignalDesk::set_pump() {
  const std::optional<Instant> due = deferred_.next_due();
  const std::optional<Instant> free_at = processors_.next_free();
  if (!due || !free_at) return;
  const Instant when = std::max({timers_.now(), *due, *free_at});
  if (pump_) {
    if (pump_at_ <= when) return;
    timers_.cancel(pump_);
  }
  pump_at_ = when;
  pump_ = timers_.call_at(when, [this] { pump(); });
}

void SignalDesk::pump() {
  pump_ = {};
  const Instant now = timers_.now();
  while (deferred_.next_due() && *deferred_.next_due() <= now && take_processor(deferred_.signals().front(), now)) {
    const DeferredSignal first = *deferred_.pop(now);
    tell_waits(first.signal, false);
    try_deferred(first);
  }
  set_pump();
}

// One more try of a deferred signal came to nothing.
bool SignalDesk::retry_left(Signal& signal) const {
  return ++signal.retries < options_.retries_max;
}

// A processor takes up a deferred signal: run, step and limit are looked at anew.
void SignalDesk::try_deferred(DeferredSignal deferred) {
  const std::uint64_t ordinal = deferred.signal;
  Signal& signal = signals_.at(ordinal);
  const Instant now = timers_.now();
  if (another_writing(ordinal) != nullptr) return defer(ordinal, now + kUnknownRetry);
  ApiError error = ApiError::none;
  try {
    error = check_target(signal);
  } catch (const StoreFailure&) {
    return defer(ordinal, now + options_.retry_gap);
  }
  if (error == ApiError::none && now - signal.received_at > options_.expiry) error = ApiError::signal_expired;
  if (error != ApiError::none) return decide(ordinal, DecisionStatus::rejected, error, true);
  RateWindow& window = windows_[signal.request.run.value];
  if (!window.room(options_.per_run, now)) {
    if (!retry_left(signal)) return decide(ordinal, DecisionStatus::rejected, ApiError::signal_rate_limited, true);
    return defer(ordinal, now + options_.retry_gap);
  }
  window.take(now);
  signal.let_through_at = now;
  decide(ordinal, DecisionStatus::accepted, ApiError::none, true);
}

void SignalDesk::requeue_deferred() {
  deferred_.make_due(timers_.now());
  set_pump();
}

void SignalDesk::purge_deferred() {
  for (const std::uint64_t ordinal : deferred_.signals()) {
    if (runs_.open_run(signals_.at(ordinal).request.run) != nullptr) continue;
    deferred_.remove(ordinal);
    tell_waits(ordinal, false);
    decide(ordinal, DecisionStatus::rejected, ApiError::run_terminal, true);
  }
}

void SignalDesk::stop_processors(bool stopped) {
  processors_.stop(stopped);
  if (!stopped) set_pump();
}

// ---- The provider's answers ----

void SignalDesk::applied(std::uint64_t ordinal, Instant at) {
  if (!signals_.contains(ordinal)) return;
  telemetry_.signal_applied(fact(ordinal, DecisionStatus::accepted, {}, at));
  signals_.erase(ordinal);
}

void SignalDesk::lost(std::uint64_t ordinal, Instant at) {
  if (!signals_.contains(ordinal)) return;
  telemetry_.signal_lost(fact(ordinal, DecisionStatus::accepted, {}, at));
  signals_.erase(ordinal);
}

}  // namespace dvt::engine
