#include "engine/worker/worker.h"
#include "engine/workflow/failures.h"

#include <algorithm>

namespace dvt::engine {

Workers::Workers(Service& service, Timers& timers, Fibers& fibers, const Random& random, Telemetry& telemetry,
                 WorkerOptions options)
    : service_(service),
      timers_(timers),
      fibers_(fibers),
      random_(random),
      telemetry_(telemetry),
      options_(std::move(options)) {}

Workers::~Workers() = default;

void Workers::register_workflow(Symbol type, WorkflowFunction function) {
  workflows_.emplace_back(type, std::move(function));
}

void Workers::register_activity(Symbol type, Activity& activity) {
  activities_.emplace_back(type, &activity);
}

const WorkflowFunction& Workers::function(Symbol type) const {
  for (const auto& [known, function] : workflows_)
    if (known == type) return function;
  DVT_ASSERT(false, "no such workflow type is registered");
  return workflows_.front().second;
}

Activity& Workers::activity(Symbol type) const {
  for (const auto& [known, registered] : activities_)
    if (known == type) return *registered;
  DVT_ASSERT(false, "no such activity type is registered");
  return *activities_.front().second;
}

std::uint32_t Workers::add_workers(std::uint32_t queue, std::uint32_t count, WorkerLimits limits,
                                   std::uint32_t sticky_cache) {
  const auto first = static_cast<std::uint32_t>(workers_.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t index = service_.matching().add_worker(queue, limits);
    DVT_ASSERT(index == workers_.size(), "workers and matching count alike");
    Worker worker;
    worker.queue = queue;
    worker.number = i;
    worker.sticky_cache = sticky_cache;
    workers_.push_back(std::move(worker));
  }
  return first;
}

void Workers::start(std::uint32_t index) {
  Worker& worker = workers_[index];
  if (worker.up) return;
  worker.up = true;
  telemetry_.worker_changed(worker.queue, worker.number, true, timers_.now());
  service_.matching().worker_up(index);
}

void Workers::kill(std::uint32_t index) {
  bury(index, false);
}

void Workers::bury(std::uint32_t index, bool zombies) {
  Worker& worker = workers_[index];
  if (!worker.up) return;
  worker.up = false;
  worker.deaf_heartbeats = 0;
  standstill_.forget(index);
  service_.matching().worker_down(index);
  worker.by_run.clear();
  worker.cache.clear();  // unwinds the fibers
  for (Running& running : running_) {
    if (!running.open || running.token.worker.worker != index || running.zombie) continue;
    timers_.cancel(running.heartbeat);
    running.zombie = zombies;
    running.open = zombies;  // otherwise the slot is given back by the answer that nobody wants any more
  }
  take_late_answers();
  telemetry_.worker_changed(worker.queue, worker.number, false, timers_.now());
}

// What came while a process stood still reaches it, or whoever buried it.
void Workers::take_late_answers() {
  std::vector<LateDone> taken;
  std::erase_if(late_done_, [&](LateDone& late) {
    if (standstill_.holds(late.worker)) return false;
    taken.push_back(std::move(late));
    return true;
  });
  for (LateDone& late : taken) activity_done(late.slot, late.generation, std::move(late.answer), late.key);
}

// ---- Faults that leave the process alive ----

void Workers::stall(std::uint32_t index, bool on) {
  if (!on) {
    standstill_.end(index);
    if (!standstill_.holds(index)) service_.matching().resume_polls(index);
    return take_late_answers();
  }
  standstill_.begin(index);
  const WorkerRef life = service_.matching().ref(index);
  timers_.call_after(kPollTimeout, [this, life] {
    if (service_.matching().is_up(life) && standstill_.holds(life.worker))
      service_.matching().suspend_polls(life.worker);
  });
}

void Workers::pause(std::uint32_t index, bool on) {
  drop_heartbeats(index, on);
  stall(index, on);
}

void Workers::drop_heartbeats(std::uint32_t index, bool on) {
  std::uint32_t& reasons = workers_[index].deaf_heartbeats;
  if (on) {
    ++reasons;
  } else if (reasons > 0) {
    --reasons;
  }
}

void Workers::cut_off(std::uint32_t index) {
  bury(index, true);
}

void Workers::release_zombies(std::uint32_t index) {
  for (Running& running : running_) {
    if (!running.open || !running.zombie || running.token.worker.worker != index) continue;
    running.zombie = false;  // it answers by itself, as a process that is gone for everybody else
    running.cut_off_is_over = true;
  }
  std::vector<ZombieAnswer> late;
  std::erase_if(zombie_answers_, [&](ZombieAnswer& answer) {
    if (answer.token.worker.worker != index) return false;
    late.push_back(std::move(answer));
    return true;
  });
  for (ZombieAnswer& answer : late) respond(answer.token, std::move(answer.answer));
}

void Workers::drain(std::uint32_t index, Callback down) {
  if (!workers_[index].up) return;
  const WorkerRef life = service_.matching().ref(index);
  auto held = std::make_unique<Callback>(std::move(down));
  service_.matching().drain(index, [this, life, told = std::move(held)]() mutable {
    // Not inside the answer that was its last.
    timers_.post([this, life, told_later = std::move(told)] {
      if (!service_.matching().is_up(life)) return;
      bury(life.worker, false);
      (*told_later)();
    });
  });
}

void Workers::unreachable(bool on) {
  on ? standstill_.begin_all() : standstill_.end_all();
  // Connections break: polls are gone at once, and made again at once.
  for (std::uint32_t index = 0; index < workers_.size(); ++index) {
    if (on) service_.matching().suspend_polls(index);
    if (!on && !standstill_.holds(index)) service_.matching().resume_polls(index);
  }
  if (!on) take_late_answers();
}

void Workers::set_scale(const LatencyScale* scale) {
  scale_ = scale;
  service_.set_scale(scale);
}

Workers::Cached* Workers::find(Worker& worker, const ExecutionKey& key) {
  const auto found = worker.by_run.find(key.stream());
  return found != worker.by_run.end() && found->second->key == key ? &*found->second : nullptr;
}

void Workers::drop(Worker& worker, const ExecutionKey& key) {
  const auto found = worker.by_run.find(key.stream());
  if (found == worker.by_run.end() || !(found->second->key == key)) return;
  worker.cache.erase(found->second);
  worker.by_run.erase(found);
}

void Workers::forget(const ExecutionKey& key, std::optional<WorkerRef> sticky) {
  if (sticky) drop(workers_[sticky->worker], key);
}

// Evicts the least recently used execution that has no task running.
void Workers::make_room(Worker& worker, std::uint32_t index) {
  while (worker.cache.size() >= std::max<std::uint32_t>(worker.sticky_cache, 1)) {
    auto victim = worker.cache.end();
    for (auto it = worker.cache.rbegin(); it != worker.cache.rend(); ++it) {
      if (it->busy) continue;
      victim = std::prev(it.base());
      break;
    }
    if (victim == worker.cache.end()) return;  // all busy: over the limit for a moment
    service_.sticky_lost(victim->key, index);
    worker.by_run.erase(victim->key.stream());
    worker.cache.erase(victim);
  }
}

void Workers::deliver_workflow_task(const WorkflowTaskDelivery& delivery) {
  const std::uint32_t index = delivery.token.worker.worker;
  Worker& worker = workers_[index];
  const Execution& execution = *delivery.execution;
  const ExecutionKey key = execution.key;
  Cached* cached = find(worker, key);
  EventId first = delivery.first_event;
  if (cached != nullptr && (first == 1 || cached->instance->processed() + 1 != first)) {
    drop(worker, key);  // its memory is of a task the server did not accept
    cached = nullptr;
  }
  if (cached == nullptr) {
    make_room(worker, index);
    const auto stale = worker.by_run.find(key.stream());  // the execution before continue-as-new
    if (stale != worker.by_run.end()) drop(worker, stale->second->key);
    worker.cache.push_front({});
    worker.cache.front().key = key;
    worker.cache.front().instance = std::make_unique<WorkflowInstance>(
        fibers_, random_, function(execution.info->workflow_type), key, options_.call_budget);
    worker.by_run[key.stream()] = worker.cache.begin();
    first = 1;
  } else {
    worker.cache.splice(worker.cache.begin(), worker.cache, worker.by_run[key.stream()]);
  }
  cached = &worker.cache.front();
  cached->busy = true;
  cached->token = delivery.token;
  cached->plan = delivery.plan;
  cached->task_attempt = delivery.attempt;
  cached->activations = 0;
  // A transient or speculative task has started, but the history will only say so when it completes, if at all.
  const WorkflowTask& task = execution.task;
  const HistoryEvent unrecorded{
      task.started_at, WorkflowTaskStarted{0, task.worker.worker, task.suggest_continue_as_new, task.history_bytes}};
  ActivationOutcome outcome =
      cached->instance->handle(execution.history, first, task.started == 0 ? &unrecorded : nullptr, delivery.updates);
  cached->replayed_events = outcome.replayed_events;
  activated(*cached, std::move(outcome));
}

// The code ran until it blocked: the task is answered, or waits for local activities.
void Workers::activated(Cached& cached, ActivationOutcome outcome) {
  const ExecutionKey key = cached.key;
  const std::uint64_t ordinal = (std::uint64_t{key.chain} << 32) | cached.token.task;
  Draws run_draws(random_, Purpose::workflow_task, key.stream(), ordinal, cached.activations++);
  const Duration running = options_.workflow_task.sample(run_draws);
  if (outcome.mismatch || outcome.task_failure != nullptr) {
    fail_task(cached, outcome, running);
    drop(workers_[cached.token.worker.worker], key);
    return;
  }
  if (cached.local != nullptr) {
    for (const std::uint32_t seq : outcome.dropped_local_activities)
      for (LocalRun& run : cached.local->runs)
        if (run.request.seq == seq) forget_local(run);
  }
  if (cached.instance->open_local_activities() > 0) {
    begin_local_work(cached, std::move(outcome.local_activities), running);
    return;
  }
  if (cached.local != nullptr) {
    timers_.cancel(cached.local->heartbeat);
    for (LocalRun& run : cached.local->runs) forget_local(run);  // the execution closes without them
    cached.local.reset();
  }
  answer_task(cached, std::move(outcome.commands), std::move(outcome.rejections), running, false);
}

void Workers::fail_task(const Cached& cached, const ActivationOutcome& outcome, Duration after) {
  const ExecutionKey key = cached.key;
  if (outcome.mismatch) telemetry_.nondeterminism(key.run, outcome.mismatch->text(), timers_.now());
  if (cached.task_attempt > 1) {
    // As the SDKs do: only the first failure is reported, later ones time out. The worker is free all the same.
    timers_.call_after(after, [this, held = cached.token.worker] { service_.matching().slot_freed(held, true); });
    return;
  }
  FailureRef failure = make_failure(outcome.mismatch ? outcome.mismatch->text() : outcome.task_failure->message, {});
  struct Report {
    WorkflowTaskToken token;
    WorkflowTaskFailedCause cause;
    FailureRef failure;
  };
  const auto cause = outcome.mismatch ? WorkflowTaskFailedCause::nondeterminism
                                      : WorkflowTaskFailedCause::workflow_worker_unhandled_failure;
  auto report = std::make_unique<Report>(Report{cached.token, cause, failure});
  const std::uint64_t ordinal = (std::uint64_t{key.chain} << 32) | cached.token.task;
  Draws way_draws(random_, Purpose::respond, key.stream(), ordinal, 1);
  const Duration way = answer_way(options_.respond_latency.sample(way_draws), {key.stream(), ordinal, 1});
  timers_.call_after(after + way, [this, held = std::move(report)]() mutable {
    const std::uint32_t worker = held->token.worker.worker;
    when_awake(worker, [this, sent = std::move(held)] {
      if (service_.matching().is_up(sent->token.worker))
        service_.respond_workflow_task_failed(sent->token, sent->cause, sent->failure);
    });
  });
}

void Workers::answer_task(Cached& cached, std::vector<Command> commands, std::vector<UpdateRejection> rejections,
                          Duration after, bool new_task) {
  const ExecutionKey key = cached.key;
  const std::uint64_t ordinal = (std::uint64_t{key.chain} << 32) | cached.token.task;
  Draws way_draws(random_, Purpose::respond, key.stream(), ordinal, 1);
  const Duration way = answer_way(options_.respond_latency.sample(way_draws), {key.stream(), ordinal, 1});
  struct Answer {
    WorkflowTaskToken token;
    std::vector<Command> commands;
    std::vector<UpdateRejection> rejections;
    std::uint32_t replayed = 0;
    bool new_task = false;
  };
  auto answer = std::make_unique<Answer>(
      Answer{cached.token, std::move(commands), std::move(rejections), cached.replayed_events, new_task});
  timers_.call_after(after + way, [this, held = std::move(answer)]() mutable {
    const std::uint32_t worker = held->token.worker.worker;
    when_awake(worker, [this, sent = std::move(held)] {
      const WorkflowTaskToken token = sent->token;
      if (!service_.matching().is_up(token.worker)) return;
      Worker& here = workers_[token.worker.worker];
      if (Cached* entry = find(here, token.execution)) entry->busy = entry->local != nullptr;
      const TaskAnswer taken = service_.respond_workflow_task_completed(
          token, std::move(sent->commands), sent->replayed, sent->new_task, std::move(sent->rejections));
      if (taken == TaskAnswer::refused) drop(here, token.execution);
      if (taken != TaskAnswer::forgotten) return;
      if (Cached* entry = find(here, token.execution)) entry->instance->forget_transient_task();
    });
  });
}

void Workers::deliver_activity_task(const ActivityTaskDelivery& delivery) {
  Activity& code = activity(delivery.type);
  std::uint32_t slot = 0;
  if (free_running_.empty()) {
    slot = static_cast<std::uint32_t>(running_.size());
    running_.push_back({});
  } else {
    slot = free_running_.back();
    free_running_.pop_back();
  }
  Running& running = running_[slot];
  running.token = delivery.token;
  running.open = true;
  running.heartbeat = {};
  const std::uint32_t generation = ++running.generation;
  if (delivery.options->heartbeat.ns > 0) {
    // SDKs send heartbeats well inside the timeout; half of it here.
    const Duration every = delivery.options->heartbeat / 2;
    running.heartbeat =
        timers_.call_after(every, [this, slot, generation, every] { heartbeat(slot, generation, every); });
  }
  ActivityInvocation invocation;
  invocation.run = delivery.token.execution.run;
  invocation.plan = delivery.plan;
  invocation.activity = delivery.chain_activity;
  invocation.attempt = delivery.token.attempt;
  invocation.input = delivery.input;
  invocation.scheduled_at = delivery.scheduled_at;
  invocation.started_at = delivery.started_at;
  invocation.heartbeat_details = delivery.heartbeat_details;
  invocation.execution = delivery.token.execution;
  invocation.worker = delivery.token.worker.worker;
  running.activity = &code;
  running.key = invocation.key();
  running.cancel_told = false;
  running.zombie = false;
  running.cut_off_is_over = false;
  code.start(invocation, [this, slot, generation, key = invocation.key()](ActivityAnswer answer) {
    const std::uint32_t worker = running_[slot].token.worker.worker;
    if (running_[slot].open && !running_[slot].zombie && standstill_.holds(worker)) {
      late_done_.push_back({worker, slot, generation, std::move(answer), key});  // its heartbeats go on meanwhile
      return;
    }
    activity_done(slot, generation, std::move(answer), key);
  });
}

void Workers::heartbeat(std::uint32_t slot, std::uint32_t generation, Duration every) {
  Running& running = running_[slot];
  if (!running.open || running.generation != generation) return;
  const Worker& worker = workers_[running.token.worker.worker];
  if (worker.deaf_heartbeats > 0 || standstill_.holds_all()) {  // sent in vain, or not at all; the next may arrive
    running.heartbeat =
        timers_.call_after(every, [this, slot, generation, every] { heartbeat(slot, generation, every); });
    return;
  }
  Payload details = running.activity->heartbeat_details(running.key);
  const Service::HeartbeatAnswer answer = service_.record_heartbeat(running.token, std::move(details));
  if (answer == Service::HeartbeatAnswer::not_found) return;
  running.heartbeat =
      timers_.call_after(every, [this, slot, generation, every] { heartbeat(slot, generation, every); });
  if (answer != Service::HeartbeatAnswer::cancel_requested || running.cancel_told) return;
  running.cancel_told = true;
  running.activity->cancel_requested(running.key);  // may answer at once
}

void Workers::activity_done(std::uint32_t slot, std::uint32_t generation, ActivityAnswer answer, DrawKey key) {
  Running& running = running_[slot];
  DVT_ASSERT(running.generation == generation, "an activity answered twice");
  const bool wanted = running.open;
  const bool zombie = running.zombie;
  const bool was_cut_off = running.cut_off_is_over;
  const ActivityTaskToken token = running.token;
  timers_.cancel(running.heartbeat);
  running.open = false;
  running.zombie = false;
  free_running_.push_back(slot);
  if (zombie) {
    zombie_answers_.push_back({token, std::move(answer)});
    return;
  }
  if (!wanted || (!was_cut_off && !service_.matching().is_up(token.worker))) return;  // the worker died meanwhile
  Draws draws(random_, Purpose::respond, key.a, key.b, (key.c << 1));
  const Duration way = answer_way(options_.respond_latency.sample(draws), {key.a, key.b, key.c << 1});
  struct Sent {
    ActivityTaskToken token;
    ActivityAnswer answer;
    bool was_cut_off = false;
  };
  auto sent = std::make_unique<Sent>(Sent{token, std::move(answer), was_cut_off});
  timers_.call_after(way, [this, held = std::move(sent)]() mutable {
    const std::uint32_t worker = held->token.worker.worker;
    when_awake(worker, [this, arrived = std::move(held)] {
      // An answer under way when the worker dies is lost with its connection.
      if (arrived->was_cut_off || service_.matching().is_up(arrived->token.worker))
        respond(arrived->token, std::move(arrived->answer));
    });
  });
}

void Workers::respond(const ActivityTaskToken& token, ActivityAnswer answer) {
  if (answer.cancelled) {
    service_.respond_activity_cancelled(token);
  } else if (answer.failure != nullptr) {
    service_.respond_activity_failed(token, answer.failure);
  } else {
    service_.respond_activity_completed(token, std::move(answer.result));
  }
}

Payload Workers::answer_query(std::uint32_t index, const Execution& execution, Symbol query) {
  Worker& worker = workers_[index];
  if (Cached* cached = find(worker, execution.key)) return cached->instance->query(query);
  WorkflowInstance fresh(fibers_, random_, function(execution.info->workflow_type), execution.key,
                         options_.call_budget);
  static_cast<void>(fresh.verify(execution.history));  // a rebuilt copy answers and is thrown away
  return fresh.query(query);
}

std::optional<NondeterminismReport> Workers::verify(ExecutionKey key, const History& history) {
  const auto* started = std::get_if<WorkflowExecutionStarted>(&history.at(1).attributes);
  DVT_ASSERT(started != nullptr, "a history begins with WorkflowExecutionStarted");
  WorkflowInstance fresh(fibers_, random_, function(started->info->workflow_type), key, options_.call_budget);
  return fresh.verify(history);
}

}  // namespace dvt::engine
