// DVT's own front (domain §1, §8, §9): run requests, signals and status reads go request → validation → decision record
// or stored event → effect. Answers carry HTTP codes and the errors of api_error.h. Capacity is a single queue in front
// of the handlers: a request leaves it no faster than `capacity` allows, then takes the handling latency.
//
// Run requests are idempotent by SHA-256(tenant|project|environment|plan|version|runRequestId): a request that was seen
// is answered with its run, and one that is being handled is waited for; there is never a second run.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/api/admission.h"
#include "engine/api/signal_desk.h"
#include "engine/base/distribution.h"
#include "engine/plan/catalogue.h"
#include "engine/ports/provider_adapter.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"
#include "engine/worker/plan_activities.h"

namespace dvt::engine {

struct ApiOptions {
  Distribution latency;
  Duration request_interval;  // 1 / capacity; 0: unlimited
  AdmissionOptions admission;
  SignalOptions signals;
  std::optional<Distribution> approval;  // the planner's time to RunApproved; absent: runs need no approval
  UriPolicy plan_addresses;
  std::vector<std::string_view> plan_refusals;    // by plan: why its runs are refused (engine/plan/capabilities.h)
  std::function<std::uint64_t()> projection_lag;  // events; empty: not known, and no backpressure
};

/// What befalls the API and its signal processors just now. Shares are parts per billion of the requests.
struct ApiFaults {
  bool away = false;                        // every new request is answered API_UNAVAILABLE at once
  std::int64_t failing_ppb = 0;             // answered API_ERROR after their handling time; nothing is done
  const LatencyScale* latency = nullptr;    // of the handling time
  const LatencyScale* throttle = nullptr;   // of the gap between two requests
  std::int64_t signals_failing_ppb = 0;     // answered SIGNAL_FAILED
  std::int64_t signals_lost_ppb = 0;        // reach no processor; their sender hears nothing in time
  std::int64_t signals_duplicated_ppb = 0;  // reach one twice
  std::int64_t signals_overtaken_ppb = 0;   // reach one after the next signal
};

struct RunRequest {
  RunOrdinal run;
  PlanOrdinal plan;
  TenantOrdinal tenant;
  std::string request_id;            // the client's runRequestId
  std::uint32_t attempt = 0;         // 0: the first; the same request again after that
  std::optional<PlanRef> reference;  // as the client sent it; absent: the catalogue's own
};

struct RunAnswer {
  int http = 202;
  std::string_view code;  // empty when accepted
  RunOrdinal run;         // accepted: the run that the request has
  Duration retry_after;   // 429
};
using RunAnswered = InplaceFunction<void(const RunAnswer&), 48>;

/// Names one attempt of a run request while it is under way.
struct RequestId {
  std::uint64_t value = 0;
};

/// RETRY_RUN's runs are numbered from here on, beyond those that arrive, so that a retry moves no arrival's draws.
inline constexpr std::uint32_t kFirstRetryRun = 1U << 24;
/// Synthetic no-op runs (domain §13, availability) are numbered from here on. Their requests are told under a route of
/// their own, kProbeRoute.
inline constexpr std::uint32_t kFirstProbeRun = 1U << 25;
inline constexpr std::string_view kRunRoute = "runs";
inline constexpr std::string_view kProbeRoute = "probes";

class ApiFront final : public RunListener, private RunRegistry {
 public:
  ApiFront(Timers& timers, const Random& random, Telemetry& telemetry, StoreClient& store, StateStore& rows,
           ProviderAdapter& adapter, const PlanCatalogue& plans, std::vector<std::string> tenants, ApiOptions options);

  RequestId submit_run(RunRequest request, RunAnswered answered = {});
  /// The client went away: the request is answered nobody. A held one is dropped; what was begun goes on.
  void abandon(RequestId request);
  /// Returns the signal's ordinal.
  std::uint64_t submit_signal(SignalRequest request, SignalAnswered answered = {});
  void submit_read(RunOrdinal run, std::uint64_t ordinal);

  // Operators
  /// New runs go to the provider no faster than one an `interval`; nullopt lifts the throttle.
  void throttle(std::optional<Duration> interval);
  SignalDesk& signals() { return signals_; }
  void set_faults(const ApiFaults& faults) { faults_ = faults; }
  /// A signal that is lost on its way to the processors is answered CLIENT_TIMEOUT after this.
  static constexpr Duration kSignalTimeout = seconds(10);

  std::size_t runs_open() const { return runs_.size(); }
  bool is_open(RunOrdinal run) const { return runs_.contains(run.value); }
  std::size_t runs_waiting() const { return waiting_.size(); }
  std::size_t requests_held() const { return held_.size(); }
  /// What UPDATE_PARAMS, INJECT_OVERRIDE and UPDATE_TARGET have set: {params, overrides, targets}, as far as set. The
  /// model's plans take no parameters: they are kept and shown, and no step reads them.
  json::Object parameters(RunOrdinal run) const;

  // RunListener
  void run_ended(RunOrdinal run, RunOutcome outcome, ErrorClass error_class, std::string_view error_code) override;
  void signal_applied(std::uint64_t signal, Instant at) override { signals_.applied(signal, at); }
  void signal_lost(std::uint64_t signal, Instant at) override { signals_.lost(signal, at); }

 private:
  struct Run {
    RunIdentityRef identity;
    Instant requested_at;
    bool handed_over = false;  // to the provider
    bool unsettled = false;    // whether its RunQueued is stored is not known
    std::optional<json::Object> parameters;
  };
  struct Ended {
    PlanOrdinal plan;
    TenantOrdinal tenant;
  };
  struct Request {
    RunRequest request;
    Instant received_at;
    RunAnswered answered;
    bool abandoned = false;
  };

  // Run requests
  Duration pass_queue(const DrawKey& key);
  /// Time until a request is handled: the queue, then a handler's time.
  Duration handled_after(const DrawKey& key);
  bool fails(std::int64_t share_ppb, const DrawKey& key, std::uint32_t draw) const;
  void handle_run(std::uint64_t id);
  ApiError validate(const RunRequest& request) const;
  Digest key_of(const RunRequest& request) const;
  void answer_known(std::uint64_t id, RunOrdinal run);
  void persist(std::uint64_t id, const Digest& key);
  void write_queued(RunOrdinal run, const Digest& key, DrawKey draws);
  void write_queued_again(RunOrdinal run, const Digest& key, DrawKey draws);
  void run_persisted(RunOrdinal run, const Digest& key, DrawKey draws, const AppendOutcome& outcome);
  void answer(std::uint64_t id, std::string_view code, RunOrdinal run, Duration retry_after = {});
  void let_held_in();

  // From accepted to started
  RunIdentityRef make_identity(RunOrdinal run, PlanOrdinal plan, TenantOrdinal tenant) const;
  void accepted(RunOrdinal run, Instant requested_at);
  void approve(RunOrdinal run);
  void queue_start(RunOrdinal run);
  void start_waiting();
  void hand_over(const StartQueue::Lease& lease);
  void wake_for_throttle();

  // RunRegistry
  const RunIdentity* open_run(RunOrdinal run) const override;
  RunIdentityRef ended_run(RunOrdinal run) const override;
  std::shared_ptr<const NewEvent> prepare_retry(const RunIdentity& original, const std::string& signal_id) override;
  void begin_retry(RunOrdinal retry, Instant received_at) override;
  void drop_retry(RunOrdinal retry) override;
  void set_parameters(RunOrdinal run, SignalType type, const SignalPayload& payload) override;

  Timers& timers_;
  const Random& random_;
  Telemetry& telemetry_;
  StoreClient& store_;
  StateStore& rows_;
  ProviderAdapter& adapter_;
  const PlanCatalogue& plans_;
  std::vector<std::string> tenants_;
  ApiOptions options_;
  EventMaker maker_;
  Admission admission_;
  SignalDesk signals_;
  ApiFaults faults_;
  Instant queue_free_;
  std::uint64_t last_request_ = 0;
  std::unordered_map<std::uint64_t, Request> requests_;      // under way; looked up only
  std::map<Digest, std::vector<std::uint64_t>> being_kept_;  // requests whose RunQueued is being written, by key
  std::deque<std::uint64_t> held_;                           // DELAY, in the order they came
  std::unordered_map<std::uint32_t, Run> runs_;              // accepted and not ended; looked up only
  std::size_t handed_over_ = 0;                              // of those
  StartQueue waiting_;
  TimerId throttle_timer_;
  std::unordered_map<std::uint32_t, Ended> ended_;  // the last kEndedKept; looked up only
  std::deque<std::uint32_t> ended_order_;
  std::unordered_map<std::uint32_t, RunIdentityRef> retries_;  // prepared, not begun; looked up only
  std::uint32_t next_retry_ = kFirstRetryRun;
};

}  // namespace dvt::engine
