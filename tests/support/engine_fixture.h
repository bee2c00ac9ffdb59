// An engine in a test: kernel, service, one or more workers, workflows written as lambdas, activities with a delay.
// Latencies are zero unless a test says otherwise, so that virtual times in expectations are round.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "engine/service/service.h"
#include "engine/worker/worker.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"
#include "tests/support/lawful_history.h"

namespace dvt::test {

using namespace dvt::engine;

/// Takes `delay`, then does what `answer` says for the attempt.
class ScriptedActivity final : public Activity {
 public:
  explicit ScriptedActivity(Timers& timers) : timers_(timers) {}
  Duration delay = seconds(1);
  std::function<ActivityAnswer(const ActivityInvocation&)> answer = [](const ActivityInvocation&) {
    return ActivityAnswer{};
  };
  std::vector<std::uint32_t> attempts;  // in the order they began
  void start(const ActivityInvocation& invocation, ActivityDone done) override {
    attempts.push_back(invocation.attempt);
    struct Held {
      ActivityInvocation invocation;
      ActivityDone done;
    };
    auto held = std::make_unique<Held>(Held{invocation, std::move(done)});
    timers_.call_after(delay, [this, h = std::move(held)] { h->done(answer(h->invocation)); });
  }

 private:
  Timers& timers_;
};

class CountingTelemetry final : public Telemetry {
 public:
  std::uint64_t refused = 0;  // answers for attempts that nobody waited for
  std::uint64_t tasks = 0, replayed_tasks = 0, replayed_events = 0, task_failures = 0, retries = 0, starts = 0;
  std::vector<std::string> nondeterminism_reports;
  std::vector<std::string> task_failure_causes;
  void workflow_task_completed(const WorkflowTaskFact& fact) override {
    ++tasks;
    if (fact.replayed_events > 0) ++replayed_tasks;
    replayed_events += fact.replayed_events;
  }
  void workflow_task_failed(const WorkflowTaskFact&, std::string_view cause) override {
    ++task_failures;
    task_failure_causes.emplace_back(cause);
  }
  void activity_retry(const ActivityFact&, std::string_view, Instant, std::uint32_t) override { ++retries; }
  void activity_started(const ActivityFact&) override { ++starts; }
  void completion_refused(RunOrdinal, std::uint32_t, Instant) override { ++refused; }
  void nondeterminism(RunOrdinal, std::string_view report, Instant) override {
    nondeterminism_reports.emplace_back(report);
  }
};

class EngineFixture : public ::testing::Test, public ServiceListener {
 protected:
  explicit EngineFixture(ServiceOptions options = {}, WorkerOptions worker_options = {})
      : random(7),
        service(kernel, random, telemetry, std::move(options)),
        workers(service, kernel, kernel, random, telemetry, std::move(worker_options)),
        activity(kernel) {
    service.attach(workers, *this);
    queue = service.matching().add_queue(Symbol::intern("q"));
    workers.register_activity(act, activity);
  }

  void TearDown() override {
    for (const History& history : histories) expect_lawful(history);
    for (const ExecutionKey& key : service.open_keys()) expect_lawful(service.execution_of(key.stream())->history);
  }

  void add_workers(std::uint32_t count, std::uint32_t slots = 10, std::uint32_t cache = 100) {
    const std::uint32_t first = workers.add_workers(queue, count, {slots, 5}, cache);
    for (std::uint32_t i = 0; i < count; ++i) workers.start(first + i);
  }
  void define(WorkflowFunction function, const char* type = "test") {
    workers.register_workflow(Symbol::intern(type), std::move(function));
  }
  void start(std::uint32_t run = 0, const char* type = "test", Payload input = nullptr) {
    ExecutionInfo info;
    info.workflow_id = "run-" + std::to_string(run);
    info.run_id = info.first_run_id = uuid_v4_from(run + 1, 0);
    info.workflow_type = Symbol::intern(type);
    info.task_queue = Symbol::intern("q");
    service.start_workflow({{run}, {0}, std::make_shared<const ExecutionInfo>(info), std::move(input)});
  }
  ActivityOptionsRef options(Duration start_to_close = minutes(30), std::uint32_t attempts = 3) {
    ActivityOptions o;
    o.task_queue = Symbol::intern("q");
    o.start_to_close = start_to_close;
    o.retry.maximum_attempts = attempts;
    o.retry.maximum_interval = seconds(60);
    return std::make_shared<const ActivityOptions>(o);
  }
  static FailureRef failure(const char* type, bool non_retryable = false) {
    auto f = std::make_shared<Failure>();
    f->message = type;
    f->type = Symbol::intern(type);
    f->non_retryable = non_retryable;
    return f;
  }

  struct Closed {
    CloseStatus status;
    std::vector<HistoryEvent> history;
    ExecutionKey key;
    Payload result;
    FailureRef failure;
    Instant at;
  };
  void execution_closed(const Execution& execution, CloseStatus status, const Payload& result,
                        const FailureRef& fail) override {
    closed.push_back({status, execution.history.events(), execution.key, result, fail, kernel.now()});
    workers.forget(execution.key, execution.sticky);
    histories.push_back(execution.history);
  }
  void signal_applied(RunOrdinal, std::uint64_t signal, Instant at) override { applied[signal] = at; }
  void signal_lost(RunOrdinal, std::uint64_t signal, Instant) override { lost.push_back(signal); }

  static std::vector<std::string> names(const std::vector<HistoryEvent>& events) {
    std::vector<std::string> out;
    for (const HistoryEvent& event : events) out.emplace_back(type_name(event));
    return out;
  }

  sim::PhiloxRandom random;
  sim::Kernel kernel;
  CountingTelemetry telemetry;
  Service service;
  Workers workers;
  ScriptedActivity activity;
  std::uint32_t queue = 0;
  const Symbol act = Symbol::intern("act");
  std::vector<Closed> closed;
  std::vector<History> histories;
  std::map<std::uint64_t, Instant> applied;
  std::vector<std::uint64_t> lost;
};

}  // namespace dvt::test
