#include "adapters/conductor/workers.h"

#include <algorithm>
#include <memory>

namespace dvt::adapters {

using namespace dvt::engine;

ConductorWorkers::ConductorWorkers(ConductorServer& server, Timers& timers, const Random& random, Telemetry& telemetry,
                                   Distribution respond_latency)
    : server_(server),
      timers_(timers),
      random_(random),
      telemetry_(telemetry),
      respond_latency_(std::move(respond_latency)) {
  server_.attach(static_cast<TaskHost&>(*this));
}

void ConductorWorkers::tell(std::uint32_t worker, bool up) {
  const std::uint32_t domain = server_.queues().domain_of(worker);
  telemetry_.worker_changed(domain, worker - server_.queues().first_worker(domain), up, timers_.now());
}

void ConductorWorkers::start(std::uint32_t worker) {
  if (up(worker)) return;
  tell(worker, true);
  server_.queues().worker_up(worker);
}

void ConductorWorkers::kill(std::uint32_t worker) {
  if (!up(worker)) return;
  const WorkerRef life = server_.queues().ref(worker);
  server_.queues().worker_down(worker);
  standstill_.forget(worker);
  server_.worker_lost(life);
  tell(worker, false);
}

void ConductorWorkers::deliver_task(const TaskDelivery& delivery) {
  if (!standstill_.holds(delivery.worker.worker)) return run_task(delivery);
  auto kept = std::make_unique<TaskDelivery>(delivery);
  standstill_.when_awake(delivery.worker.worker, [this, held = std::move(kept)] {
    if (server_.queues().is_up(held->worker)) run_task(*held);
  });
}

void ConductorWorkers::run_task(const TaskDelivery& delivery) {
  const auto found = std::find_if(activities_.begin(), activities_.end(),
                                  [&](const auto& known) { return known.first == delivery.type; });
  DVT_ASSERT(found != activities_.end(), "no such activity type is registered");
  ActivityInvocation invocation;
  invocation.run = delivery.ref.run;
  invocation.activity = delivery.ref.task;
  invocation.attempt = delivery.ref.attempt;
  invocation.input = delivery.input;
  invocation.scheduled_at = delivery.scheduled_at;
  invocation.started_at = delivery.started_at;
  invocation.worker = delivery.worker.worker;
  found->second->start(invocation, [this, ref = delivery.ref, worker = delivery.worker](ActivityAnswer answer) {
    if (!server_.queues().is_up(worker)) return;  // it died meanwhile
    Draws draws(random_, Purpose::respond, ref.run.value, ref.task, std::uint64_t{ref.attempt} << 1);
    Duration way = respond_latency_.sample(draws);
    if (scale_ != nullptr) way = scale_->scaled(way, {ref.run.value, ref.task, std::uint64_t{ref.attempt} << 1});
    struct Update {
      TaskRef ref;
      WorkerRef worker;
      ActivityAnswer answer;
    };
    auto update = std::make_unique<Update>(Update{ref, worker, std::move(answer)});
    timers_.call_after(way, [this, held = std::move(update)]() mutable {
      const std::uint32_t of = held->worker.worker;
      standstill_.when_awake(of, [this, sent = std::move(held)] {
        // An update under way when the worker dies is lost with its connection.
        if (!server_.queues().is_up(sent->worker)) return;
        server_.update_task(sent->ref, sent->worker, std::move(sent->answer));
      });
    });
  });
}

}  // namespace dvt::adapters
