// Matching: task queues and the workers that poll them. A worker has slots and pollers for workflow tasks and for
// activities apart (domain §11); an open poll reserves a slot. Tasks leave a queue in order; polls are served in the
// order they were made. A sticky workflow task goes to its worker only, before the common queue.
//
// Matching moves references; whether a task is still wanted is the handler's answer at the moment of the match.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "engine/base/function.h"
#include "engine/base/symbol.h"
#include "engine/service/ids.h"

namespace dvt::engine {

struct WorkflowTaskRef {
  ExecutionKey execution;
  std::uint32_t task = 0;
};

struct ActivityTaskRef {
  ExecutionKey execution;
  std::uint32_t scheduled = 0;
  std::uint32_t attempt = 1;
};

class MatchHandler {
 public:
  virtual ~MatchHandler() = default;
  /// The task was matched with a poll of `worker`. False: it is stale (or held); the poll stays open.
  virtual bool begin_workflow_task(const WorkflowTaskRef& task, WorkerRef worker) = 0;
  virtual bool begin_activity_task(const ActivityTaskRef& task, WorkerRef worker) = 0;
};

struct WorkerLimits {
  std::uint32_t slots = 0;    // each for workflow tasks and activities
  std::uint32_t pollers = 0;  // likewise
};

class Matching {
 public:
  explicit Matching(MatchHandler& handler) : handler_(handler) {}

  /// Returns the queue's index. Registering a name twice is a programmer's error.
  std::uint32_t add_queue(Symbol name);
  /// Adds a worker that is down; returns its index over all queues.
  std::uint32_t add_worker(std::uint32_t queue, WorkerLimits limits);
  std::uint32_t queue_index(Symbol name) const;
  std::uint32_t worker_queue(std::uint32_t worker) const { return workers_[worker].queue; }
  std::size_t queue_count() const { return queues_.size(); }
  std::size_t worker_count() const { return workers_.size(); }

  void worker_up(std::uint32_t worker);
  /// The worker's process died: polls, slots and tasks in its hands are gone; its epoch moves on.
  void worker_down(std::uint32_t worker);
  /// The worker polls no more; `idle` is called when it holds no task, never when it dies before.
  void drain(std::uint32_t worker, Callback idle);
  /// Its polls are gone and it makes no new ones, until it goes on. Nothing for one that is down.
  void suspend_polls(std::uint32_t worker);
  void resume_polls(std::uint32_t worker);
  bool is_up(WorkerRef worker) const {
    return workers_[worker.worker].up && workers_[worker.worker].epoch == worker.epoch;
  }
  WorkerRef ref(std::uint32_t worker) const { return {worker, workers_[worker].epoch}; }

  void add_workflow_task(std::uint32_t queue, const WorkflowTaskRef& task);
  /// To the worker's own sticky queue; it waits there while the worker is busy. The queue is that of one process:
  /// nobody polls it any more once the worker died, even when another process came up in its place.
  void add_sticky_task(WorkerRef worker, const WorkflowTaskRef& task);
  void add_activity_task(std::uint32_t queue, const ActivityTaskRef& task);

  /// The matched task reached the worker: its poller is free to poll again.
  void poller_returned(WorkerRef worker, bool workflow_task);
  /// The worker finished a task of that sort: its slot is free.
  void slot_freed(WorkerRef worker, bool workflow_task);

  std::size_t activity_backlog(std::uint32_t queue) const { return queues_[queue].activities.size(); }
  std::size_t workflow_backlog(std::uint32_t queue) const { return queues_[queue].workflow_tasks.size(); }
  std::uint32_t free_activity_slots(std::uint32_t queue) const;
  std::uint32_t workers_available(std::uint32_t queue) const;

 private:
  enum Sort : std::size_t { kWorkflow = 0, kActivity = 1 };

  struct Side {
    std::uint32_t used = 0;        // slots taken, open polls not counted
    std::uint32_t in_transit = 0;  // pollers carrying a task
    std::uint32_t open_polls = 0;
    std::uint32_t entries = 0;  // this worker's entries in the queue's list of polls
  };
  struct WorkerState {
    std::uint32_t queue = 0;
    WorkerLimits limits;
    bool up = false;
    std::uint32_t epoch = 0;
    std::array<Side, 2> sides;
    std::deque<WorkflowTaskRef> sticky;
    bool suspended = false;
    Callback idle;  // set: it drains
  };
  struct Queue {
    Symbol name;
    std::deque<WorkflowTaskRef> workflow_tasks;
    std::deque<ActivityTaskRef> activities;
    std::array<std::deque<std::uint32_t>, 2> polls;
  };

  void replenish(std::uint32_t worker, Sort sort);
  void tell_if_idle(std::uint32_t worker);
  bool serve_poll(std::uint32_t worker, Sort sort);
  void take(WorkerState& worker, Sort sort);
  bool next_poll(Queue& queue, Sort sort, std::uint32_t& worker);

  MatchHandler& handler_;
  std::vector<Queue> queues_;
  std::vector<WorkerState> workers_;
};

}  // namespace dvt::engine
