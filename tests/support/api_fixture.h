// The API alone: a store in memory behind a StoreModel with constant latencies, a provider that starts runs at once and
// applies signals when the test says so (or at once), one plan of three steps, two tenants.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/api/front.h"
#include "engine/ports/telemetry_fan_out.h"
#include "sim/fault/store_model.h"
#include "store/memory/memory_state_store.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt::test {

class FakeProvider final : public ProviderAdapter {
 public:
  explicit FakeProvider(Telemetry& telemetry, Timers& timers) : telemetry_(telemetry), timers_(timers) {}
  const char* name() const override { return "fake"; }
  void attach(RunListener& listener) override { listener_ = &listener; }
  void start_run(RunIdentityRef run) override {
    started.push_back(run->run.value);
    if (loses_starts > 0) {
      --loses_starts;
      return;
    }
    open.insert(run->run.value);
    telemetry_.run_started(run->run, run->plan, timers_.now());
  }
  void signal(const ProviderSignal& signal) override {
    signals.push_back(signal);
    listener_->signal_applied(signal.signal, timers_.now());
  }
  std::size_t open_runs() const override { return open.size(); }
  bool is_open(RunOrdinal run) const override { return open.contains(run.value); }
  void end(std::uint32_t run, RunOutcome outcome = RunOutcome::completed) {
    open.erase(run);
    listener_->run_ended({run}, outcome, ErrorClass::none, "NONE");
  }

  std::vector<std::uint32_t> started;
  std::set<std::uint32_t> open;
  std::vector<ProviderSignal> signals;
  int loses_starts = 0;  // so many starts come to nothing

 private:
  Telemetry& telemetry_;
  Timers& timers_;
  RunListener* listener_ = nullptr;
};

/// Keeps the facts that the API tells.
class ApiFacts final : public Telemetry {
 public:
  struct Decided {
    SignalType type;
    DecisionStatus status;
    std::string code;
    std::uint64_t signal;
    bool was_deferred;
  };
  std::vector<Decided> decided;
  std::vector<Decided> repeated;
  std::map<std::uint64_t, int> applied;  // by signal
  std::vector<SignalDecision> records;   // in commit order
  std::vector<StoredEvent> events;
  std::vector<std::uint32_t> accepted;
  std::vector<std::pair<std::uint32_t, Instant>> admitted;
  std::vector<std::string> rejected;
  std::vector<int> http;
  std::vector<std::string> escalated;
  std::size_t waiting = 0;
  std::size_t waiting_max = 0;

  void api_request(std::string_view, int code, std::string_view, Duration, Instant) override { http.push_back(code); }
  void run_accepted(const RunAccepted& fact) override { accepted.push_back(fact.run.value); }
  void run_rejected(RunOrdinal, std::string_view code, Instant) override { rejected.emplace_back(code); }
  void run_admitted(RunOrdinal run, Instant at) override { admitted.emplace_back(run.value, at); }
  void signal_decided(const SignalFact& f) override {
    decided.push_back({f.type, f.status, std::string(f.code), f.signal, f.was_deferred});
  }
  void signal_repeated(const SignalFact& f) override {
    repeated.push_back({f.type, f.status, std::string(f.code), f.signal, f.was_deferred});
  }
  void signal_applied(const SignalFact& f) override { ++applied[f.signal]; }
  void decision_stored(const SignalDecision& decision, Instant) override { records.push_back(decision); }
  void event_committed(const StoredEvent& event) override { events.push_back(event); }
  void alert_escalated(RunOrdinal, std::string_view level, Instant) override { escalated.emplace_back(level); }
  void signal_waits(RunOrdinal, std::uint64_t, bool, std::size_t length, Instant) override {
    waiting = length;
    waiting_max = std::max(waiting_max, length);
  }
};

class ApiFixture : public ::testing::Test {
 protected:
  static constexpr Duration kHandling = milliseconds(40);
  static constexpr Duration kWrite = milliseconds(2);

  ApiFixture() : rows({}), model(timers, random, telemetry, rows, {constant(kWrite), constant(milliseconds(1)), 50}) {
    telemetry.add(facts);
    engine::Plan plan;
    plan.metadata.plan_id = "orders";
    plan.metadata.plan_version = "1";
    for (const char* id : {"extract", "load", "report"}) plan.steps.push_back({id, "dbt", {}});
    plans.add(plan);
    rows.add_plan({{0}, "orders", "1", {"extract", "load", "report"}});
    rows.add_tenant({{0}, "acme"});
    rows.add_tenant({{1}, "globex"});
    options.latency = constant(kHandling);
  }
  static Distribution constant(Duration value) { return Distribution::constant(value); }

  /// Build it after setting `options`.
  engine::ApiFront& api() {
    if (!front) {
      front = std::make_unique<engine::ApiFront>(timers, random, telemetry, model, rows, provider, plans,
                                                 std::vector<std::string>{"acme", "globex"}, options);
    }
    return *front;
  }
  void pass(Duration time) { timers.run_for(time); }

  struct Answer {
    int http = 0;
    std::string code;
    std::uint32_t run = 0;
    Duration retry_after;
    Instant at;
  };
  /// Answers by the number of the request, from 0.
  std::vector<Answer> answers;
  engine::RequestId ask(std::uint32_t run, const std::string& id, std::uint32_t attempt = 0, std::uint32_t tenant = 0,
                        std::optional<engine::PlanRef> reference = {}) {
    const std::size_t place = answers.size();
    answers.emplace_back();
    return api().submit_run(
        {{run}, {0}, {tenant}, id, attempt, std::move(reference)}, [this, place](const engine::RunAnswer& answer) {
          answers[place] = {answer.http, std::string(answer.code), answer.run.value, answer.retry_after, timers.now()};
        });
  }
  /// A run that is open at the provider.
  void run(std::uint32_t ordinal, std::uint32_t tenant = 0) {
    ask(ordinal, "request-" + std::to_string(ordinal), 0, tenant);
    pass(seconds(1));
    ASSERT_TRUE(provider.open.contains(ordinal));
  }
  void write(std::uint32_t run, EventType type, StepIndex step = kNoStep, std::uint32_t attempt = 1) {
    NewEvent event;
    event.run = {run};
    event.type = type;
    event.step = step;
    event.logical_attempt = attempt;
    event.idempotency_key = sha256(std::to_string(run) + "/" + std::to_string(step.value) + "/" +
                                   std::string(to_string(type)) + std::to_string(attempt));
    ASSERT_TRUE(rows.append(event, timers.now()).has_value());
  }

  struct SignalResult {
    DecisionStatus status = DecisionStatus::accepted;
    std::string code;
    int http = 0;
    bool repeat = false;
  };
  std::vector<SignalResult> results;
  std::uint64_t send(engine::SignalRequest request) {
    const std::size_t place = results.size();
    results.emplace_back();
    return api().submit_signal(std::move(request), [this, place](const engine::SignalAnswer& answer) {
      results[place] = {answer.status, std::string(answer.code), answer.http, answer.repeat};
    });
  }
  /// Sends it and waits for the answer.
  SignalResult tell(engine::SignalRequest request) {
    send(std::move(request));
    pass(milliseconds(100));
    return results.back();
  }
  static engine::SignalRequest signal(std::uint32_t run, SignalType type, std::string payload = {},
                                      std::string id = {}) {
    engine::SignalRequest request;
    request.run = {run};
    request.type = type;
    request.roles = {engine::required_role(type)};
    request.actor = "ada";
    request.reason = "because";
    request.payload = std::move(payload);
    request.signal_id = std::move(id);
    return request;
  }

  FakeTimers timers;
  FakeRandom random;
  TelemetryFanOut telemetry;
  ApiFacts facts;
  store::MemoryStateStore rows;
  sim::StoreModel model;
  engine::PlanCatalogue plans;
  FakeProvider provider{telemetry, timers};
  engine::ApiOptions options;
  std::unique_ptr<engine::ApiFront> front;
};

}  // namespace dvt::test
