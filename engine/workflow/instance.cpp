#include "engine/workflow/instance.h"

#include <algorithm>

#include "engine/base/format.h"

namespace dvt::engine {

namespace {

// Whose marker it is: the patch, the number of the side effect, the number and type of the local activity.
std::string marker_text(Symbol name, const Payload& details) {
  if (const auto* patch = payload_if<PatchMarker>(details))
    return fmt::format("'{}' '{}'", name.text(), patch->id.text());
  if (const auto* effect = payload_if<SideEffectMarker>(details))
    return fmt::format("'{}' {}", name.text(), effect->id);
  if (const auto* local = payload_if<LocalActivityMarker>(details))
    return fmt::format("'{}' {} '{}'", name.text(), local->data.seq, local->data.type.text());
  return fmt::format("'{}'", name.text());
}

std::string attribute_names(const SearchAttributes& attributes) {
  std::string out;
  for (const auto& [name, value] : attributes) out += (out.empty() ? "" : ", ") + std::string(name.text());
  return out;
}

std::string describe(const Command& command) {
  struct Describe {
    std::string operator()(const ScheduleActivity& c) const {
      return fmt::format("ScheduleActivity {} '{}'", c.activity_id, c.type.text());
    }
    std::string operator()(const CancelActivity& c) const { return fmt::format("CancelActivity {}", c.activity_id); }
    std::string operator()(const StartTimer& c) const { return fmt::format("StartTimer {}", c.timer_id); }
    std::string operator()(const CancelTimer& c) const { return fmt::format("CancelTimer {}", c.timer_id); }
    std::string operator()(const RecordMarker& c) const { return "RecordMarker " + marker_text(c.name, c.details); }
    std::string operator()(const StartChild& c) const {
      return fmt::format("StartChildWorkflowExecution '{}' of type '{}'", c.child->workflow_id, c.child->type.text());
    }
    std::string operator()(const CancelExternal& c) const {
      return fmt::format("RequestCancelExternalWorkflowExecution of '{}'", c.target->workflow_id);
    }
    std::string operator()(const SignalExternal& c) const {
      return fmt::format("SignalExternalWorkflowExecution '{}' to '{}'", c.name.text(), c.target->workflow_id);
    }
    std::string operator()(const UpsertSearchAttributes& c) const {
      return "UpsertWorkflowSearchAttributes " + attribute_names(*c.attributes);
    }
    std::string operator()(const AcceptUpdate& c) const { return fmt::format("AcceptUpdate '{}'", c.request->id); }
    std::string operator()(const CompleteUpdate& c) const { return fmt::format("CompleteUpdate '{}'", c.request->id); }
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
    return "MarkerRecorded " + marker_text(marker->name, marker->details);
  if (const auto* child = std::get_if<StartChildWorkflowExecutionInitiated>(&event.attributes))
    return fmt::format("StartChildWorkflowExecutionInitiated '{}' of type '{}'", child->child->workflow_id,
                       child->child->type.text());
  if (const auto* cancel = std::get_if<RequestCancelExternalWorkflowExecutionInitiated>(&event.attributes))
    return fmt::format("RequestCancelExternalWorkflowExecutionInitiated of '{}'", cancel->target->workflow_id);
  if (const auto* signal = std::get_if<SignalExternalWorkflowExecutionInitiated>(&event.attributes))
    return fmt::format("SignalExternalWorkflowExecutionInitiated '{}' to '{}'", signal->name.text(),
                       signal->target->workflow_id);
  if (const auto* upsert = std::get_if<UpsertWorkflowSearchAttributes>(&event.attributes))
    return "UpsertWorkflowSearchAttributes " + attribute_names(*upsert->attributes);
  if (const auto* accepted = std::get_if<WorkflowExecutionUpdateAccepted>(&event.attributes))
    return fmt::format("WorkflowExecutionUpdateAccepted '{}'", accepted->request->id);
  if (const auto* completed = std::get_if<WorkflowExecutionUpdateCompleted>(&event.attributes))
    return fmt::format("WorkflowExecutionUpdateCompleted '{}'", completed->request->id);
  return std::string(type_name(event));
}

bool from_command(const Attributes& attributes) {
  return std::holds_alternative<ActivityTaskScheduled>(attributes) ||
         std::holds_alternative<ActivityTaskCancelRequested>(attributes) ||
         std::holds_alternative<TimerStarted>(attributes) || std::holds_alternative<TimerCanceled>(attributes) ||
         std::holds_alternative<MarkerRecorded>(attributes) ||
         std::holds_alternative<StartChildWorkflowExecutionInitiated>(attributes) ||
         std::holds_alternative<RequestCancelExternalWorkflowExecutionInitiated>(attributes) ||
         std::holds_alternative<SignalExternalWorkflowExecutionInitiated>(attributes) ||
         std::holds_alternative<UpsertWorkflowSearchAttributes>(attributes) ||
         std::holds_alternative<WorkflowExecutionUpdateAccepted>(attributes) ||
         std::holds_alternative<WorkflowExecutionUpdateCompleted>(attributes) ||
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
         std::holds_alternative<ActivityTaskCanceled>(attributes) || std::holds_alternative<TimerFired>(attributes) ||
         is_child_close(attributes) || std::holds_alternative<ChildWorkflowExecutionStarted>(attributes) ||
         std::holds_alternative<StartChildWorkflowExecutionFailed>(attributes) ||
         std::holds_alternative<ExternalWorkflowExecutionCancelRequested>(attributes) ||
         std::holds_alternative<RequestCancelExternalWorkflowExecutionFailed>(attributes) ||
         std::holds_alternative<ExternalWorkflowExecutionSignaled>(attributes) ||
         std::holds_alternative<SignalExternalWorkflowExecutionFailed>(attributes);
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
  context_.take_update_ = [this](WorkflowContext::ArrivedUpdate update) { take_update(std::move(update)); };
}

// Branches may refer to what lives on the stacks of those that made them: the youngest goes first.
WorkflowInstance::~WorkflowInstance() {
  context_.unwinding_ = true;
  for (std::size_t i = context_.branches_.size(); i-- > 0;) {
    const FiberId fiber = context_.branches_[i]->fiber;
    if (fiber && fibers_.alive(fiber)) fibers_.kill(fiber);
  }
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
  } catch (const FailureError& failure) {
    context_.emit(FailWorkflow{failure.failure()}, context_.last_call_);
    finished_ = true;
  } catch (const std::exception& error) {
    fail_task(error.what());
  } catch (...) {  // fiber entry: FiberKilled has left above; of anything else the task fails
    fail_task(kUnknownThrown);
  }
}

void WorkflowInstance::fail_task(std::string message) {
  if (context_.task_failure_ != nullptr) return;  // the first one is the cause
  context_.task_failure_ = make_failure(std::move(message), {});
}

ActivationOutcome WorkflowInstance::handle(const History& history, EventId first,
                                           const HistoryEvent* unrecorded_started,
                                           const std::vector<UpdateMessage>& updates) {
  DVT_ASSERT(first == processed_ + 1, "an execution's cache is fed with the wrong events");
  ActivationOutcome outcome;
  const bool full = first == 1;
  if (full) note_markers(history);
  messages_ = updates;
  for (EventId id = first; id <= history.last_id() && !failed(outcome); ++id) feed(history, id, true, outcome);
  if (unrecorded_started != nullptr && !failed(outcome)) {
    activate(*unrecorded_started, false, outcome);
    processed_ += kEventsOfATask;
  }
  if (full) {
    // Everything before the task's own events was handled by tasks that completed, if there were any.
    const bool had_task = std::any_of(history.events().begin(), history.events().end(), [](const HistoryEvent& event) {
      return std::holds_alternative<WorkflowTaskCompleted>(event.attributes);
    });
    if (had_task) outcome.replayed_events = history.last_id();
  }
  fill(outcome);
  return outcome;
}

// What the task has come to so far.
void WorkflowInstance::fill(ActivationOutcome& outcome) {
  outcome.task_failure = context_.task_failure_;
  if (outcome.mismatch || outcome.task_failure != nullptr) return;
  for (WorkflowContext::LocalSlot& slot : context_.locals_) {
    if (slot.requested || slot.done) continue;
    slot.requested = true;
    outcome.local_activities.push_back(slot.request);
  }
  outcome.dropped_local_activities = std::exchange(context_.dropped_locals_, {});
  outcome.rejections = rejections_;
  // They are matched against the history when the next task brings their events.
  if (finished_ || open_local_activities() == 0) outcome.commands = context_.outgoing_;
}

std::size_t WorkflowInstance::open_local_activities() const {
  if (finished_) return 0;
  return static_cast<std::size_t>(std::count_if(context_.locals_.begin(), context_.locals_.end(),
                                                [](const WorkflowContext::LocalSlot& slot) { return !slot.done; }));
}

void WorkflowInstance::end_local_activity(LocalActivityMarker::Data end) {
  for (WorkflowContext::LocalSlot& slot : context_.locals_) {
    if (slot.request.seq != end.seq || slot.done) continue;
    context_.now_ = std::max(context_.now_, end.complete_time);
    context_.finish_local(slot, std::move(end));
    context_.calls_ = 0;
    run_branches();
    judge_endless_task();
    return;
  }
}

ActivationOutcome WorkflowInstance::resolve_local_activity(LocalActivityMarker::Data end) {
  ActivationOutcome outcome;
  end_local_activity(std::move(end));
  fill(outcome);
  return outcome;
}

std::vector<Command> WorkflowInstance::commands_so_far() const {
  return context_.outgoing_;
}

std::optional<NondeterminismReport> WorkflowInstance::verify(const History& history) {
  ActivationOutcome outcome;
  note_markers(history);
  for (EventId id = 1; id <= history.last_id() && !failed(outcome); ++id) feed(history, id, false, outcome);
  if (outcome.mismatch) return outcome.mismatch;
  if (const FailureRef& failure = context_.task_failure_; failure != nullptr) {
    return NondeterminismReport{processed_, "a workflow task that completed", "a failed one: " + failure->message,
                                place(context_.last_call_)};
  }
  if (!context_.outgoing_.empty()) {
    const Command& extra = context_.outgoing_.front();
    return NondeterminismReport{0, "nothing more", describe(extra), place(extra.where)};
  }
  return std::nullopt;
}

// patched() and side_effect() are asked before the marker's event is met: what the history holds must be known
// beforehand. A copy that is not rebuilt has asked already.
void WorkflowInstance::note_markers(const History& history) {
  for (const HistoryEvent& event : history.events()) {
    const auto* marker = std::get_if<MarkerRecorded>(&event.attributes);
    if (marker == nullptr) continue;
    if (const auto* patch = payload_if<PatchMarker>(marker->details)) context_.recorded_patches_.push_back(patch->id);
    if (const auto* effect = payload_if<SideEffectMarker>(marker->details))
      context_.recorded_side_effects_.emplace_back(effect->id, effect->value);
  }
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
    if (completed) replay_task(history, id, outcome);
    if (last && answer_last) activate(event, false, outcome);
    return;
  }
  if (const auto* failed_task = std::get_if<WorkflowTaskFailed>(&event.attributes)) {
    if (failed_task->reset != nullptr) move_to_reset_execution(*failed_task->reset);
    return;
  }
  if (from_command(event.attributes)) {
    match(history, id, outcome);
  } else if (from_outside(event.attributes)) {
    jobs_.push_back(event);
  }
}

// A task that completed: what it took from elsewhere than events before it (updates, ends of local activities) stands
// among the events of its commands, in the order in which it was taken.
void WorkflowInstance::replay_task(const History& history, EventId started, ActivationOutcome& outcome) {
  std::vector<const LocalActivityMarker*> ends;
  for (EventId id = started + 2; id <= history.last_id(); ++id) {
    const Attributes& attributes = history.at(id).attributes;
    if (std::holds_alternative<WorkflowTaskScheduled>(attributes)) break;
    if (const auto* accepted = std::get_if<WorkflowExecutionUpdateAccepted>(&attributes)) {
      arrived_updates_.push_back({accepted->request, accepted->sequencing, true});
    } else if (const auto* marker = std::get_if<MarkerRecorded>(&attributes)) {
      const auto* end = payload_if<LocalActivityMarker>(marker->details);
      if (end != nullptr && !end->data.cancelled) ends.push_back(end);  // the code itself repeats a cancel
    }
  }
  activate(history.at(started), true, outcome);
  for (const LocalActivityMarker* end : ends) {
    if (failed(outcome)) return;
    end_local_activity(end->data);
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
  if (!matches(history, id, command)) {
    outcome.mismatch = NondeterminismReport{id, describe(event), describe(command), place(command.where)};
    return;
  }
  outgoing.erase(outgoing.begin());
}

bool WorkflowInstance::matches(const History& history, EventId id, const Command& command) {
  const HistoryEvent& event = history.at(id);
  if (const auto* activity = std::get_if<ActivityTaskScheduled>(&event.attributes)) {
    const auto* schedule = std::get_if<ScheduleActivity>(&command.body);
    if (schedule == nullptr || schedule->activity_id != activity->activity_id || schedule->type != activity->type)
      return false;
    if (auto* slot = context_.slot(activity->activity_id)) slot->scheduled = id;
    return true;
  }
  if (const auto* asked = std::get_if<ActivityTaskCancelRequested>(&event.attributes)) {
    const auto* cancel = std::get_if<CancelActivity>(&command.body);
    const auto* of = std::get_if<ActivityTaskScheduled>(&history.at(asked->scheduled).attributes);
    return cancel != nullptr && of != nullptr && cancel->activity_id == of->activity_id;
  }
  if (const auto* timer = std::get_if<TimerStarted>(&event.attributes)) {
    const auto* start = std::get_if<StartTimer>(&command.body);
    return start != nullptr && start->timer_id == timer->timer_id;
  }
  if (const auto* cancelled = std::get_if<TimerCanceled>(&event.attributes)) {
    const auto* stop = std::get_if<CancelTimer>(&command.body);
    return stop != nullptr && stop->timer_id == cancelled->timer_id;
  }
  if (const auto* marker = std::get_if<MarkerRecorded>(&event.attributes)) {
    const auto* record = std::get_if<RecordMarker>(&command.body);
    return record != nullptr &&
           marker_text(record->name, record->details) == marker_text(marker->name, marker->details);
  }
  if (std::holds_alternative<WorkflowExecutionCompleted>(event.attributes))
    return std::holds_alternative<CompleteWorkflow>(command.body);
  if (std::holds_alternative<WorkflowExecutionFailed>(event.attributes))
    return std::holds_alternative<FailWorkflow>(command.body);
  if (std::holds_alternative<WorkflowExecutionCanceled>(event.attributes))
    return std::holds_alternative<CancelWorkflow>(command.body);
  if (std::holds_alternative<WorkflowExecutionContinuedAsNew>(event.attributes))
    return std::holds_alternative<ContinueAsNew>(command.body);
  return matches_child_or_external(id, event.attributes, command);
}

bool WorkflowInstance::matches_child_or_external(EventId id, const Attributes& attributes, const Command& command) {
  const auto note_external = [&](std::uint32_t number) {
    for (WorkflowContext::ExternalSlot& slot : context_.externals_)
      if (slot.number == number) slot.initiated = id;
  };
  if (const auto* initiated = std::get_if<StartChildWorkflowExecutionInitiated>(&attributes)) {
    const auto* start = std::get_if<StartChild>(&command.body);
    if (start == nullptr || start->child->workflow_id != initiated->child->workflow_id ||
        start->child->type != initiated->child->type)
      return false;
    for (WorkflowContext::ChildSlot& slot : context_.children_)
      if (slot.number == start->number) slot.initiated = id;
    return true;
  }
  if (const auto* cancel = std::get_if<RequestCancelExternalWorkflowExecutionInitiated>(&attributes)) {
    const auto* request = std::get_if<CancelExternal>(&command.body);
    if (request == nullptr || request->target->workflow_id != cancel->target->workflow_id) return false;
    note_external(request->number);
    return true;
  }
  if (const auto* signal = std::get_if<SignalExternalWorkflowExecutionInitiated>(&attributes)) {
    const auto* request = std::get_if<SignalExternal>(&command.body);
    if (request == nullptr || request->name != signal->name ||
        request->target->workflow_id != signal->target->workflow_id)
      return false;
    note_external(request->number);
    return true;
  }
  if (const auto* upsert = std::get_if<UpsertWorkflowSearchAttributes>(&attributes)) {
    const auto* set = std::get_if<UpsertSearchAttributes>(&command.body);
    return set != nullptr && attribute_names(*set->attributes) == attribute_names(*upsert->attributes);
  }
  if (const auto* accepted = std::get_if<WorkflowExecutionUpdateAccepted>(&attributes)) {
    const auto* accept = std::get_if<AcceptUpdate>(&command.body);
    return accept != nullptr && accept->request->id == accepted->request->id;
  }
  if (const auto* completed = std::get_if<WorkflowExecutionUpdateCompleted>(&attributes)) {
    const auto* complete = std::get_if<CompleteUpdate>(&command.body);
    return complete != nullptr && complete->request->id == completed->request->id;
  }
  return false;
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
  rejections_.clear();
  if (!replaying) {  // they came with the task that is to be answered, not with those before it
    for (const UpdateMessage& update : std::exchange(messages_, {}))
      arrived_updates_.push_back({update.request, update.sequencing, false});
  }
  try {
    apply_jobs();
  } catch (const EndlessTask&) {  // told below
  } catch (const std::exception& error) {
    fail_task(fmt::format("a signal handler threw: {}", error.what()));
  } catch (...) {  // fiber entry: handlers run outside of fibers
    fail_task(fmt::format("a signal handler threw: {}", kUnknownThrown));
  }
  if (context_.task_failure_ == nullptr && !context_.endless_) run_code();
  judge_endless_task();
}

void WorkflowInstance::judge_endless_task() {
  if (!context_.endless_) return;
  fail_task(fmt::format("potential deadlock: the workflow code made {} calls without waiting, the last of them at {}",
                        context_.call_budget_, place(context_.last_call_)));
}

void WorkflowInstance::run_code() {
  if (!started_) {
    started_ = true;
    auto main = std::make_unique<WorkflowContext::Branch>();
    main->scope = context_.root_;
    main->fiber = fibers_.spawn("workflow", [this] { body(); });
    context_.branches_.insert(context_.branches_.begin(), std::move(main));
  }
  run_branches();
  for (const WorkflowContext::ArrivedUpdate& update : std::exchange(context_.waiting_updates_, {}))
    reject(update.request, fmt::format("no handler for update '{}'", update.request->name.text()));
}

void WorkflowInstance::run_branch(WorkflowContext::Branch& branch) {
  if (!fibers_.alive(branch.fiber)) return;
  context_.scope_ = branch.scope;
  on_fiber_ = true;
  fibers_.run(branch.fiber);
  on_fiber_ = false;
  context_.scope_ = context_.root_;
}

// Until all branches block. One branch's doing may be what another waits for: more rounds while anything moved, as many
// as calls are allowed.
void WorkflowInstance::run_branches() {
  std::uint64_t before = 0;
  std::uint32_t rounds = 0;
  do {
    before = context_.progress_;
    context_.endless_ = context_.endless_ || ++rounds > context_.call_budget_;
    for (std::size_t i = 0; i < context_.branches_.size(); ++i) {
      if (finished_ || context_.task_failure_ != nullptr || context_.endless_) return;
      run_branch(*context_.branches_[i]);
    }
  } while (context_.branches_.size() > 1 && context_.progress_ != before);
}

// Signals go before updates, and both before other resolutions, as in Temporal's SDKs; each kind keeps its order. A
// cancel request meets what is still out when everything else has been handed over: an activity whose close came in the
// same batch is not asked to stop any more, whichever event was first.
void WorkflowInstance::apply_jobs() {
  for (const HistoryEvent& event : jobs_)
    if (const auto* signal = std::get_if<WorkflowExecutionSignaled>(&event.attributes)) apply_signal(*signal);
  for (WorkflowContext::ArrivedUpdate& update : std::exchange(arrived_updates_, {})) take_update(std::move(update));
  for (const HistoryEvent& event : jobs_) {
    if (const auto* done = std::get_if<ActivityTaskCompleted>(&event.attributes)) {
      resolve_activity(done->scheduled, {true, done->result, nullptr});
    } else if (const auto* failed = std::get_if<ActivityTaskFailed>(&event.attributes)) {
      resolve_activity(failed->scheduled, {false, nullptr, failed->failure});
    } else if (const auto* timed_out = std::get_if<ActivityTaskTimedOut>(&event.attributes)) {
      resolve_activity(timed_out->scheduled,
                       {false, nullptr, activity_timeout_failure(timed_out->type, timed_out->last_failure)});
    } else if (const auto* timer = std::get_if<TimerFired>(&event.attributes)) {
      for (auto& slot : context_.timers_) {
        if (slot.timer_id != timer->timer_id) continue;
        slot.fired = true;
        if (slot.cancels != nullptr) context_.cancel_scope(*slot.cancels, std::source_location::current());
      }
    } else if (!apply_child_event(event)) {
      apply_external_event(event);
    }
  }
  for (const HistoryEvent& event : jobs_)
    // The root scope is cancelled: every activity still out gets a cancel request, and waiting calls throw.
    if (std::holds_alternative<WorkflowExecutionCancelRequested>(event.attributes))
      context_.cancel_scope(*context_.root_, std::source_location::current());
  jobs_.clear();
}

bool WorkflowInstance::apply_child_event(const HistoryEvent& event) {
  const auto failed = [](std::string what, Symbol type) {
    return ActivityResult{false, nullptr, make_failure(std::move(what), type)};
  };
  if (const auto* started = std::get_if<ChildWorkflowExecutionStarted>(&event.attributes)) {
    for (WorkflowContext::ChildSlot& slot : context_.children_) {
      if (slot.initiated != started->initiated) continue;
      slot.started = true;
      slot.child = started->child;
    }
  } else if (const auto* refused = std::get_if<StartChildWorkflowExecutionFailed>(&event.attributes)) {
    for (WorkflowContext::ChildSlot& slot : context_.children_)
      if (slot.initiated == refused->initiated) slot.start_failed = true;
    resolve_child(refused->initiated,
                  failed(fmt::format("an execution with the id '{}' is open", refused->child->workflow_id),
                         Symbol::intern(kChildAlreadyExists)),
                  false);
  } else if (const auto* done = std::get_if<ChildWorkflowExecutionCompleted>(&event.attributes)) {
    resolve_child(done->initiated, {true, done->result, nullptr}, false);
  } else if (const auto* child = std::get_if<ChildWorkflowExecutionFailed>(&event.attributes)) {
    resolve_child(child->initiated, {false, nullptr, child->failure}, false);
  } else if (const auto* cancelled = std::get_if<ChildWorkflowExecutionCanceled>(&event.attributes)) {
    resolve_child(cancelled->initiated, failed("the child was cancelled", Symbol::intern("CanceledFailure")), true);
  } else if (const auto* late = std::get_if<ChildWorkflowExecutionTimedOut>(&event.attributes)) {
    resolve_child(late->initiated, failed("the child timed out", Symbol::intern("TimeoutError")), false);
  } else if (const auto* killed = std::get_if<ChildWorkflowExecutionTerminated>(&event.attributes)) {
    resolve_child(killed->initiated, failed("the child was terminated", Symbol::intern("TerminatedFailure")), false);
  } else {
    return false;
  }
  return true;
}

bool WorkflowInstance::apply_external_event(const HistoryEvent& event) {
  const auto answer = [&](EventId initiated, bool failed) {
    for (WorkflowContext::ExternalSlot& slot : context_.externals_) {
      if (slot.initiated != initiated) continue;
      slot.done = true;
      slot.failed = failed;
    }
    std::erase_if(context_.externals_,
                  [](const WorkflowContext::ExternalSlot& slot) { return slot.done && !slot.awaited; });
    return true;
  };
  if (const auto* asked = std::get_if<ExternalWorkflowExecutionCancelRequested>(&event.attributes))
    return answer(asked->initiated, false);
  if (const auto* refused = std::get_if<RequestCancelExternalWorkflowExecutionFailed>(&event.attributes))
    return answer(refused->initiated, true);
  if (const auto* sent = std::get_if<ExternalWorkflowExecutionSignaled>(&event.attributes))
    return answer(sent->initiated, false);
  if (const auto* lost = std::get_if<SignalExternalWorkflowExecutionFailed>(&event.attributes))
    return answer(lost->initiated, true);
  return false;
}

void WorkflowInstance::apply_signal(const WorkflowExecutionSignaled& signal) {
  for (auto& [name, handler] : context_.signal_handlers_) {
    if (name != signal.name) continue;
    handler(signal.input);
    return;
  }
  context_.unhandled_signals_.emplace_back(signal.name, signal.input);
}

// The validator speaks first, except where the history says that it let the update in. The handler begins at once,
// before the rest of the code goes on, and has a branch of its own.
void WorkflowInstance::take_update(WorkflowContext::ArrivedUpdate update) {
  const auto known = std::find_if(context_.update_handlers_.begin(), context_.update_handlers_.end(),
                                  [&](const auto& handler) { return handler.name == update.request->name; });
  if (known == context_.update_handlers_.end()) {
    context_.waiting_updates_.push_back(std::move(update));
    return;
  }
  if (!update.accepted && known->validator) {
    try {
      known->validator(update.request->input);
    } catch (const std::exception& refusal) {
      reject(update.request, refusal.what());
      return;
    } catch (const FiberKilled&) {
      throw;
    } catch (const EndlessTask&) {
      throw;
    } catch (...) {  // fiber entry: FiberKilled has left above
      reject(update.request, kUnknownThrown);
      return;
    }
  }
  context_.emit(AcceptUpdate{update.request, update.sequencing}, std::source_location::current());
  const auto root = context_.run(context_.root_scope(), [&] {
    return context_.spawn([this, request = update.request, handler = known->handler] {
      Payload result;
      FailureRef failure;
      try {
        result = handler(request->input);
      } catch (const FailureError& error) {
        failure = error.failure();
      } catch (const CancelledFailure& error) {
        failure = make_failure(error.what(), Symbol::intern("CanceledFailure"));
      }
      context_.emit(CompleteUpdate{request, std::move(result), std::move(failure)}, std::source_location::current());
    });
  });
  if (!on_fiber_) run_branch(*context_.branches_[root.number]);
}

void WorkflowInstance::reject(const UpdateRequestRef& request, std::string why) {
  rejections_.push_back({request, make_failure(std::move(why), Symbol::intern("UpdateRejected"))});
}

void WorkflowInstance::resolve_activity(EventId scheduled, ActivityResult result) {
  for (auto& slot : context_.activities_) {
    if (slot.scheduled != scheduled || slot.done) continue;
    slot.done = true;
    slot.result = std::move(result);
    return;
  }
}

void WorkflowInstance::resolve_child(EventId initiated, ActivityResult result, bool cancelled) {
  for (auto& slot : context_.children_) {
    if (slot.initiated != initiated || slot.done) continue;
    slot.done = true;
    slot.cancelled = cancelled;
    slot.result = std::move(result);
    return;
  }
}

Payload WorkflowInstance::query(Symbol name) const {
  context_.calls_ = 0;
  try {
    for (const auto& [known, handler] : context_.query_handlers_)
      if (known == name) return handler();
  } catch (...) {  // fiber entry: handlers run outside of fibers. The query fails, the execution knows nothing of it

    context_.endless_ = false;
  }
  return nullptr;
}

}  // namespace dvt::engine
