// Updates and search attributes. An update travels with a workflow task; when none is outstanding, a speculative one is
// made for it, which enters the history only if it leaves something there.
#include <algorithm>

#include "engine/service/service.h"
#include "engine/workflow/failures.h"

namespace dvt::engine {
namespace {

PendingUpdate* find_update(Execution& execution, const std::string& id) {
  for (PendingUpdate& update : execution.updates)
    if (update.request->id == id) return &update;
  return nullptr;
}

// Callbacks may start further updates, so the list is taken first.
void tell(std::vector<UpdateDone>& waiting, const UpdateOutcome& outcome) {
  const std::vector<UpdateDone> told = std::exchange(waiting, {});
  const UpdateOutcome copy = outcome;
  for (const UpdateDone& done : told) done(copy);
}

}  // namespace

bool Service::update_workflow(RunOrdinal run, UpdateRequest request, UpdateWait wait, UpdateDone done) {
  Open* open = find_run(run);
  if (open == nullptr) return false;
  PendingUpdate* known = find_update(open->execution, request.id);
  if (known != nullptr) {
    const UpdateState state = known->machine.state();
    const bool ended = state == UpdateState::completed || state == UpdateState::rejected;
    if (ended || (state == UpdateState::accepted && wait == UpdateWait::accepted)) {
      done(ended ? known->outcome : UpdateOutcome{UpdateStage::accepted, nullptr, nullptr});
    } else {
      (wait == UpdateWait::accepted ? known->on_accepted : known->on_completed).push_back(std::move(done));
    }
    return true;
  }
  PendingUpdate update;
  update.request = std::make_shared<const UpdateRequest>(std::move(request));
  (wait == UpdateWait::accepted ? update.on_accepted : update.on_completed).push_back(std::move(done));
  open->execution.updates.push_back(std::move(update));
  deliver_updates(*open);
  return true;
}

// A task that is scheduled takes the update along; one that is started is too late for it.
void Service::deliver_updates(Open& open) {
  const auto& updates = open.execution.updates;
  const bool waiting = std::any_of(updates.begin(), updates.end(), [](const PendingUpdate& update) {
    return update.machine.state() == UpdateState::admitted;
  });
  if (waiting) schedule_workflow_task(open, true);
}

// Something else enters the history: the speculative task's events come first, with their own times.
void Service::record_speculative_task(Execution& execution) {
  WorkflowTask& task = execution.task;
  if (!task.speculative) return;
  task.speculative = false;
  record_task_scheduled(execution, task.scheduled_at);
  if (task.machine.state() == WorkflowTaskState::started) record_task_started(execution);
}

void Service::set_search_attributes(Execution& execution, const SearchAttributes& attributes) {
  for (const auto& [name, value] : attributes) {
    const auto known = std::find_if(execution.search_attributes.begin(), execution.search_attributes.end(),
                                    [&](const auto& attribute) { return attribute.first == name; });
    if (known != execution.search_attributes.end()) {
      known->second = value;
    } else {
      execution.search_attributes.emplace_back(name, value);
    }
  }
}

bool Service::apply_update_command(Open& open, Command& command, EventId completed) {
  Execution& execution = open.execution;
  const Instant now = timers_.now();
  if (const auto* accept = std::get_if<AcceptUpdate>(&command.body)) {
    PendingUpdate* update = find_update(execution, accept->request->id);
    DVT_ASSERT(update != nullptr, "an update is accepted that nobody sent");
    update->machine.must(UpdateEvent::accept);
    update->accepted =
        execution.history.append(now, WorkflowExecutionUpdateAccepted{update->request, accept->sequencing});
    tell(update->on_accepted, {UpdateStage::accepted, nullptr, nullptr});
  } else if (auto* complete = std::get_if<CompleteUpdate>(&command.body)) {
    PendingUpdate* update = find_update(execution, complete->request->id);
    DVT_ASSERT(update != nullptr, "an update is completed that nobody sent");
    update->machine.must(UpdateEvent::complete);
    execution.history.append(
        now, WorkflowExecutionUpdateCompleted{update->request, update->accepted, complete->result, complete->failure});
    update->outcome = {UpdateStage::completed, std::move(complete->result), std::move(complete->failure)};
    tell(update->on_completed, update->outcome);
  } else if (auto* upsert = std::get_if<UpsertSearchAttributes>(&command.body)) {
    set_search_attributes(execution, *upsert->attributes);
    execution.history.append(now, UpsertWorkflowSearchAttributes{std::move(upsert->attributes), completed});
  } else {
    return false;
  }
  return true;
}

void Service::reject_updates(Execution& execution, const std::vector<UpdateRejection>& rejections) {
  for (const UpdateRejection& rejection : rejections) {
    PendingUpdate* update = find_update(execution, rejection.request->id);
    if (update == nullptr || !update->machine.apply(UpdateEvent::reject)) continue;
    update->outcome = {UpdateStage::rejected, nullptr, rejection.failure};
    tell(update->on_accepted, update->outcome);
    update = find_update(execution, rejection.request->id);
    tell(update->on_completed, update->outcome);
  }
}

// The execution closed: whoever still waits is told.
void Service::end_updates(Execution& execution) {
  for (PendingUpdate& update : execution.updates) {
    if (!update.machine.apply(UpdateEvent::execution_closed)) continue;
    update.outcome = {UpdateStage::aborted, nullptr,
                      make_failure(update.accepted != 0 ? "the workflow closed before the update completed"
                                                        : "the workflow closed before it took the update",
                                   {})};
    tell(update.on_accepted, update.outcome);
    tell(update.on_completed, update.outcome);
  }
}

}  // namespace dvt::engine
