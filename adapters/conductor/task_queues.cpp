#include "adapters/conductor/task_queues.h"

#include "engine/base/assert.h"

namespace dvt::adapters {

std::uint32_t TaskQueues::add_domain(const DomainOptions& options) {
  DVT_ASSERT(options.workers > 0 && options.slots > 0 && options.poll_interval.ns > 0, "a domain has polling workers");
  Domain domain;
  domain.options = options;
  domain.first = static_cast<std::uint32_t>(workers_.size());
  const auto index = static_cast<std::uint32_t>(domains_.size());
  domains_.push_back(std::move(domain));
  for (std::uint32_t i = 0; i < options.workers; ++i) {
    Worker worker;
    worker.domain = index;
    workers_.push_back(worker);
  }
  return index;
}

std::optional<std::uint32_t> TaskQueues::find_domain(Symbol name) const {
  for (std::uint32_t i = 0; i < domains_.size(); ++i)
    if (domains_[i].options.name == name) return i;
  return std::nullopt;
}

Instant TaskQueues::next_poll(std::uint32_t worker, Instant from) const {
  const Domain& domain = domains_[workers_[worker].domain];
  const std::int64_t interval = domain.options.poll_interval.ns;
  const std::int64_t place = worker - domain.first;
  const std::int64_t phase = interval / domain.options.workers * place;
  if (from.ns <= phase) return Instant{phase};
  const std::int64_t polls = (from.ns - phase + interval - 1) / interval;
  return Instant{phase + polls * interval};
}

void TaskQueues::push(std::uint32_t domain, const TaskRef& task) {
  domains_[domain].tasks.push_back(task);
  if (!domains_[domain].timer) plan(domain);
}

void TaskQueues::worker_up(std::uint32_t index) {
  Worker& worker = workers_[index];
  worker.up = true;
  worker.free = domains_[worker.domain].options.slots;
  plan(worker.domain);
}

void TaskQueues::worker_down(std::uint32_t index) {
  Worker& worker = workers_[index];
  worker.up = false;
  ++worker.epoch;
}

void TaskQueues::slot_freed(engine::WorkerRef ref) {
  if (!is_up(ref)) return;
  Worker& worker = workers_[ref.worker];
  DVT_ASSERT(worker.free < domains_[worker.domain].options.slots, "a slot was freed twice");
  if (worker.free++ == 0) plan(worker.domain);
}

// Sets the timer to the earliest poll that can take a task. A worker polls once an instant.
void TaskQueues::plan(std::uint32_t index) {
  Domain& domain = domains_[index];
  if (domain.tasks.empty()) return;
  std::optional<Instant> earliest;
  for (std::uint32_t i = domain.first; i < domain.first + domain.options.workers; ++i) {
    const Worker& worker = workers_[i];
    if (!worker.up || worker.free == 0) continue;
    const Instant now = timers_.now();
    const Instant at = next_poll(i, worker.polled_at == now ? now + nanoseconds(1) : now);
    if (!earliest || at < *earliest) earliest = at;
  }
  if (!earliest || (domain.timer && domain.planned_at <= *earliest)) return;
  timers_.cancel(domain.timer);
  domain.planned_at = *earliest;
  domain.timer = timers_.call_at(*earliest, [this, index] {
    domains_[index].timer = {};
    poll(index);
    plan(index);
  });
}

void TaskQueues::poll(std::uint32_t index) {
  Domain& domain = domains_[index];
  const Instant now = timers_.now();
  for (std::uint32_t i = domain.first; i < domain.first + domain.options.workers; ++i) {
    Worker& worker = workers_[i];
    if (!worker.up || worker.free == 0 || worker.polled_at == now || next_poll(i, now) != now) continue;
    worker.polled_at = now;
    while (worker.free > 0 && !domain.tasks.empty()) {
      const TaskRef task = domain.tasks.front();
      domain.tasks.pop_front();
      if (handler_.begin_task(task, ref(i))) --worker.free;
    }
  }
}

}  // namespace dvt::adapters
