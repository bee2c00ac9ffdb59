#include "engine/history/event_facts.h"

#include <algorithm>
#include <array>

#include "engine/base/format.h"

namespace dvt::engine {
namespace {

// In the order of EventKind.
constexpr std::array<std::string_view, static_cast<std::size_t>(EventKind::unknown)> kNames{
    "WorkflowExecutionStarted",
    "WorkflowExecutionCompleted",
    "WorkflowExecutionFailed",
    "WorkflowExecutionTimedOut",
    "WorkflowExecutionCancelRequested",
    "WorkflowExecutionCanceled",
    "WorkflowExecutionSignaled",
    "WorkflowExecutionTerminated",
    "WorkflowExecutionContinuedAsNew",
    "WorkflowExecutionOptionsUpdated",
    "WorkflowExecutionUpdateAdmitted",
    "WorkflowExecutionUpdateAccepted",
    "WorkflowExecutionUpdateCompleted",
    "WorkflowExecutionUpdateRejected",
    "WorkflowTaskScheduled",
    "WorkflowTaskStarted",
    "WorkflowTaskCompleted",
    "WorkflowTaskTimedOut",
    "WorkflowTaskFailed",
    "ActivityTaskScheduled",
    "ActivityTaskStarted",
    "ActivityTaskCompleted",
    "ActivityTaskFailed",
    "ActivityTaskTimedOut",
    "ActivityTaskCancelRequested",
    "ActivityTaskCanceled",
    "TimerStarted",
    "TimerFired",
    "TimerCanceled",
    "MarkerRecorded",
    "UpsertWorkflowSearchAttributes",
    "WorkflowPropertiesModified",
    "StartChildWorkflowExecutionInitiated",
    "StartChildWorkflowExecutionFailed",
    "ChildWorkflowExecutionStarted",
    "ChildWorkflowExecutionCompleted",
    "ChildWorkflowExecutionFailed",
    "ChildWorkflowExecutionCanceled",
    "ChildWorkflowExecutionTimedOut",
    "ChildWorkflowExecutionTerminated",
    "SignalExternalWorkflowExecutionInitiated",
    "SignalExternalWorkflowExecutionFailed",
    "ExternalWorkflowExecutionSignaled",
    "RequestCancelExternalWorkflowExecutionInitiated",
    "RequestCancelExternalWorkflowExecutionFailed",
    "ExternalWorkflowExecutionCancelRequested",
    "NexusOperationScheduled",
    "NexusOperationStarted",
    "NexusOperationCompleted",
    "NexusOperationFailed",
    "NexusOperationCanceled",
    "NexusOperationTimedOut",
    "NexusOperationCancelRequested",
};

// "EVENT_TYPE_TIMER_FIRED" → "TimerFired".
std::string short_spelling(std::string_view type) {
  constexpr std::string_view kPrefix = "EVENT_TYPE_";
  if (!type.starts_with(kPrefix)) return std::string(type);
  std::string out;
  bool upper = true;
  for (const char c : type.substr(kPrefix.size())) {
    const bool letter = c >= 'A' && c <= 'Z';
    if (c != '_') out += upper || !letter ? c : static_cast<char>(c - 'A' + 'a');
    upper = c == '_';
  }
  return out;
}

// Fills one event's facts. A type of event without a method here does not compile.
struct FactsOf {
  EventFacts& out;

  void operator()(const WorkflowExecutionStarted& e) const { out.name = e.info->workflow_type.text(); }
  void operator()(const WorkflowExecutionCompleted& e) const { out.task_completed = e.task_completed; }
  void operator()(const WorkflowExecutionFailed& e) const {
    out.task_completed = e.task_completed;
    fail(e.failure);
  }
  void operator()(const WorkflowExecutionTimedOut&) const {}
  void operator()(const WorkflowExecutionCancelRequested&) const {}
  void operator()(const WorkflowExecutionCanceled& e) const { out.task_completed = e.task_completed; }
  void operator()(const WorkflowExecutionSignaled& e) const { out.name = e.name.text(); }
  void operator()(const WorkflowExecutionTerminated&) const {}
  void operator()(const WorkflowExecutionContinuedAsNew& e) const { out.task_completed = e.task_completed; }
  void operator()(const WorkflowTaskScheduled& e) const { out.attempt = e.attempt; }
  void operator()(const WorkflowTaskStarted& e) const { out.scheduled = e.scheduled; }
  void operator()(const WorkflowTaskCompleted& e) const { refer(e.scheduled, e.started); }
  void operator()(const WorkflowTaskTimedOut& e) const {
    refer(e.scheduled, e.started);
    out.timeout = e.type;
  }
  void operator()(const WorkflowTaskFailed& e) const {
    refer(e.scheduled, e.started);
    out.error = to_string(e.cause);
  }
  void operator()(const ActivityTaskScheduled& e) const {
    out.task_completed = e.task_completed;
    out.subject = fmt::format("{}", e.activity_id);
    out.name = e.type.text();
    out.schedule_to_close = e.options->schedule_to_close;
    out.schedule_to_start = e.options->schedule_to_start;
    out.start_to_close = e.options->start_to_close;
    out.heartbeat = e.options->heartbeat;
    out.retry_policy = true;
    out.maximum_attempts = e.options->retry.maximum_attempts;
  }
  void operator()(const ActivityTaskStarted& e) const {
    out.scheduled = e.scheduled;
    out.attempt = e.attempt;
    out.last_failure = e.last_failure != nullptr;
  }
  void operator()(const ActivityTaskCompleted& e) const { refer(e.scheduled, e.started); }
  void operator()(const ActivityTaskFailed& e) const {
    refer(e.scheduled, e.started);
    fail(e.failure);
  }
  void operator()(const ActivityTaskTimedOut& e) const {
    refer(e.scheduled, e.started);
    out.timeout = e.type;
  }
  void operator()(const ActivityTaskCancelRequested& e) const {
    out.scheduled = e.scheduled;
    out.task_completed = e.task_completed;
  }
  void operator()(const ActivityTaskCanceled& e) const {
    refer(e.scheduled, e.started);
    out.cancel_requested = e.cancel_requested;
  }
  void operator()(const TimerStarted& e) const {
    out.subject = fmt::format("{}", e.timer_id);
    out.task_completed = e.task_completed;
    out.start_to_close = e.after;
  }
  void operator()(const TimerFired& e) const {
    out.subject = fmt::format("{}", e.timer_id);
    out.started = e.started;
  }
  void operator()(const TimerCanceled& e) const {
    out.subject = fmt::format("{}", e.timer_id);
    out.started = e.started;
    out.task_completed = e.task_completed;
  }
  void operator()(const MarkerRecorded& e) const {
    out.name = e.name.text();
    out.task_completed = e.task_completed;
  }
  void operator()(const StartChildWorkflowExecutionInitiated& e) const {
    out.task_completed = e.task_completed;
    out.subject = e.child->workflow_id;
    out.name = e.child->type.text();
  }
  void operator()(const StartChildWorkflowExecutionFailed& e) const {
    out.initiated = e.initiated;
    out.error = kChildAlreadyExists;
  }
  void operator()(const ChildWorkflowExecutionStarted& e) const { out.initiated = e.initiated; }
  void operator()(const ChildWorkflowExecutionCompleted& e) const { close_child(e); }
  void operator()(const ChildWorkflowExecutionFailed& e) const {
    close_child(e);
    fail(e.failure);
  }
  void operator()(const ChildWorkflowExecutionCanceled& e) const { close_child(e); }
  void operator()(const ChildWorkflowExecutionTimedOut& e) const { close_child(e); }
  void operator()(const ChildWorkflowExecutionTerminated& e) const { close_child(e); }
  void operator()(const RequestCancelExternalWorkflowExecutionInitiated& e) const {
    out.task_completed = e.task_completed;
  }
  void operator()(const RequestCancelExternalWorkflowExecutionFailed& e) const { out.initiated = e.initiated; }
  void operator()(const ExternalWorkflowExecutionCancelRequested& e) const { out.initiated = e.initiated; }
  void operator()(const SignalExternalWorkflowExecutionInitiated& e) const {
    out.task_completed = e.task_completed;
    out.name = e.name.text();
  }
  void operator()(const SignalExternalWorkflowExecutionFailed& e) const { out.initiated = e.initiated; }
  void operator()(const ExternalWorkflowExecutionSignaled& e) const { out.initiated = e.initiated; }
  void operator()(const UpsertWorkflowSearchAttributes& e) const { out.task_completed = e.task_completed; }
  void operator()(const WorkflowExecutionUpdateAccepted& e) const {
    out.subject = e.request->id;
    out.name = e.request->name.text();
  }
  void operator()(const WorkflowExecutionUpdateCompleted& e) const {
    out.subject = e.request->id;
    out.accepted = e.accepted;
    fail(e.failure);
  }

 private:
  template <class Close>
  void close_child(const Close& e) const {
    out.initiated = e.initiated;
    out.started = e.started;
  }
  void refer(EventId scheduled, EventId started) const {
    out.scheduled = scheduled;
    out.started = started;
  }
  void fail(const FailureRef& failure) const {
    if (failure != nullptr) out.error = failure->type ? std::string(failure->type.text()) : failure->message;
  }
};

}  // namespace

std::string_view to_string(EventKind kind) {
  return kind == EventKind::unknown ? std::string_view("?") : kNames[static_cast<std::size_t>(kind)];
}

EventKind event_kind(std::string_view type) {
  const std::string name = short_spelling(type);
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return static_cast<EventKind>(found - kNames.begin());
}

std::vector<EventFacts> event_facts(const History& history, UnixNanos start) {
  // The engine's alternatives, by index, as kinds: looked up once.
  static const auto kKinds = [] {
    std::array<EventKind, std::variant_size_v<Attributes>> kinds{};
    for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = event_kind(type_name(i));
    return kinds;
  }();
  std::vector<EventFacts> out(history.last_id());
  for (EventId id = 1; id <= history.last_id(); ++id) {
    const HistoryEvent& event = history.at(id);
    EventFacts& facts = out[id - 1];
    facts.kind = kKinds[event.attributes.index()];
    facts.id = id;
    facts.time = start + (event.time - Instant{});
    std::visit(FactsOf{facts}, event.attributes);
  }
  return out;
}

}  // namespace dvt::engine
