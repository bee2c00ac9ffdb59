#include "engine/workflow/instance.h"

#include <algorithm>

#include "engine/base/format.h"

namespace dvt::engine {

namespace {

std::string describe(const Command& command) {
  struct Describe {
    std::string operator()(const ScheduleActivity& c) const {
      return fmt::format("ScheduleActivity {} '{}'", c.activity_id, c.type.text());
    }
    std::string operator()(const CancelActivity& c) const { return fmt::format("CancelActivity {}", c.activity_id); }
    std::string operator()(const StartTimer& c) const { return fmt::format("StartTimer {}", c.timer_id); }
    std::string operator()(const CancelTimer& c) const { return fmt::format("CancelTimer {}", c.timer_id); }
    std::string operator()(const RecordMarker& c) const { return fmt::format("RecordMarker '{}'", c.name.text()); }
    std::string operator()(const CompleteWorkflow&) const { return "CompleteWorkflow"; }
    std::string operator()(const FailWorkflow&) const { return "FailWorkflow"; }
    std::string operator()(const CancelWorkflow&) const { return "CancelWorkflow"; }
    std::string operator()(const ContinueAsNew&) const { return "ContinueAsNew"; }
  };
  return std::visit(Describe{}, command.body);
}

std::string place(const std::source_location& where) {
  return where.line() == 0 ? std::string() : fmt::format("{}:{}", where.file_name(), where.line());
}

std::string describe(const HistoryEvent& event) {
  if (const auto* activity = std::get_if<ActivityTaskScheduled>(&event.attributes))
    return fmt::format("ActivityTaskScheduled {} '{}'", activity->activity_id, activity->type.text());
  if (const auto* timer = std::get_if<TimerStarted>(&event.attributes))
    return fmt::format("TimerStarted {}", timer->timer_id);
  if (const auto* timer = std::get_if<TimerCanceled>(&event.attributes))
    return fmt::format("TimerCanceled {}", timer->timer_id);
  if (const auto* marker = std::get_if<MarkerRecorded>(&event.attributes))
    return fmt::format("MarkerRecorded '{}'", marker->name.text());
  return std::string(type_name(event));
}

bool from_command(const Attributes& attributes) {
  return std::holds_alternative<ActivityTaskScheduled>(attributes) ||
         std::holds_alternative<ActivityTaskCancelRequested>(attributes) ||
         std::holds_alternative<TimerStarted>(attributes) || std::holds_alternative<TimerCanceled>(attributes) ||
         std::holds_alternative<MarkerRecorded>(attributes) ||
         std::holds_alternative<WorkflowExecutionCompleted>(attributes) ||
         std::holds_alternative<WorkflowExecutionFailed>(attributes) ||
         std::holds_alternative<WorkflowExecutionCanceled>(attributes) ||
         std::holds_alternative<WorkflowExecutionContinuedAsNew>(attributes);
}

bool from_outside(const Attributes& attributes) {
  return std::holds_alternative<WorkflowExecutionSignaled>(attributes) ||
         std::holds_alternative<WorkflowExecutionCancelRequested>(attributes) ||
         std::holds_alternative<ActivityTaskCompleted>(attributes) ||
         std::holds_alternative<ActivityTaskFailed>(attributes) ||
         std::holds_alternative<ActivityTaskTimedOut>(attributes) ||
         std::holds_alternative<ActivityTaskCanceled>(attributes) || std::holds_alternative<TimerFired>(attributes);
}

}  // namespace

std::string NondeterminismReport::text() const {
  std::string out = "non-determinism";
  if (event != 0) out += fmt::format(" at event {}", event);
  out += fmt::format(": the history has {}, the code produced {}", expected, produced);
  if (!where.empty()) out += ", at " + where;
  return out;
}

WorkflowInstance::WorkflowInstance(Fibers& fibers, const Random& random, const WorkflowFunction& function,
                                   ExecutionKey key, std::uint32_t call_budget)
    : fibers_(fibers), function_(function), context_(fibers, random) {
  context_.key_ = key;
  context_.random_chain_ = key.chain;
  context_.call_budget_ = call_budget;
}

WorkflowInstance::~WorkflowInstance() {
  context_.unwinding_ = true;
  if (fiber_ && fibers_.alive(fiber_)) fibers_.kill(fiber_);
}

// Runs on the fiber. Every way out of the workflow's code becomes a command or a failure of the task.
void WorkflowInstance::body() {
  try {
    Payload result = function_(context_, input_);
    context_.emit(CompleteWorkflow{std::move(result)}, context_.last_call_);
    finished_ = true;
  } catch (const FiberKilled&) {
    throw;
  } catch (ContinueAsNewThrown& thrown) {
    context_.emit(ContinueAsNew{std::move(thrown.input)}, thrown.where);
    finished_ = true;
  } catch (const CancelledFailure&) {
    context_.emit(CancelWorkflow{}, context_.last_call_);
    finished_ = true;
  } catch (const WorkflowFailure& failure) {
    context_.emit(FailWorkflow{failure.failure()}, context_.last_call_);
    finished_ = true;
  } catch (const ActivityFailure& failure) {
    context_.emit(FailWorkflow{failure.failure()}, context_.last_call_);
    finished_ = true;
  } catch (const std::exception& error) {
    fail_task(error.what());
  }
}

void WorkflowInstance::fail_task(std::string message) {
  if (task_failure_ != nullptr) return;  // the first one is the cause
  auto failure = std::make_shared<Failure>();
  failure->message = std::move(message);
  task_failure_ = std::move(failure);
}

ActivationOutcome WorkflowInstance::handle(const History& history, EventId first,
                                           const HistoryEvent* transient_started) {
  DVT_ASSERT(first == processed_ + 1, "an execution's cache is fed with the wrong events");
  ActivationOutcome outcome;
  const bool full = first == 1;
  note_markers(history, first);
  for (EventId id = first; id <= history.last_id() && !failed(outcome); ++id) feed(history, id, true, outcome);
  if (transient_started != nullptr && !failed(outcome)) activate(*transient_started, false, outcome);
  if (full) {
    // Everything before the task's own events was handled by tasks that completed, if there were any.
    const bool had_task = std::any_of(history.events().begin(), history.events().end(), [](const HistoryEvent& event) {
      return std::holds_alternative<WorkflowTaskCompleted>(event.attributes);
    });
    if (had_task) outcome.replayed_events = history.last_id();
  }
  if (!outcome.mismatch) {
    // Kept as well: they are matched against the history when the next task brings their events.
    outcome.commands = context_.outgoing_;
  }
  outcome.task_failure = task_failure_;
  return outcome;
}

std::optional<NondeterminismReport> WorkflowInstance::verify(const History& history) {
  ActivationOutcome outcome;
  note_markers(history, 1);
  for (EventId id = 1; id <= history.last_id() && !failed(outcome); ++id) feed(history, id, false, outcome);
  if (outcome.mismatch) return outcome.mismatch;
  if (task_failure_ != nullptr) {
    return NondeterminismReport{processed_, "a workflow task that completed", "a failed one: " + task_failure_->message,
                                place(context_.last_call_)};
  }
  if (!context_.outgoing_.empty()) {
    const Command& extra = context_.outgoing_.front();
    return NondeterminismReport{0, "nothing more", describe(extra), place(extra.where)};
  }
  return std::nullopt;
}

// patched() is asked before the marker's event is met: what the history holds must be known beforehand.
void WorkflowInstance::note_markers(const History& history, EventId first) {
  for (EventId id = first; id <= history.last_id(); ++id)
    if (const auto* marker = std::get_if<MarkerRecorded>(&history.at(id).attributes))
      context_.recorded_patches_.push_back(marker->name);
}

void WorkflowInstance::feed(const History& history, EventId id, bool answer_last, ActivationOutcome& outcome) {
  const HistoryEvent& event = history.at(id);
  processed_ = id;
  if (const auto* started = std::get_if<WorkflowExecutionStarted>(&event.attributes)) {
    context_.info_ = started->info;
    context_.random_chain_ = started->info->chain;
    input_ = started->input;
    return;
  }
  if (std::holds_alternative<WorkflowTaskStarted>(event.attributes)) {
    const bool last = id == history.last_id();
    const bool completed = !last && std::holds_alternative<WorkflowTaskCompleted>(history.at(id + 1).attributes);
    if (completed || (last && answer_last)) activate(event, !last, outcome);
    return;
  }
  if (const auto* failed = std::get_if<WorkflowTaskFailed>(&event.attributes)) {
    if (failed->reset != nullptr) move_to_reset_execution(*failed->reset);
    return;
  }
  if (from_command(event.attributes)) {
    match(history, id, outcome);
  } else if (from_outside(event.attributes)) {
    jobs_.push_back(event);
  }
}

// An event that a command wrote: it must be the next command the code issued.
void WorkflowInstance::match(const History& history, EventId id, ActivationOutcome& outcome) {
  const HistoryEvent& event = history.at(id);
  auto& outgoing = context_.outgoing_;
  if (outgoing.empty()) {
    outcome.mismatch = NondeterminismReport{id, describe(event), "no command", place(context_.last_call_)};
    return;
  }
  const Command& command = outgoing.front();
  bool same = false;
  if (const auto* activity = std::get_if<ActivityTaskScheduled>(&event.attributes)) {
    const auto* schedule = std::get_if<ScheduleActivity>(&command.body);
    same = schedule != nullptr && schedule->activity_id == activity->activity_id && schedule->type == activity->type;
    if (same) {
      if (auto* slot = context_.slot(activity->activity_id)) slot->scheduled = id;
    }
  } else if (const auto* asked = std::get_if<ActivityTaskCancelRequested>(&event.attributes)) {
    const auto* cancel = std::get_if<CancelActivity>(&command.body);
    const auto* of = std::get_if<ActivityTaskScheduled>(&history.at(asked->scheduled).attributes);
    same = cancel != nullptr && of != nullptr && cancel->activity_id == of->activity_id;
  } else if (const auto* timer = std::get_if<TimerStarted>(&event.attributes)) {
    const auto* start = std::get_if<StartTimer>(&command.body);
    same = start != nullptr && start->timer_id == timer->timer_id;
  } else if (const auto* cancelled = std::get_if<TimerCanceled>(&event.attributes)) {
    const auto* stop = std::get_if<CancelTimer>(&command.body);
    same = stop != nullptr && stop->timer_id == cancelled->timer_id;
  } else if (const auto* marker = std::get_if<MarkerRecorded>(&event.attributes)) {
    const auto* record = std::get_if<RecordMarker>(&command.body);
    same = record != nullptr && record->name == marker->name;
  } else if (std::holds_alternative<WorkflowExecutionCompleted>(event.attributes)) {
    same = std::holds_alternative<CompleteWorkflow>(command.body);
  } else if (std::holds_alternative<WorkflowExecutionFailed>(event.attributes)) {
    same = std::holds_alternative<FailWorkflow>(command.body);
  } else if (std::holds_alternative<WorkflowExecutionCanceled>(event.attributes)) {
    same = std::holds_alternative<CancelWorkflow>(command.body);
  } else if (std::holds_alternative<WorkflowExecutionContinuedAsNew>(event.attributes)) {
    same = std::holds_alternative<ContinueAsNew>(command.body);
  }
  if (!same) {
    outcome.mismatch = NondeterminismReport{id, describe(event), describe(command), place(command.where)};
    return;
  }
  outgoing.erase(outgoing.begin());
}

// From here on the execution is another one: what follows draws other numbers than what it was copied from drew.
void WorkflowInstance::move_to_reset_execution(const ResetPoint& point) {
  ExecutionInfo info = *context_.info_;
  info.run_id = point.new_run_id;
  info.chain = point.new_chain;
  context_.info_ = std::make_shared<const ExecutionInfo>(std::move(info));
  context_.random_chain_ = point.new_chain;
  context_.next_random_ = 0;
}

void WorkflowInstance::activate(const HistoryEvent& started, bool replaying, ActivationOutcome& outcome) {
  if (!context_.outgoing_.empty()) {
    const Command& extra = context_.outgoing_.front();
    outcome.mismatch = NondeterminismReport{processed_, "no such command", describe(extra), place(extra.where)};
    return;
  }
  context_.now_ = started.time;
  context_.replaying_ = replaying;
  context_.calls_ = 0;
  if (const auto* task = std::get_if<WorkflowTaskStarted>(&started.attributes))
    context_.continue_as_new_suggested_ = task->suggest_continue_as_new;
  try {
    apply_jobs();
  } catch (const EndlessTask&) {  // told below
  } catch (const std::exception& error) {
    fail_task(fmt::format("a signal handler threw: {}", error.what()));
  }
  if (task_failure_ == nullptr && !context_.endless_) run_code();
  if (context_.endless_) {
    fail_task(fmt::format("potential deadlock: the workflow code made {} calls without waiting, the last of them at {}",
                          context_.call_budget_, place(context_.last_call_)));
  }
}

void WorkflowInstance::run_code() {
  if (!started_) {
    started_ = true;
    fiber_ = fibers_.spawn("workflow", [this] { body(); });
  }
  if (fibers_.alive(fiber_) && !finished_) fibers_.run(fiber_);
}

// Signals go before other resolutions, as in Temporal's SDKs; each kind keeps its order. A cancel request meets what is
// still out when everything else has been handed over: an activity whose close came in the same batch is not asked to
// stop any more, whichever event was first.
void WorkflowInstance::apply_jobs() {
  for (const HistoryEvent& event : jobs_)
    if (const auto* signal = std::get_if<WorkflowExecutionSignaled>(&event.attributes)) apply_signal(*signal);
  for (const HistoryEvent& event : jobs_) {
    if (const auto* done = std::get_if<ActivityTaskCompleted>(&event.attributes)) {
      resolve_activity(done->scheduled, {true, done->result, nullptr});
    } else if (const auto* failed = std::get_if<ActivityTaskFailed>(&event.attributes)) {
      resolve_activity(failed->scheduled, {false, nullptr, failed->failure});
    } else if (const auto* timed_out = std::get_if<ActivityTaskTimedOut>(&event.attributes)) {
      resolve_activity(timed_out->scheduled,
                       {false, nullptr, activity_timeout_failure(timed_out->type, timed_out->last_failure)});
    } else if (const auto* timer = std::get_if<TimerFired>(&event.attributes)) {
      for (auto& slot : context_.timers_)
        if (slot.timer_id == timer->timer_id) slot.fired = true;
    }
  }
  for (const HistoryEvent& event : jobs_)
    if (std::holds_alternative<WorkflowExecutionCancelRequested>(event.attributes)) apply_cancel();
  jobs_.clear();
}

void WorkflowInstance::apply_signal(const WorkflowExecutionSignaled& signal) {
  for (auto& [name, handler] : context_.signal_handlers_) {
    if (name != signal.name) continue;
    handler(signal.input);
    return;
  }
  context_.unhandled_signals_.emplace_back(signal.name, signal.input);
}

void WorkflowInstance::resolve_activity(EventId scheduled, ActivityResult result) {
  for (auto& slot : context_.activities_) {
    if (slot.scheduled != scheduled || slot.done) continue;
    slot.done = true;
    slot.result = std::move(result);
    return;
  }
}

// The root scope is cancelled: every activity still out gets a cancel request, and waiting calls throw.
void WorkflowInstance::apply_cancel() {
  if (context_.cancelled_) return;
  context_.cancelled_ = true;
  for (const auto& slot : context_.activities_)
    if (!slot.done) context_.emit(CancelActivity{slot.activity_id}, std::source_location::current());
}

Payload WorkflowInstance::query(Symbol name) const {
  context_.calls_ = 0;
  for (const auto& [known, handler] : context_.query_handlers_)
    if (known == name) return handler();
  return nullptr;
}

}  // namespace dvt::engine
