// Conductor's task queues and the workers that poll them (domain §10). There is no long poll: a worker asks at fixed
// instants, `poll interval` apart, and takes as many tasks as it has free slots; a task waits for the next poll of a
// worker with a free slot. The workers of a domain are spread evenly over the interval, so that n of them ask n times
// as often as one.
//
// Polls that would find nothing are not simulated: a timer is set only while tasks wait.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "engine/base/symbol.h"
#include "engine/ports/timers.h"
#include "engine/service/ids.h"

namespace dvt::adapters {

/// One attempt of one task of a run.
struct TaskRef {
  RunOrdinal run;
  std::uint32_t task = 0;  // ordinal within the run, from 1
  std::uint32_t attempt = 1;
  bool operator==(const TaskRef&) const = default;
};

struct DomainOptions {
  Symbol name;
  std::uint32_t workers = 1;
  std::uint32_t slots = 1;  // tasks one worker runs at once
  Duration poll_interval = milliseconds(100);
};

class PollHandler {
 public:
  virtual ~PollHandler() = default;
  /// A poll of `worker` met the task. False: nobody wants it any more, or it is held; the worker's slot stays free.
  virtual bool begin_task(const TaskRef& task, engine::WorkerRef worker) = 0;
};

class TaskQueues {
 public:
  TaskQueues(Timers& timers, PollHandler& handler) : timers_(timers), handler_(handler) {}

  /// Its workers, all down, get the next indices over all domains. Returns the domain's index.
  std::uint32_t add_domain(const DomainOptions& options);
  std::optional<std::uint32_t> find_domain(Symbol name) const;
  std::uint32_t first_worker(std::uint32_t domain) const { return domains_[domain].first; }
  std::uint32_t domain_of(std::uint32_t worker) const { return workers_[worker].domain; }
  std::size_t worker_count() const { return workers_.size(); }

  void push(std::uint32_t domain, const TaskRef& task);
  std::size_t backlog(std::uint32_t domain) const { return domains_[domain].tasks.size(); }

  void worker_up(std::uint32_t worker);
  /// Its process died: the tasks in its hands are gone, its epoch moves on.
  void worker_down(std::uint32_t worker);
  bool up(std::uint32_t worker) const { return workers_[worker].up; }
  bool is_up(engine::WorkerRef ref) const { return workers_[ref.worker].up && workers_[ref.worker].epoch == ref.epoch; }
  engine::WorkerRef ref(std::uint32_t worker) const { return {worker, workers_[worker].epoch}; }
  /// A task of that worker's life ended.
  void slot_freed(engine::WorkerRef worker);

  /// First instant >= `from` at which the worker polls.
  Instant next_poll(std::uint32_t worker, Instant from) const;

 private:
  struct Worker {
    std::uint32_t domain = 0;
    std::uint32_t epoch = 0;
    std::uint32_t free = 0;
    bool up = false;
    Instant polled_at{-1};
  };
  struct Domain {
    DomainOptions options;
    std::uint32_t first = 0;
    std::deque<TaskRef> tasks;
    TimerId timer;
    Instant planned_at;
  };

  void plan(std::uint32_t domain);
  void poll(std::uint32_t domain);

  Timers& timers_;
  PollHandler& handler_;
  std::vector<Domain> domains_;
  std::vector<Worker> workers_;
};

}  // namespace dvt::adapters
