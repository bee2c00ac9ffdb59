#include "engine/service/matching.h"

#include "engine/base/assert.h"

namespace dvt::engine {

std::uint32_t Matching::add_queue(Symbol name) {
  for (const Queue& queue : queues_) DVT_ASSERT(queue.name != name, "a task queue is registered twice");
  queues_.push_back({});
  queues_.back().name = name;
  return static_cast<std::uint32_t>(queues_.size() - 1);
}

std::uint32_t Matching::add_worker(std::uint32_t queue, WorkerLimits limits) {
  DVT_ASSERT(queue < queues_.size(), "no such task queue");
  WorkerState worker;
  worker.queue = queue;
  worker.limits = limits;
  workers_.push_back(std::move(worker));
  return static_cast<std::uint32_t>(workers_.size() - 1);
}

std::uint32_t Matching::queue_index(Symbol name) const {
  for (std::size_t i = 0; i < queues_.size(); ++i)
    if (queues_[i].name == name) return static_cast<std::uint32_t>(i);
  DVT_ASSERT(false, "no such task queue");
  return 0;
}

void Matching::worker_up(std::uint32_t worker) {
  WorkerState& state = workers_[worker];
  DVT_ASSERT(!state.up, "the worker is up already");
  state.up = true;
  replenish(worker, kWorkflow);
  replenish(worker, kActivity);
}

void Matching::worker_down(std::uint32_t worker) {
  WorkerState& state = workers_[worker];
  DVT_ASSERT(state.up, "the worker is down already");
  state.up = false;
  ++state.epoch;
  state.sticky.clear();
  state.idle.reset();
  state.suspended = false;
  // Its entries in the lists of polls stay and are skipped: open_polls is 0 from here on.
  for (Side& side : state.sides) side.used = side.in_transit = side.open_polls = 0;
}

// Opens as many polls as slots and pollers allow, serving each from the backlog first.
void Matching::replenish(std::uint32_t worker, Sort sort) {
  WorkerState& state = workers_[worker];
  while (state.up && !state.suspended && !state.idle) {
    Side& side = state.sides[sort];
    if (side.open_polls + side.in_transit >= state.limits.pollers) return;
    if (side.open_polls + side.used >= state.limits.slots) return;
    ++side.open_polls;
    if (serve_poll(worker, sort)) continue;
    if (side.entries < side.open_polls) {
      ++side.entries;
      queues_[state.queue].polls[sort].push_back(worker);
    }
  }
}

void Matching::take(WorkerState& worker, Sort sort) {
  Side& side = worker.sides[sort];
  --side.open_polls;
  ++side.used;
  ++side.in_transit;
}

// Gives the worker's newest open poll a waiting task, if there is one that is still wanted.
bool Matching::serve_poll(std::uint32_t worker, Sort sort) {
  WorkerState& state = workers_[worker];
  Queue& queue = queues_[state.queue];
  if (sort == kWorkflow) {
    while (!state.sticky.empty()) {
      const WorkflowTaskRef task = state.sticky.front();
      state.sticky.pop_front();
      if (handler_.begin_workflow_task(task, ref(worker))) {
        take(state, sort);
        return true;
      }
    }
    while (!queue.workflow_tasks.empty()) {
      const WorkflowTaskRef task = queue.workflow_tasks.front();
      queue.workflow_tasks.pop_front();
      if (handler_.begin_workflow_task(task, ref(worker))) {
        take(state, sort);
        return true;
      }
    }
    return false;
  }
  while (!queue.activities.empty()) {
    const ActivityTaskRef task = queue.activities.front();
    queue.activities.pop_front();
    if (handler_.begin_activity_task(task, ref(worker))) {
      take(state, sort);
      return true;
    }
  }
  return false;
}

// The oldest poll that is still open; entries of consumed polls and dead workers are dropped on the way.
bool Matching::next_poll(Queue& queue, Sort sort, std::uint32_t& worker) {
  auto& polls = queue.polls[sort];
  while (!polls.empty()) {
    worker = polls.front();
    Side& side = workers_[worker].sides[sort];
    if (side.open_polls > 0) return true;
    polls.pop_front();
    --side.entries;
  }
  return false;
}

void Matching::add_workflow_task(std::uint32_t queue_at, const WorkflowTaskRef& task) {
  Queue& queue = queues_[queue_at];
  std::uint32_t worker = 0;
  if (!queue.workflow_tasks.empty() || !next_poll(queue, kWorkflow, worker)) {
    queue.workflow_tasks.push_back(task);
    return;
  }
  if (!handler_.begin_workflow_task(task, ref(worker))) return;
  queue.polls[kWorkflow].pop_front();
  --workers_[worker].sides[kWorkflow].entries;
  take(workers_[worker], kWorkflow);
}

void Matching::add_sticky_task(WorkerRef worker, const WorkflowTaskRef& task) {
  if (!is_up(worker)) return;
  WorkerState& state = workers_[worker.worker];
  if (state.sticky.empty() && state.sides[kWorkflow].open_polls > 0) {
    if (handler_.begin_workflow_task(task, worker)) take(state, kWorkflow);
    return;
  }
  state.sticky.push_back(task);
}

void Matching::add_activity_task(std::uint32_t queue_at, const ActivityTaskRef& task) {
  Queue& queue = queues_[queue_at];
  std::uint32_t worker = 0;
  if (!queue.activities.empty() || !next_poll(queue, kActivity, worker)) {
    queue.activities.push_back(task);
    return;
  }
  if (!handler_.begin_activity_task(task, ref(worker))) return;
  queue.polls[kActivity].pop_front();
  --workers_[worker].sides[kActivity].entries;
  take(workers_[worker], kActivity);
}

void Matching::poller_returned(WorkerRef worker, bool workflow_task) {
  if (!is_up(worker)) return;
  const Sort sort = workflow_task ? kWorkflow : kActivity;
  DVT_ASSERT(workers_[worker.worker].sides[sort].in_transit > 0, "a poller returned that was not out");
  --workers_[worker.worker].sides[sort].in_transit;
  replenish(worker.worker, sort);
  tell_if_idle(worker.worker);
}

void Matching::slot_freed(WorkerRef worker, bool workflow_task) {
  if (!is_up(worker)) return;
  const Sort sort = workflow_task ? kWorkflow : kActivity;
  DVT_ASSERT(workers_[worker.worker].sides[sort].used > 0, "a slot was freed that was not taken");
  --workers_[worker.worker].sides[sort].used;
  replenish(worker.worker, sort);
  tell_if_idle(worker.worker);
}

void Matching::suspend_polls(std::uint32_t worker) {
  WorkerState& state = workers_[worker];
  if (!state.up) return;
  state.suspended = true;
  for (Side& side : state.sides) side.open_polls = 0;  // its entries in the lists of polls are skipped
}

void Matching::resume_polls(std::uint32_t worker) {
  WorkerState& state = workers_[worker];
  if (!state.up || !state.suspended) return;
  state.suspended = false;
  replenish(worker, kWorkflow);
  replenish(worker, kActivity);
}

void Matching::drain(std::uint32_t worker, Callback idle) {
  WorkerState& state = workers_[worker];
  DVT_ASSERT(state.up && !state.idle, "a worker drains once in its life");
  state.idle = std::move(idle);
  for (Side& side : state.sides) side.open_polls = 0;  // its entries in the lists of polls are skipped
  tell_if_idle(worker);
}

void Matching::tell_if_idle(std::uint32_t worker) {
  WorkerState& state = workers_[worker];
  if (!state.idle) return;
  for (const Side& side : state.sides)
    if (side.used > 0 || side.in_transit > 0) return;
  Callback idle = std::move(state.idle);
  state.idle = [] {};  // it stays drained until it is down
  idle();
}

std::uint32_t Matching::free_activity_slots(std::uint32_t queue) const {
  std::uint32_t free = 0;
  for (const WorkerState& worker : workers_)
    if (worker.queue == queue && worker.up) free += worker.limits.slots - worker.sides[kActivity].used;
  return free;
}

std::uint32_t Matching::workers_available(std::uint32_t queue) const {
  std::uint32_t up = 0;
  for (const WorkerState& worker : workers_)
    if (worker.queue == queue && worker.up) ++up;
  return up;
}

}  // namespace dvt::engine
