// SignalDesk: the way of a signal through the API (domain §7, §8): size and schema → authorization → target → limits →
// decision record → effect. What it guarantees:
//   - A signal has an effect only after its decision record was committed; an effect inside the StateStore (the new run
//     of RETRY_RUN) is in the same transaction.
//   - (tenant, run, signalId) has one decision and at most one effect; a repeat is answered as the first was.
//   - No more signals reach a run than its limit allows. What is over it, or meets no free processor, is answered
//     `deferred`: its record says so, and it waits in the deferral queue. It is tried again when a processor is free,
//     or, over the limit, at most twice, a minute and more apart; then it is refused for good. Nothing waits longer
//     than `expiry`.
#pragma once

#include <string>
#include <unordered_map>

#include "engine/api/api_error.h"
#include "engine/api/limits.h"
#include "engine/api/signal_rules.h"
#include "engine/plan/catalogue.h"
#include "engine/ports/fault_point.h"
#include "engine/ports/provider_adapter.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"

namespace dvt::engine {

struct SignalOptions {
  std::uint32_t processors = 2;
  Duration per_signal = milliseconds(5);  // of one processor; 0: no time
  Allowance per_run{60, minutes(1)};
  std::size_t bytes_max = 65'536;
  std::uint32_t retries_max = 2;  // of a signal over its run's limit (domain §17.6: fewer than three)
  Duration retry_gap = minutes(1);
  Duration expiry = minutes(1'440);
};

struct SignalAnswer {
  DecisionStatus status = DecisionStatus::accepted;
  std::string_view code;  // empty unless rejected
  int http = 202;
  bool repeat = false;  // the answer of an earlier signal with this id
};
using SignalAnswered = InplaceFunction<void(const SignalAnswer&), 48>;

/// What the desk must know of runs, and the two effects that are the API's own.
class RunRegistry {
 public:
  virtual ~RunRegistry() = default;
  /// Null when the run is not open.
  virtual const RunIdentity* open_run(RunOrdinal run) const = 0;
  /// Null when the run has not ended, or ended too long ago.
  virtual RunIdentityRef ended_run(RunOrdinal run) const = 0;
  /// RETRY_RUN: makes the new run known to the store and hands out its RunQueued, which goes with the decision. Then
  /// exactly one of the two that follow.
  virtual std::shared_ptr<const NewEvent> prepare_retry(const RunIdentity& original, const std::string& signal_id) = 0;
  virtual void begin_retry(RunOrdinal retry, Instant received_at) = 0;
  virtual void drop_retry(RunOrdinal retry) = 0;
  /// UPDATE_PARAMS, INJECT_OVERRIDE, UPDATE_TARGET: into the run's parameters.
  virtual void set_parameters(RunOrdinal run, SignalType type, const SignalPayload& payload) = 0;
};

class SignalDesk {
 public:
  SignalDesk(Timers& timers, Telemetry& telemetry, StoreClient& store, StateStore& rows, ProviderAdapter& adapter,
             const PlanCatalogue& plans, RunRegistry& runs, SignalOptions options);

  /// The ordinal of the next signal: names its draws.
  std::uint64_t next_ordinal() const { return next_signal_; }
  /// Handled after `delay`, the API's own time; `overtaken`: right after the next signal, or after kOvertakenFor at the
  /// latest. Returns the signal's ordinal.
  std::uint64_t submit(SignalRequest request, Duration delay, SignalAnswered answered, bool overtaken = false);
  /// The same signal arrives a second time. Copies are numbered apart, so that they move no signal's draws.
  void submit_copy(SignalRequest request, Duration delay);
  /// It never reaches a processor: answered with the error after `delay`, without a decision. Returns its ordinal.
  std::uint64_t refuse(SignalRequest request, Duration delay, ApiError error, SignalAnswered answered);
  static constexpr Duration kOvertakenFor = seconds(5);
  static constexpr std::uint64_t kFirstCopy = std::uint64_t{1} << 40;
  /// A processor takes so much longer for a signal. Null: it does not. Not owned.
  void set_scale(const LatencyScale* scale) { scale_ = scale; }

  std::size_t deferred() const { return deferred_.size(); }
  /// Operators: everything deferred is tried at once; the deferred signals of ended runs are refused at once;
  /// processors stop (and are restarted).
  void requeue_deferred();
  void purge_deferred();
  void stop_processors(bool stopped);

  // The provider's answers, by way of the front.
  void applied(std::uint64_t signal, Instant at);
  void lost(std::uint64_t signal, Instant at);
  /// The run ended long ago; no signal to it will be accepted any more.
  void forget(RunOrdinal run) {
    windows_.erase(run.value);
    writers_.erase(run.value);
  }

 private:
  struct Signal {
    SignalRequest request;
    SignalPayload payload;
    SignalAnswered answered;
    TenantOrdinal tenant;
    Role role = Role::operator_;  // recorded
    bool known_run = false;       // `tenant` is the run's
    bool was_deferred = false;
    std::uint32_t retries = 0;
    Instant received_at;
    std::optional<Instant> let_through_at;  // took its place in the run's minute then
    std::uint32_t writes = 0;
    std::optional<RunOrdinal> retry;         // RETRY_RUN: the run that was prepared
    std::shared_ptr<const NewEvent> allows;  // … and its RunQueued, stored with the decision
    bool writing = false;                    // its decision is under way to the store
    std::vector<std::uint64_t> repeats;      // signals with its id, which wait for that
    Instant decided_at;                      // of that decision, however often it is written
    bool unsettled = false;                  // whether its decision is stored is not known
  };

  void receive(std::uint64_t signal, SignalRequest request, SignalAnswered answered);
  void handle(std::uint64_t signal);
  void let_overtaken_pass();
  bool take_processor(std::uint64_t signal, Instant now);
  ApiError check_sender(Signal& signal) const;
  ApiError check_target(const Signal& signal) const;
  ApiError check_step(const Signal& signal, const RunIdentity& run) const;
  void decide(std::uint64_t signal, DecisionStatus status, ApiError error, bool replaces);
  void write(std::uint64_t signal, DecisionStatus status, ApiError error, bool replaces);
  void stored(std::uint64_t signal, DecisionStatus status, ApiError error, bool replaces, const DecideOutcome& outcome);
  void finish(std::uint64_t signal, DecisionStatus status, std::string_view code, bool repeat);
  bool is_writer(std::uint64_t signal) const;
  /// Another signal with this id is being decided: its decision comes first. Null: none is.
  Signal* another_writing(std::uint64_t signal);
  void settle_place(Signal& signal, bool keep);
  void apply(std::uint64_t signal);
  void try_deferred(DeferredSignal deferred);
  bool retry_left(Signal& signal) const;
  void defer(std::uint64_t signal, Instant due);
  void tell_waits(std::uint64_t signal, bool waits);
  void pump();
  void set_pump();
  SignalFact fact(std::uint64_t signal, DecisionStatus status, std::string_view code, Instant at) const;

  Timers& timers_;
  Telemetry& telemetry_;
  StoreClient& store_;
  StateStore& rows_;
  ProviderAdapter& adapter_;
  const PlanCatalogue& plans_;
  RunRegistry& runs_;
  SignalOptions options_;
  SignalProcessors processors_;
  DeferralQueue deferred_;
  TimerId pump_;
  Instant pump_at_;
  std::uint64_t next_signal_ = 1;
  std::uint64_t next_copy_ = kFirstCopy;
  /// By run and signalId: whose decision stands, or may stand while it is not known. Until the run is forgotten.
  std::unordered_map<std::uint32_t, std::unordered_map<std::string, std::uint64_t>> writers_;  // looked up only
  std::vector<std::uint64_t> overtaken_;  // wait for the next signal to pass them
  const LatencyScale* scale_ = nullptr;
  std::unordered_map<std::uint64_t, Signal> signals_;      // under way; looked up only
  std::unordered_map<std::uint32_t, RateWindow> windows_;  // by run, until it is forgotten; looked up only
};

}  // namespace dvt::engine
