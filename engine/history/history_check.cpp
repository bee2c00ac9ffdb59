#include "engine/history/history_check.h"

#include <algorithm>
#include <array>

#include "engine/base/format.h"

namespace dvt::engine {
namespace {

using K = EventKind;

// ---- The rules ----

constexpr std::array kRules = {
    HistoryRule{"ids-are-contiguous", "event ids count 1, 2, 3 …"},
    HistoryRule{"first-event-starts", "WorkflowExecutionStarted is the first event, and only the first"},
    HistoryRule{"types-are-known", "every event's type is one of Temporal's"},
    HistoryRule{"references-are-given", "an event names the events it must refer to"},
    HistoryRule{"references-point-back", "a reference names an earlier event of the right type"},
    HistoryRule{"references-agree", "a close and the start it names speak of the same thing"},
    HistoryRule{"one-workflow-task", "one workflow task is outstanding at most; it is started once and closed once"},
    HistoryRule{"nothing-during-a-task", "a started workflow task's close is the next event: what arrives is buffered"},
    HistoryRule{"commands-follow-their-task",
                "events of commands follow WorkflowTaskCompleted directly and carry its id"},
    HistoryRule{"started-once", "an activity, child or operation starts once at most"},
    HistoryRule{"closed-once", "an activity, timer, child or operation closes once at most"},
    HistoryRule{"nothing-after-the-close", "a closing event of the execution is the last event"},
    HistoryRule{"ids-of-open-things-differ", "two open activities, or two open timers, have different ids"},
    HistoryRule{"starts-are-written-with-closes",
                "an activity with a retry policy gets its started event when it closes"},
    HistoryRule{"attempts-fit-the-policy",
                "attempts count from 1, do not exceed the policy, and only later ones have a last failure"},
    HistoryRule{"timeouts-fit", "a timeout says its type, has or lacks a start as that type must, and was asked for"},
    HistoryRule{"nothing-ends-before-its-time",
                "starts are not before their schedule, closes not before their start, timers and timeouts not early"},
    HistoryRule{"closes-are-flushed-last",
                "what was buffered follows the workflow task with closes of activities, children and operations last"},
    HistoryRule{"events-wake-a-task",
                "what arrives while no workflow task is outstanding gets one before anything else arrives"},
    HistoryRule{"cancels-follow-requests",
                "a cancelled activity names its cancel request; one that had not started closes with that task"},
    HistoryRule{"transient-tasks-complete",
                "a workflow task's attempt of 2 or more is recorded when it completes, after a task that did not"},
    HistoryRule{"task-failures-have-reasons",
                "UNHANDLED_COMMAND is followed by buffered events, FORCE_CLOSE_COMMAND by the execution's end"},
};

enum class Rule : std::uint8_t {
  ids,
  first,
  known,
  given,
  point_back,
  agree,
  one_task,
  during_task,
  commands,
  started_once,
  closed_once,
  after_close,
  open_ids,
  start_with_close,
  attempts,
  timeouts,
  times,
  flush,
  wake,
  cancels,
  transient,
  task_failures,
};
static_assert(kRules.size() == static_cast<std::size_t>(Rule::task_failures) + 1);

// ---- What is known of each type of event ----

enum class Role : std::uint8_t {
  start,
  task,     // workflow tasks
  command,  // written by a command of a workflow task, with that task's id
  message,  // written among the commands, by messages of the same task (updates)
  end,      // a command that closes the execution
  cut,      // the server closes the execution
  outside,  // everything that may have to wait for a workflow task to close
};

struct Refers {
  EventId EventFacts::*field = nullptr;
  std::string_view name;
  K to = K::unknown;
  bool required = true;
};

struct TypeRules {
  Role role = Role::outside;
  std::array<Refers, 3> refers{};
  bool close = false;  // flushed last; closes what its first reference names
};

constexpr Refers scheduled(K to) {
  return {&EventFacts::scheduled, "scheduledEventId", to};
}
constexpr Refers started(K to, bool required = true) {
  return {&EventFacts::started, "startedEventId", to, required};
}
constexpr Refers initiated(K to) {
  return {&EventFacts::initiated, "initiatedEventId", to};
}
constexpr Refers completed() {
  return {&EventFacts::task_completed, "workflowTaskCompletedEventId", K::workflow_task_completed};
}

constexpr std::array<TypeRules, static_cast<std::size_t>(K::unknown) + 1> kTypes = [] {
  std::array<TypeRules, static_cast<std::size_t>(K::unknown) + 1> types{};
  const auto set = [&types](K kind, TypeRules rules) { types[static_cast<std::size_t>(kind)] = rules; };
  set(K::workflow_execution_started, {Role::start, {}});
  for (const K kind : {K::workflow_execution_completed, K::workflow_execution_failed, K::workflow_execution_canceled,
                       K::workflow_execution_continued_as_new})
    set(kind, {Role::end, {completed()}});
  set(K::workflow_execution_timed_out, {Role::cut, {}});
  set(K::workflow_execution_terminated, {Role::cut, {}});

  set(K::workflow_task_scheduled, {Role::task, {}});
  set(K::workflow_task_started, {Role::task, {scheduled(K::workflow_task_scheduled)}});
  set(K::workflow_task_completed,
      {Role::task, {scheduled(K::workflow_task_scheduled), started(K::workflow_task_started)}});
  set(K::workflow_task_failed,
      {Role::task, {scheduled(K::workflow_task_scheduled), started(K::workflow_task_started)}});
  set(K::workflow_task_timed_out,
      {Role::task, {scheduled(K::workflow_task_scheduled), started(K::workflow_task_started, false)}});

  set(K::activity_task_scheduled, {Role::command, {completed()}});
  set(K::activity_task_started, {Role::outside, {scheduled(K::activity_task_scheduled)}});
  const Refers of_activity = scheduled(K::activity_task_scheduled);
  set(K::activity_task_completed, {Role::outside, {of_activity, started(K::activity_task_started)}, true});
  set(K::activity_task_failed, {Role::outside, {of_activity, started(K::activity_task_started)}, true});
  set(K::activity_task_timed_out, {Role::outside, {of_activity, started(K::activity_task_started, false)}, true});
  set(K::activity_task_cancel_requested, {Role::command, {of_activity, completed()}});
  set(K::activity_task_canceled,
      {Role::outside,
       {of_activity,
        started(K::activity_task_started, false),
        {&EventFacts::cancel_requested, "latestCancelRequestedEventId", K::activity_task_cancel_requested}},
       true});

  set(K::timer_started, {Role::command, {completed()}});
  set(K::timer_fired, {Role::outside, {started(K::timer_started)}});
  set(K::timer_canceled, {Role::command, {started(K::timer_started), completed()}});

  for (const K kind : {K::marker_recorded, K::upsert_workflow_search_attributes, K::workflow_properties_modified,
                       K::start_child_workflow_execution_initiated, K::signal_external_workflow_execution_initiated,
                       K::request_cancel_external_workflow_execution_initiated, K::nexus_operation_scheduled})
    set(kind, {Role::command, {completed()}});

  const Refers of_child = initiated(K::start_child_workflow_execution_initiated);
  set(K::start_child_workflow_execution_failed, {Role::outside, {of_child}});
  set(K::child_workflow_execution_started, {Role::outside, {of_child}});
  for (const K kind :
       {K::child_workflow_execution_completed, K::child_workflow_execution_failed, K::child_workflow_execution_canceled,
        K::child_workflow_execution_timed_out, K::child_workflow_execution_terminated})
    set(kind, {Role::outside, {of_child, started(K::child_workflow_execution_started)}, true});

  for (const K kind : {K::external_workflow_execution_signaled, K::signal_external_workflow_execution_failed})
    set(kind, {Role::outside, {initiated(K::signal_external_workflow_execution_initiated)}});
  for (const K kind :
       {K::external_workflow_execution_cancel_requested, K::request_cancel_external_workflow_execution_failed})
    set(kind, {Role::outside, {initiated(K::request_cancel_external_workflow_execution_initiated)}});

  const Refers of_operation = scheduled(K::nexus_operation_scheduled);
  set(K::nexus_operation_started, {Role::outside, {of_operation}});
  for (const K kind : {K::nexus_operation_completed, K::nexus_operation_failed, K::nexus_operation_canceled,
                       K::nexus_operation_timed_out})
    set(kind, {Role::outside, {of_operation}, true});
  set(K::nexus_operation_cancel_requested, {Role::command, {of_operation, completed()}});

  set(K::workflow_execution_update_accepted, {Role::message, {}});
  set(K::workflow_execution_update_rejected, {Role::message, {}});
  set(K::workflow_execution_update_completed,
      {Role::message, {Refers{&EventFacts::accepted, "acceptedEventId", K::workflow_execution_update_accepted}}});
  return types;
}();

const TypeRules& rules_of(K kind) {
  return kTypes[static_cast<std::size_t>(kind)];
}

// What ends a timer, an activity, a child, …: the closes that are flushed last, and these.
bool ends_something(K kind) {
  return rules_of(kind).close || kind == K::timer_fired || kind == K::timer_canceled ||
         kind == K::start_child_workflow_execution_failed || kind == K::external_workflow_execution_signaled ||
         kind == K::signal_external_workflow_execution_failed ||
         kind == K::external_workflow_execution_cancel_requested ||
         kind == K::request_cancel_external_workflow_execution_failed || kind == K::workflow_execution_update_completed;
}
bool starts_something(K kind) {
  return kind == K::activity_task_started || kind == K::child_workflow_execution_started ||
         kind == K::nexus_operation_started;
}

// ---- The check ----

class Check {
 public:
  explicit Check(std::span<const EventFacts> events) : events_(events), subjects_(events.size() + 1) {}

  std::vector<HistoryBreach> run() {
    for (at_ = 1; at_ <= events_.size(); ++at_) {
      if (failed_task_ != 0) check_after_failed_task();
      check_event(event(at_));
    }
    return std::move(breaches_);
  }

 private:
  // What became of the event that opened an activity, timer, child, operation, …
  struct Subject {
    EventId started = 0;
    EventId closed = 0;
  };
  enum class Task : std::uint8_t { none, scheduled, started };

  const EventFacts& event(EventId place) const { return events_[place - 1]; }
  static std::string named(EventId place, K kind) { return fmt::format("event {} ({})", place, to_string(kind)); }
  std::string named(EventId place) const { return named(place, event(place).kind); }

  template <class... Args>
  void broken(Rule rule, fmt::format_string<Args...> text, Args&&... args) {
    breaches_.push_back(
        {kRules[static_cast<std::size_t>(rule)].name, at_, fmt::format(text, std::forward<Args>(args)...)});
  }

  // The earlier event of that type, or null (and a breach).
  const EventFacts* earlier(EventId id, K type, std::string_view reference) {
    if (id >= at_) {
      broken(Rule::point_back, "{} {} is not an earlier event", reference, id);
      return nullptr;
    }
    if (event(id).kind == type) return &event(id);
    broken(Rule::point_back, "{} {} is {}, expected {}", reference, id, to_string(event(id).kind), to_string(type));
    return nullptr;
  }

  void check_event(const EventFacts& e) {
    const TypeRules& type = rules_of(e.kind);
    if (e.id != at_) broken(Rule::ids, "eventId {} stands in place {}", e.id, at_);
    if (e.kind == K::unknown) broken(Rule::known, "'{}' is no type of event that is known", e.type);
    if ((at_ == 1) != (type.role == Role::start))
      broken(Rule::first, "{} is {} first event", to_string(e.kind), at_ == 1 ? "the" : "not the");
    if (ended_ != 0) broken(Rule::after_close, "the execution closed with {}", named(ended_));

    bool refers_well = true;
    for (const Refers& refers : type.refers) {
      if (refers.field == nullptr) continue;
      const EventId id = e.*refers.field;
      if (id == 0) {
        if (refers.required) broken(Rule::given, "{} is missing", refers.name);
        refers_well = refers_well && !refers.required;
      } else if (earlier(id, refers.to, refers.name) == nullptr) {
        refers_well = false;
      }
    }
    if (task_ == Task::started && type.role != Role::task)
      broken(Rule::during_task, "workflow task {} is started and not closed", task_scheduled_);

    check_order(e, type, refers_well);
    if (refers_well) check_subject(e, type);
    if (type.role == Role::end || type.role == Role::cut) ended_ = at_;
  }

  // Where an event may stand: tasks, commands and what is flushed behind them.
  void check_order(const EventFacts& e, const TypeRules& type, bool refers_well) {
    if (type.role != Role::outside) check_open_starts(e, type.role);
    switch (type.role) {
      case Role::start:
        break;
      case Role::task:
        check_task(e, refers_well);
        break;
      case Role::command:
      case Role::end:
      case Role::message: {
        if (commands_of_ == 0) {
          broken(Rule::commands, "it does not follow a WorkflowTaskCompleted directly");
        } else if (e.task_completed != 0 && e.task_completed != commands_of_) {
          broken(Rule::commands, "workflowTaskCompletedEventId is {}, the task before it completed with event {}",
                 e.task_completed, commands_of_);
        }
        break;
      }
      case Role::cut:
        commands_of_ = 0;
        if (task_ == Task::started) task_ = Task::none;  // told already
        break;
      case Role::outside:
        // An activity that has not started is cancelled by the command itself: among the commands, or in the flush.
        if (e.kind == K::activity_task_canceled && e.started == 0) {
          if (waking_ == 0) waking_ = at_;
          break;
        }
        commands_of_ = 0;
        if (!flushing_) break;
        check_woken(e);
        if (type.close) {
          first_close_ = first_close_ == 0 ? at_ : first_close_;
        } else if (first_close_ != 0) {
          broken(Rule::flush, "it was flushed after {}", named(first_close_));
        }
        break;
    }
  }

  // What came after the task completed was not buffered: something that came before it has had its task by then. A
  // start is dated when it happened and written with its close.
  void check_woken(const EventFacts& e) {
    if (e.kind == K::activity_task_started || e.kind == K::workflow_execution_options_updated) return;
    if (waking_ == 0) {
      waking_ = at_;
    } else if (event(task_event_).time < e.time) {
      broken(Rule::wake, "{} came before it and got no workflow task", named(waking_));
    }
  }

  void check_task(const EventFacts& e, bool refers_well) {
    task_event_ = at_;
    if (e.kind != K::workflow_task_started) {
      flushing_ = e.kind == K::workflow_task_completed;
      first_close_ = 0;
      waking_ = 0;
    }
    commands_of_ = 0;
    switch (e.kind) {
      case K::workflow_task_scheduled:
        if (task_ != Task::none) broken(Rule::one_task, "workflow task {} is outstanding", task_scheduled_);
        task_ = Task::scheduled;
        task_scheduled_ = at_;
        if (e.attempt >= 2) check_transient();
        return;
      case K::workflow_task_started:
        if (task_ != Task::scheduled || (e.scheduled != 0 && e.scheduled != task_scheduled_))
          broken(Rule::one_task, "it starts workflow task {}, {}", e.scheduled, outstanding());
        task_ = Task::started;
        task_started_ = at_;
        break;
      default: {
        const bool in_time = task_ == Task::started || (e.kind == K::workflow_task_timed_out && e.started == 0);
        if (!in_time || task_ == Task::none || e.scheduled != task_scheduled_ ||
            (e.started != 0 && e.started != task_started_))
          broken(Rule::one_task, "it closes workflow task {} started by {}, {}", e.scheduled, e.started, outstanding());
        task_ = Task::none;
        task_did_not_complete_ = e.kind != K::workflow_task_completed;
        if (e.kind == K::workflow_task_completed) commands_of_ = at_;
        if (e.kind == K::workflow_task_failed) failed_task_ = at_;
        if (e.kind == K::workflow_task_timed_out) check_task_timeout(e);
      }
    }
    if (!refers_well) return;
    if (e.time < event(e.scheduled).time) early(e.scheduled, {});
    if (e.started != 0 && e.time < event(e.started).time) early(e.started, {});
  }
  std::string outstanding() const {
    if (task_ == Task::none) return "none is outstanding";
    return fmt::format("outstanding is task {}, {}", task_scheduled_,
                       task_ == Task::started ? fmt::format("started by {}", task_started_) : "not started");
  }
  void check_transient() {
    if (!task_did_not_complete_) broken(Rule::transient, "attempt {} follows no failed task", event(at_).attempt);
    const auto kind_at = [this](EventId place) { return place <= events_.size() ? event(place).kind : K::unknown; };
    if (at_ + 2 > events_.size()) return;  // cut short
    if (kind_at(at_ + 1) != K::workflow_task_started || kind_at(at_ + 2) != K::workflow_task_completed)
      broken(Rule::transient, "attempt {} is followed by {} and {}, expected its start and its completion",
             event(at_).attempt, to_string(kind_at(at_ + 1)), to_string(kind_at(at_ + 2)));
  }
  void check_after_failed_task() {
    const std::string& cause = event(failed_task_).error;
    const Role next = rules_of(event(at_).kind).role;
    if (cause == "UNHANDLED_COMMAND" && next != Role::outside)
      broken(Rule::task_failures, "event {} failed for an unhandled event, and none follows", failed_task_);
    if (cause == "FORCE_CLOSE_COMMAND" && next != Role::outside && next != Role::cut)
      broken(Rule::task_failures, "event {} was forced closed, and the execution goes on", failed_task_);
    failed_task_ = 0;
  }
  void check_task_timeout(const EventFacts& e) {
    if (!e.timeout) {
      broken(Rule::timeouts, "it has no timeoutType");
    } else if ((*e.timeout == TimeoutType::schedule_to_start) != (e.started == 0)) {
      broken(Rule::timeouts, "{} {} a startedEventId", to_string(*e.timeout), e.started == 0 ? "needs" : "has no");
    }
  }

  // Nothing but what was flushed stands between an activity's start and its close, when it has a retry policy.
  void check_open_starts(const EventFacts& e, Role role) {
    if (role == Role::message || open_starts_.empty()) return;
    for (const EventId start : open_starts_)
      broken(Rule::start_with_close, "{} has no close before {}", named(start), to_string(e.kind));
    open_starts_.clear();
  }

  // ---- Activities, timers, children, operations ----

  void check_subject(const EventFacts& e, const TypeRules& type) {
    if (e.kind == K::activity_task_scheduled || e.kind == K::timer_started) check_open_id(e);
    if (starts_something(e.kind)) check_start(e);
    if (!ends_something(e.kind)) return;
    const EventId opened = e.*type.refers[0].field;
    Subject& subject = subjects_[opened];
    if (subject.closed != 0) broken(Rule::closed_once, "{} was closed by {}", named(opened), named(subject.closed));
    if (type.close && e.started != 0 && opener(event(e.started)) != opened)
      broken(Rule::agree, "it closes {}, its startedEventId {} started {}", named(opened), e.started,
             opener(event(e.started)));
    if (type.close && e.kind != K::activity_task_canceled && e.started == 0 && subject.started != 0 &&
        event(opened).kind == K::activity_task_scheduled)
      broken(Rule::agree, "{} was started by {}, and the close does not say so", named(opened), named(subject.started));
    subject.closed = at_;
    if (e.started != 0) std::erase(open_starts_, e.started);
    check_close_time(e, opened);
    if (e.kind == K::activity_task_timed_out) check_activity_timeout(e, event(opened));
    if (e.kind == K::activity_task_canceled) check_cancel(e);
  }
  // The event that a start, or a cancel request, belongs to.
  static EventId opener(const EventFacts& e) { return e.scheduled != 0 ? e.scheduled : e.initiated; }

  void check_open_id(const EventFacts& e) {
    if (e.subject.empty()) return;
    std::vector<EventId>& open = e.kind == K::timer_started ? open_timers_ : open_activities_;
    std::erase_if(open, [this](EventId id) { return subjects_[id].closed != 0; });
    for (const EventId id : open)
      if (event(id).subject == e.subject)
        broken(Rule::open_ids, "id '{}' is that of {}, which is open", e.subject, named(id));
    open.push_back(at_);
  }

  void check_start(const EventFacts& e) {
    const EventId opened = opener(e);
    Subject& subject = subjects_[opened];
    if (subject.closed != 0) broken(Rule::closed_once, "{} was closed by {}", named(opened), named(subject.closed));
    if (subject.started != 0) broken(Rule::started_once, "{} was started by {}", named(opened), named(subject.started));
    subject.started = at_;
    if (e.time < event(opened).time) early(opened, {});
    if (e.kind != K::activity_task_started) return;
    const EventFacts& activity = event(opened);
    if (activity.retry_policy) open_starts_.push_back(at_);
    if (e.attempt == 0) return;  // old servers did not say
    const std::uint32_t most = activity.retry_policy ? activity.maximum_attempts : 1;
    if (most != 0 && e.attempt > most)
      broken(Rule::attempts, "attempt {}, the policy of {} allows {}", e.attempt, named(opened), most);
    if (e.attempt == 1 && e.last_failure) broken(Rule::attempts, "attempt 1 has a last failure");
    if (e.attempt > 1 && !e.last_failure) broken(Rule::attempts, "attempt {} has no last failure", e.attempt);
  }

  void check_close_time(const EventFacts& e, EventId opened) {
    if (e.kind == K::timer_fired) return early_unless(opened, event(opened).start_to_close);
    early_unless(e.started != 0 ? e.started : opened, {});
  }
  void early_unless(EventId since, Duration at_least) {
    if (event(at_).time < event(since).time + at_least) early(since, at_least);
  }
  void early(EventId since, Duration at_least) {
    const Duration after{event(at_).time.ns - event(since).time.ns};
    broken(Rule::times, "it came {} after {}, expected {} at least", format_duration(after), named(since),
           format_duration(at_least));
  }

  void check_activity_timeout(const EventFacts& e, const EventFacts& activity) {
    if (!e.timeout) return broken(Rule::timeouts, "its failure has no timeoutType");
    Duration limit;
    EventId since = e.scheduled;
    switch (*e.timeout) {
      case TimeoutType::start_to_close:
      case TimeoutType::heartbeat:
        if (e.started == 0) return broken(Rule::timeouts, "{} needs a startedEventId", to_string(*e.timeout));
        limit = *e.timeout == TimeoutType::heartbeat ? activity.heartbeat : activity.start_to_close;
        since = e.started;
        break;
      case TimeoutType::schedule_to_start:
        if (e.started != 0) return broken(Rule::timeouts, "SCHEDULE_TO_START has no startedEventId");
        limit = activity.schedule_to_start;
        break;
      case TimeoutType::schedule_to_close:
        limit = activity.schedule_to_close;
        break;
    }
    if (limit.ns == 0) {
      broken(Rule::timeouts, "{} has no {} timeout", named(e.scheduled), to_string(*e.timeout));
    } else if (*e.timeout == TimeoutType::schedule_to_close && e.started != 0 && attempt_ran_out(e, activity)) {
      return;  // another attempt would not have ended in time: the server gives up at once
    } else {
      early_unless(since, limit);
    }
  }

  bool attempt_ran_out(const EventFacts& e, const EventFacts& activity) const {
    const UnixNanos start = event(e.started).time;
    return (activity.start_to_close.ns > 0 && e.time >= start + activity.start_to_close) ||
           (activity.heartbeat.ns > 0 && e.time >= start + activity.heartbeat);
  }

  void check_cancel(const EventFacts& e) {
    const EventFacts& request = event(e.cancel_requested);
    if (request.scheduled != e.scheduled)
      broken(Rule::cancels, "latestCancelRequestedEventId {} is of activity {}", e.cancel_requested, request.scheduled);
    if (e.started == 0 && e.cancel_requested < task_event_)
      broken(Rule::cancels, "the activity had not started, and {} belongs to an earlier task",
             named(e.cancel_requested));
  }

  std::span<const EventFacts> events_;
  std::vector<HistoryBreach> breaches_;
  std::vector<Subject> subjects_;  // by the place of the event that opened it
  EventId at_ = 0;
  EventId ended_ = 0;
  EventId task_event_ = 0;  // the last of a workflow task
  Task task_ = Task::none;
  EventId task_scheduled_ = 0;
  EventId task_started_ = 0;
  bool task_did_not_complete_ = false;  // the last task
  EventId failed_task_ = 0;             // WorkflowTaskFailed, until the next event is seen
  EventId commands_of_ = 0;             // WorkflowTaskCompleted whose commands may stand here
  bool flushing_ = false;               // between a completed task and the next one
  EventId first_close_ = 0;             // of the flush
  EventId waking_ = 0;                  // the first event since the completed task that needs another one
  std::vector<EventId> open_starts_;    // ActivityTaskStarted whose close must come
  std::vector<EventId> open_activities_;
  std::vector<EventId> open_timers_;
};

}  // namespace

std::span<const HistoryRule> history_rules() {
  return kRules;
}

std::vector<HistoryBreach> check_history(std::span<const EventFacts> events) {
  return Check(events).run();
}

std::string to_string(const HistoryBreach& breach, std::span<const EventFacts> events) {
  return fmt::format("{} at event {} ({}): {}", breach.rule, breach.event, to_string(events[breach.event - 1].kind),
                     breach.message);
}

}  // namespace dvt::engine
