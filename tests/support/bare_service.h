// The service alone in a test, which plays the worker by hand: it sees each task that is delivered and answers it with
// the commands it likes, when it likes. For rules of histories that workflow code cannot be made to hit exactly.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/service/service.h"
#include "sim/kernel/kernel.h"
#include "sim/kernel/random_streams.h"
#include "tests/support/lawful_history.h"

namespace dvt::test {

using namespace dvt::engine;

class TaskFailures final : public Telemetry {
 public:
  std::vector<std::string> causes;
  std::vector<std::pair<std::string, Instant>> retries;  // cause, next attempt
  std::vector<std::string> started;                      // activity types, attempts included
  void workflow_task_failed(const WorkflowTaskFact&, std::string_view cause) override { causes.emplace_back(cause); }
  void activity_retry(const ActivityFact&, std::string_view cause, Instant next, std::uint32_t) override {
    retries.emplace_back(cause, next);
  }
  void activity_started(const ActivityFact& fact) override { started.emplace_back(fact.type); }
};

class BareService : public ::testing::Test, public WorkerHost, public ServiceListener {
 protected:
  explicit BareService(ExecutionLimits limits = {}) : random(7), service(kernel, random, telemetry, options(limits)) {
    service.attach(*this, *this);
    const std::uint32_t queue = service.matching().add_queue(Symbol::intern("q"));
    worker = service.matching().add_worker(queue, {100, 100});
    service.matching().worker_up(worker);
  }

  void TearDown() override {
    for (const History& history : closed) expect_lawful(history);
    for (const ExecutionKey& key : service.open_keys()) expect_lawful(service.execution_of(key.stream())->history);
  }

  void start(const std::function<void(ExecutionInfo&)>& adjust = [](ExecutionInfo&) {}) {
    ExecutionInfo info;
    info.workflow_id = "w";
    info.workflow_type = Symbol::intern("test");
    info.task_queue = Symbol::intern("q");
    adjust(info);
    service.start_workflow({run, {0}, std::make_shared<const ExecutionInfo>(info), nullptr});
    settle();
  }
  /// Lets everything happen that is due up to `since_start`, and what follows from it at that instant.
  void to(Duration since_start) { kernel.run_until(Instant{since_start.ns}); }
  void settle() { kernel.run_until(kernel.now()); }

  // Answers of the worker. Each lets its consequences of this instant happen.
  bool complete(std::vector<CommandBody> bodies = {}) {
    std::vector<Command> commands;
    for (CommandBody& body : bodies) commands.push_back({std::move(body), std::source_location::current()});
    const bool taken =
        service.respond_workflow_task_completed(task.token, std::move(commands), 0) != TaskAnswer::refused;
    settle();
    return taken;
  }
  void fail_task() {
    service.respond_workflow_task_failed(task.token, WorkflowTaskFailedCause::workflow_worker_unhandled_failure,
                                         failure("a bug"));
    settle();
  }
  void activity_completes(std::uint32_t id) {
    service.respond_activity_completed(activities.at(id).token, nullptr);
    settle();
  }
  void activity_fails(std::uint32_t id, FailureRef why) {
    service.respond_activity_failed(activities.at(id).token, std::move(why));
    settle();
  }
  bool signal(std::uint64_t id = 1) {
    const bool taken = service.signal_workflow(run, Symbol::intern("s"), nullptr, id);
    settle();
    return taken;
  }

  // Commands
  static ActivityOptions an_hour() {
    ActivityOptions options;
    options.task_queue = Symbol::intern("q");
    options.start_to_close = hours(1);
    return options;
  }
  /// On a queue that no worker polls.
  ActivityOptions unserved() {
    if (!unserved_) service.matching().add_queue(Symbol::intern("nobody"));
    unserved_ = true;
    ActivityOptions options = an_hour();
    options.task_queue = Symbol::intern("nobody");
    return options;
  }
  static ScheduleActivity schedule(std::uint32_t id, const ActivityOptions& options = an_hour(),
                                   const char* type = "act") {
    return {id, Symbol::intern(type), nullptr, std::make_shared<const ActivityOptions>(options)};
  }
  static FailureRef failure(const char* type, bool non_retryable = false) {
    auto made = std::make_shared<Failure>();
    made->message = type;
    made->type = Symbol::intern(type);
    made->non_retryable = non_retryable;
    return made;
  }

  // What happened
  const History& history() const { return service.is_open(run) ? service.execution(run)->history : closed.back(); }
  std::vector<std::string> names(EventId from = 1) const {
    std::vector<std::string> out;
    for (EventId id = from; id <= history().last_id(); ++id) out.emplace_back(type_name(history().at(id)));
    return out;
  }
  /// The names of what follows the last event of a type.
  template <class T>
  std::vector<std::string> names_after() const {
    return names(last_id<T>() + 1);
  }
  /// The last event of a type; a history without one fails the test.
  template <class T>
  const T& last() const {
    return std::get<T>(history().at(last_id<T>()).attributes);
  }
  template <class T>
  EventId last_id() const {
    for (EventId id = history().last_id(); id > 0; --id)
      if (std::holds_alternative<T>(history().at(id).attributes)) return id;
    throw std::runtime_error("the history has no such event");
  }
  template <class T>
  std::size_t count() const {
    std::size_t n = 0;
    for (const HistoryEvent& event : history().events()) n += std::holds_alternative<T>(event.attributes) ? 1 : 0;
    return n;
  }

  // WorkerHost, ServiceListener
  void deliver_workflow_task(const WorkflowTaskDelivery& delivery) override {
    task = delivery;
    ++tasks;
  }
  void deliver_activity_task(const ActivityTaskDelivery& delivery) override {
    activities[delivery.activity_id] = delivery;
  }
  Payload answer_query(std::uint32_t, const Execution&, Symbol) override { return nullptr; }
  void execution_closed(const Execution& execution, CloseStatus close_status, const Payload&,
                        const FailureRef& why) override {
    closed.push_back(execution.history);
    status = close_status;
    close_failure = why;
  }
  void signal_applied(RunOrdinal, std::uint64_t id, Instant) override { applied.push_back(id); }
  void signal_lost(RunOrdinal, std::uint64_t id, Instant) override { lost.push_back(id); }

  static ServiceOptions options(ExecutionLimits limits) {
    ServiceOptions made;
    made.limits = limits;
    return made;
  }

  const RunOrdinal run{0};
  sim::PhiloxRandom random;
  sim::Kernel kernel;
  TaskFailures telemetry;
  Service service;
  std::uint32_t worker = 0;
  WorkflowTaskDelivery task;  // the last one delivered
  std::uint32_t tasks = 0;
  std::map<std::uint32_t, ActivityTaskDelivery> activities;  // the last delivery of each
  std::vector<History> closed;
  CloseStatus status = CloseStatus::completed;
  FailureRef close_failure;
  std::vector<std::uint64_t> applied, lost;

 private:
  bool unserved_ = false;
};

}  // namespace dvt::test
