// Local activities: run by the worker that holds the workflow task, which is answered when they have ended.
#include <algorithm>

#include "engine/base/format.h"
#include "engine/service/attempts.h"
#include "engine/worker/worker.h"

namespace dvt::engine {

void Workers::begin_local_work(Cached& cached, std::vector<LocalActivityRequest> requests, Duration after) {
  if (cached.local == nullptr) cached.local = std::make_unique<LocalWork>();
  LocalWork& work = *cached.local;
  if (!work.task_in_hand) {
    work.task_in_hand = true;
    const Execution* execution = service_.execution_of(cached.key.stream());
    DVT_ASSERT(execution != nullptr, "a workflow task is executed for an execution that is gone");
    // Counted from the task's start at the server, as its timeout is.
    const Duration share = execution->info->workflow_task_timeout * kTaskHeartbeatPercent / 100;
    const Instant due = std::max(execution->task.started_at + share, timers_.now());
    work.heartbeat =
        timers_.call_at(due, [this, key = cached.key, token = cached.token] { task_heartbeat(key, token); });
  }
  for (LocalActivityRequest& request : requests) {
    LocalRun run;
    run.id = next_local_++;
    run.request = std::move(request);
    const std::uint64_t id = run.id;
    work.runs.push_back(std::move(run));
    timers_.call_after(after,
                       [this, worker = cached.token.worker, key = cached.key, id] { start_local(worker, key, id); });
  }
  // What ended between a heartbeat and this task.
  if (work.ended.empty()) return;
  LocalActivityMarker::Data end = std::move(work.ended.front());
  work.ended.erase(work.ended.begin());
  activated(cached, cached.instance->resolve_local_activity(std::move(end)));
}

// The task's time is nearly up: what it has come to so far is its answer, and the rest goes on as a new task.
void Workers::task_heartbeat(ExecutionKey key, WorkflowTaskToken token) {
  if (!service_.matching().is_up(token.worker)) return;
  Cached* cached = find(workers_[token.worker.worker], key);
  if (cached == nullptr || cached->local == nullptr || cached->token.task != token.task) return;
  cached->local->task_in_hand = false;
  answer_task(*cached, cached->instance->commands_so_far(), cached->instance->rejections(), Duration{}, true);
}

Workers::LocalRun* Workers::find_local(WorkerRef worker, const ExecutionKey& key, std::uint64_t id, Cached*& cached) {
  if (!service_.matching().is_up(worker)) return nullptr;
  cached = find(workers_[worker.worker], key);
  if (cached == nullptr || cached->local == nullptr) return nullptr;
  for (LocalRun& run : cached->local->runs)
    if (run.id == id && !run.ended) return &run;
  return nullptr;
}

void Workers::start_local(WorkerRef worker, ExecutionKey key, std::uint64_t id) {
  Cached* cached = nullptr;
  LocalRun* run = find_local(worker, key, id, cached);
  if (run == nullptr) return;
  const LocalActivityOptions& options = *run->request.options;
  const Instant now = timers_.now();
  if (!run->started && options.schedule_to_close.ns > 0) {
    const Instant expiry = std::max(run->request.original_schedule_time + options.schedule_to_close, now);
    run->schedule_to_close = timers_.call_at(expiry, [this, worker, key, id] {
      Cached* holder = nullptr;
      if (LocalRun* late = find_local(worker, key, id, holder))
        retry_or_end_local(*holder, *late, activity_timeout_failure(TimeoutType::schedule_to_close, nullptr),
                           TimeoutType::schedule_to_close);
    });
  }
  run->started = true;
  const std::uint32_t attempt = run->request.attempt;
  if (options.start_to_close.ns > 0) {
    run->start_to_close = timers_.call_after(options.start_to_close, [this, worker, key, id, attempt] {
      Cached* holder = nullptr;
      LocalRun* late = find_local(worker, key, id, holder);
      if (late != nullptr && late->request.attempt == attempt)
        retry_or_end_local(*holder, *late, activity_timeout_failure(TimeoutType::start_to_close, nullptr),
                           TimeoutType::start_to_close);
    });
  }
  ActivityInvocation invocation;
  invocation.run = key.run;
  invocation.plan = cached->plan;
  invocation.activity = run->request.seq;
  invocation.attempt = attempt;
  invocation.input = run->request.input;
  invocation.scheduled_at = run->request.original_schedule_time;
  invocation.started_at = now;
  invocation.execution = key;
  invocation.worker = worker.worker;
  invocation.local = true;
  activity(run->request.type).start(invocation, [this, worker, key, id, attempt](ActivityAnswer answer) {
    local_answered(worker, key, id, attempt, std::move(answer));
  });
}

void Workers::local_answered(WorkerRef worker, ExecutionKey key, std::uint64_t id, std::uint32_t attempt,
                             ActivityAnswer answer) {
  Cached* cached = nullptr;
  LocalRun* run = find_local(worker, key, id, cached);
  if (run == nullptr || run->request.attempt != attempt) return;  // timed out, dropped, or the worker died
  if (answer.failure != nullptr) {
    retry_or_end_local(*cached, *run, std::move(answer.failure), std::nullopt);
  } else {
    end_local(*cached, *run, std::move(answer.result), nullptr, Duration{});
  }
}

void Workers::retry_or_end_local(Cached& cached, LocalRun& run, FailureRef failure,
                                 std::optional<TimeoutType> timeout) {
  timers_.cancel(run.start_to_close);
  const LocalActivityOptions& options = *run.request.options;
  RetryPolicy policy = options.retry;
  if (policy.maximum_interval.ns == 0) policy.maximum_interval = policy.initial_interval * 100;
  const Duration delay =
      failure->next_retry_delay.ns > 0 ? failure->next_retry_delay : backoff_after(policy, run.request.attempt);
  const bool in_time = options.schedule_to_close.ns == 0 ||
                       timers_.now() + delay <= run.request.original_schedule_time + options.schedule_to_close;
  const bool attempts_left = policy.maximum_attempts == 0 || run.request.attempt < policy.maximum_attempts;
  if (!in_time || !attempts_left || !is_retryable(policy, failure, timeout)) {
    end_local(cached, run, nullptr, std::move(failure), Duration{});
  } else if (delay > options.local_retry_threshold) {
    end_local(cached, run, nullptr, std::move(failure), delay);
  } else {
    ++run.request.attempt;
    run.backoff = timers_.call_after(
        delay, [this, worker = cached.token.worker, key = cached.key, id = run.id] { start_local(worker, key, id); });
  }
}

void Workers::forget_local(LocalRun& run) {
  run.ended = true;
  timers_.cancel(run.start_to_close);
  timers_.cancel(run.schedule_to_close);
  timers_.cancel(run.backoff);
}

void Workers::end_local(Cached& cached, LocalRun& run, Payload result, FailureRef failure, Duration backoff) {
  LocalActivityMarker::Data end;
  end.seq = run.request.seq;
  end.type = run.request.type;
  end.attempt = run.request.attempt;
  end.complete_time = timers_.now();
  end.backoff = backoff;
  end.original_schedule_time = run.request.original_schedule_time;
  end.result = std::move(result);
  end.failure = std::move(failure);
  forget_local(run);
  LocalWork& work = *cached.local;
  std::erase_if(work.runs, [](const LocalRun& one) { return one.ended; });
  if (!work.task_in_hand) {
    work.ended.push_back(std::move(end));
    return;
  }
  activated(cached, cached.instance->resolve_local_activity(std::move(end)));
}

}  // namespace dvt::engine
