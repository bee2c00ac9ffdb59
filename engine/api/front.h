// DVT's own front (domain §1, §8, §9): run requests and signals go request → validation → decision record or stored
// event → effect. Answers carry HTTP codes for the metrics. Capacity is a single queue in front of the handlers: a
// request leaves it no faster than `capacity` allows, then takes the handling latency.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/distribution.h"
#include "engine/plan/catalogue.h"
#include "engine/ports/provider_adapter.h"
#include "engine/ports/random.h"
#include "engine/ports/timers.h"
#include "engine/worker/plan_activities.h"

namespace dvt::engine {

struct ApiOptions {
  Distribution latency;
  Duration request_interval;        // 1 / capacity; 0: unlimited
  std::uint32_t max_in_flight = 0;  // admission: runs open at the provider; further ones wait (QUEUE); 0: no limit
  std::uint32_t signals_per_run_per_minute = 60;
  std::size_t signal_bytes_max = 65'536;        // the adapter's limit (domain §10), or the API's own if less
  std::vector<std::string_view> plan_refusals;  // by plan: why its runs are refused (engine/plan/capabilities.h)
};

struct RunRequest {
  RunOrdinal run;
  PlanOrdinal plan;
  TenantOrdinal tenant;
  std::string request_id;  // the client's runRequestId
};

struct SignalRequest {
  RunOrdinal run;
  SignalType type = SignalType::pause;
  Role role = Role::operator_;  // the actor's only role
  std::string actor;
  std::string reason;
  std::string step_id;    // RETRY_STEP and SKIP_STEP: the step meant
  std::string signal_id;  // idempotency: the same id again is a no-op
};

/// Least powerful role that may send a signal (domain §8).
Role required_role(SignalType type);
bool is_destructive(SignalType type);
/// Whether `actual` suffices; System stands apart and is the only one for ESCALATE_ALERT.
bool role_suffices(Role actual, SignalType type);

class ApiFront final : public RunListener {
 public:
  ApiFront(Timers& timers, const Random& random, Telemetry& telemetry, StoreClient& store, StateStore& rows,
           ProviderAdapter& adapter, const PlanCatalogue& plans, std::vector<std::string> tenants, ApiOptions options);

  void submit_run(const RunRequest& request);
  /// Returns the signal's ordinal.
  std::uint64_t submit_signal(SignalRequest request);
  void submit_read(RunOrdinal run, std::uint64_t ordinal);

  std::size_t runs_open() const { return runs_.size(); }
  bool is_open(RunOrdinal run) const { return runs_.contains(run.value); }

  // RunListener
  void run_ended(RunOrdinal run, RunOutcome outcome, ErrorClass error_class, std::string_view error_code) override;
  void signal_applied(std::uint64_t signal, Instant at) override;
  void signal_lost(std::uint64_t signal, Instant at) override;

 private:
  struct Run {
    RunIdentityRef identity;
    Instant requested_at;
    std::deque<Instant> signals;  // accepted in the last minute (domain §7: 60 a minute)
  };
  struct Signal {
    SignalRequest request;
    Instant received_at;
  };

  Duration pass_queue();
  void handle_run(RunRequest request, Instant received);
  void run_persisted(RunOrdinal run, const AppendOutcome& outcome, Instant received);
  void start_waiting();
  void handle_signal(std::uint64_t signal);
  void decided(std::uint64_t signal, DecisionStatus status, const std::string& code);
  std::string refusal(const SignalRequest& request) const;

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
  Instant queue_free_;
  std::uint64_t next_signal_ = 1;
  std::unordered_map<std::uint32_t, Run> runs_;        // accepted and not ended; looked up only
  std::unordered_map<std::uint64_t, Signal> signals_;  // under way; looked up only
  std::deque<RunOrdinal> waiting_;                     // admitted later
};

}  // namespace dvt::engine
