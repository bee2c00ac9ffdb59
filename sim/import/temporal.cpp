#include "sim/import/temporal.h"

#include <algorithm>
#include <map>

#include "engine/base/format.h"
#include "engine/base/json.h"
#include "engine/plan/sim_notes.h"
#include "sim/scenario/scalars.h"

namespace dvt::sim {
namespace {

using K = engine::EventKind;
using engine::EventFacts;
using engine::EventId;

constexpr Duration kShortestStep = microseconds(1);  // between two closes, so that they keep their order

// A name for plans and steps: what stands between slashes, quotes and the like is no name in YAML nor in a path.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    out += good ? c : '-';
  }
  return out.empty() ? "unnamed" : out;
}

// For comments: a line break in a recorded name would begin a line of the scenario.
std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return text;
}

std::string yaml_text(std::string_view text) {
  std::string out;
  json::append_string(out, text);  // JSON's strings are YAML's
  return out;
}

bool is_close(K kind) {
  return kind == K::activity_task_completed || kind == K::activity_task_failed || kind == K::activity_task_timed_out ||
         kind == K::activity_task_canceled;
}

ActivityEnd end_of(K kind) {
  switch (kind) {
    case K::activity_task_completed:
      return ActivityEnd::completed;
    case K::activity_task_failed:
      return ActivityEnd::failed;
    case K::activity_task_timed_out:
      return ActivityEnd::timed_out;
    default:
      return ActivityEnd::cancelled;
  }
}

// What opens and closes work without activities. A close names its opening event as `initiated` (children), `started`
// (timers) or `scheduled` (Nexus operations).
struct Closing {
  EventId opened = 0;
  ActivityEnd end = ActivityEnd::completed;
};
std::optional<Closing> closing_of(const EventFacts& event) {
  switch (event.kind) {
    case K::timer_fired:
      return Closing{event.started, ActivityEnd::completed};
    case K::timer_canceled:
      return Closing{event.started, ActivityEnd::cancelled};
    case K::child_workflow_execution_completed:
      return Closing{event.initiated, ActivityEnd::completed};
    case K::child_workflow_execution_timed_out:
      return Closing{event.initiated, ActivityEnd::timed_out};
    case K::child_workflow_execution_canceled:
      return Closing{event.initiated, ActivityEnd::cancelled};
    case K::child_workflow_execution_failed:
    case K::child_workflow_execution_terminated:
    case K::start_child_workflow_execution_failed:
      return Closing{event.initiated, ActivityEnd::failed};
    case K::nexus_operation_completed:
      return Closing{event.scheduled, ActivityEnd::completed};
    case K::nexus_operation_timed_out:
      return Closing{event.scheduled, ActivityEnd::timed_out};
    case K::nexus_operation_canceled:
      return Closing{event.scheduled, ActivityEnd::cancelled};
    case K::nexus_operation_failed:
      return Closing{event.scheduled, ActivityEnd::failed};
    default:
      return std::nullopt;
  }
}
std::optional<RecordedWork::Kind> kind_of_work(K kind) {
  switch (kind) {
    case K::timer_started:
      return RecordedWork::Kind::timer;
    case K::start_child_workflow_execution_initiated:
      return RecordedWork::Kind::child;
    case K::nexus_operation_scheduled:
      return RecordedWork::Kind::nexus;
    default:
      return std::nullopt;
  }
}

// Of everything that was closed before each one was opened, what nothing else that was closed before waited for.
template <class Work, class Opened>
void find_waits(std::vector<Work>& all, Opened opened) {
  for (Work& one : all) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      const EventId closed = all[i].closed_event;
      if (closed == 0 || closed > opened(one)) continue;
      const bool follows = std::any_of(all.begin(), all.end(), [&](const Work& other) {
        return other.closed_event != 0 && other.closed_event < opened(one) && opened(other) > closed;
      });
      if (!follows) one.after.push_back(i);
    }
  }
}

// When each was closed, strictly rising in the order of the closing events; what is open closes last of all.
template <class Work>
std::vector<Duration> rising_closes(const std::vector<Work>& all, Duration length) {
  std::vector<Duration> closes(all.size());
  std::vector<std::size_t> order(all.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto closing_event = [&all](std::size_t i) {
    return all[i].closed_event == 0 ? UINT32_MAX : all[i].closed_event;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return closing_event(a) < closing_event(b); });
  Duration last{INT64_MIN / 2};
  for (const std::size_t i : order) {
    last = std::max(all[i].closed_at.value_or(length), last + kShortestStep);
    closes[i] = last;
  }
  return closes;
}

bool closes_execution(K kind) {
  switch (kind) {
    case K::workflow_execution_completed:
    case K::workflow_execution_failed:
    case K::workflow_execution_timed_out:
    case K::workflow_execution_canceled:
    case K::workflow_execution_terminated:
    case K::workflow_execution_continued_as_new:
      return true;
    default:
      return false;
  }
}

// What a scenario cannot do again.
bool has_no_counterpart(K kind) {
  return kind == K::signal_external_workflow_execution_initiated ||
         kind == K::request_cancel_external_workflow_execution_initiated ||
         kind == K::workflow_execution_update_accepted || kind == K::marker_recorded ||
         kind == K::upsert_workflow_search_attributes || kind == K::workflow_task_failed ||
         kind == K::workflow_task_timed_out;
}

std::string_view left_out_name(RecordedWork::Kind kind) {
  switch (kind) {
    case RecordedWork::Kind::timer:
      return "TimerStarted";
    case RecordedWork::Kind::child:
      return "StartChildWorkflowExecutionInitiated";
    case RecordedWork::Kind::nexus:
      return "NexusOperationScheduled";
  }
  return "?";
}

std::string_view dvt_signal(std::string_view name) {
  for (const std::string_view known : {"PAUSE", "RESUME"}) {
    const bool same = std::equal(name.begin(), name.end(), known.begin(), known.end(), [](char a, char b) {
      return (a >= 'a' && a <= 'z' ? static_cast<char>(a - 'a' + 'A') : a) == b;
    });
    if (same) return known;
  }
  return {};
}

// One workflow as stages: activities that waited for the same closes.
struct Stages {
  std::vector<std::size_t> closed_before;  // by activity: how many others were closed when it was scheduled
  std::vector<Duration> closes;            // by activity: strictly rising in the order of the closing events
  bool layered = true;                     // no stage began before the former one was over

  explicit Stages(const RecordedWorkflow& workflow) {
    const auto& activities = workflow.activities;
    for (const RecordedActivity& activity : activities) {
      const auto before = [&activity](const RecordedActivity& other) {
        return other.closed_event != 0 && other.closed_event < activity.scheduled_event;
      };
      closed_before.push_back(static_cast<std::size_t>(std::count_if(activities.begin(), activities.end(), before)));
    }
    // In order of scheduling: a later stage begins when everything scheduled in the ones before it is closed.
    std::size_t first_of_stage = 0;
    for (std::size_t i = 0; i < activities.size(); ++i) {
      if (i > 0 && closed_before[i] != closed_before[i - 1]) first_of_stage = i;
      if (closed_before[i] != first_of_stage) layered = false;
    }
    closes = rising_closes(activities, workflow.length);
  }

  Duration duration_of(const RecordedWorkflow& workflow, std::size_t i) const {
    const auto& activities = workflow.activities;
    Duration since = activities.front().scheduled_at;
    if (layered) {
      for (std::size_t k = i + 1; k-- > 0 && closed_before[k] == closed_before[i];) since = activities[k].scheduled_at;
    } else {
      for (const std::size_t before : activities[i].after) since = std::max(since, closes[before]);
    }
    return std::max(closes[i] - since, kShortestStep);
  }
};

// The activity whose failure ended the work, if any: the last close, behind which nothing was scheduled.
std::optional<std::size_t> fatal_failure(const RecordedWorkflow& workflow) {
  const auto& activities = workflow.activities;
  std::size_t last = 0;
  for (std::size_t i = 0; i < activities.size(); ++i) {
    if (activities[i].closed_event == 0) return std::nullopt;
    if (activities[i].closed_event > activities[last].closed_event) last = i;
  }
  const ActivityEnd end = activities[last].end;
  const bool failed = end == ActivityEnd::failed || end == ActivityEnd::timed_out;
  if (!failed || activities[last].closed_event < activities.back().scheduled_event) return std::nullopt;
  return last;
}

class Writer {
 public:
  Writer(std::vector<const RecordedWorkflow*> workflows, const std::string& stem)
      : workflows_(std::move(workflows)), stem_(stem) {}

  Reenactment write() {
    for (const RecordedWorkflow* workflow : workflows_) add_plan(*workflow);
    const bool one = workflows_.size() == 1;
    line("# Re-enacts {}; made by `dvtsim import temporal`.",
         one ? fmt::format("a recorded execution of {}", one_line(workflows_.front()->type))
             : fmt::format("{} recorded executions", workflows_.size()));
    for (const std::string& warning : out_.warnings) line("# {}", one_line(warning));
    line("apiVersion: dvtsim/v1");
    line("kind: Scenario");
    line("metadata: {{name: {}, description: {}}}", yaml_text(plain(stem_)),
         yaml_text(one ? fmt::format("{} as recorded in {}", workflows_.front()->type, workflows_.front()->source)
                       : fmt::format("{} recorded executions", workflows_.size())));
    line("duration: {}", format_value(minutes(rounded_up(end_) + 5)));
    line("\nworkload:\n  plans:{}", plan_lines_);
    if (one) {
      line("  arrivals: {{runs: 1}}");
    } else {
      write_arrivals();
    }
    line("  reads: {{rate: 0/s}}");
    line("\ntopology:\n  adapter: {{rpcLatency: 0s}}");
    line("  interpreter: {{taskLatency: 0s{}}}", dataflow_ ? ", kind: dataflow" : "");
    line("  stateStore: {{writeLatency: 0s, readLatency: 0s}}");
    line("  api: {{latency: 0s}}");
    if (longest_ > minutes(15))
      line("  activityOptions:\n    default: {{startToClose: {}}}", format_value(minutes(2 * rounded_up(longest_))));
    const std::size_t room = most_at_once_ + 20;
    line("  taskQueues:\n    tq-control: {{slots: {}, pollers: {}}}", room, std::min<std::size_t>(room, 100));
    line("\nwarehouses:\n  recorded: {{kinds: [custom], concurrency: {}, duration: {{small: 1s}}}}", most_at_once_);
    if (!operations_.empty()) line("\noperations:{}", operations_);
    line("\nassertions:\n  - runs.started == {}", workflows_.size());
    if (one) write_expectations(*workflows_.front());
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> text, Args&&... args) {
    out_.scenario += fmt::format(text, std::forward<Args>(args)...);
    out_.scenario += '\n';
  }
  template <class... Args>
  void warn(const RecordedWorkflow& workflow, fmt::format_string<Args...> text, Args&&... args) {
    out_.warnings.push_back(workflow.source + ": " + fmt::format(text, std::forward<Args>(args)...));
  }
  static std::int64_t rounded_up(Duration duration) { return (duration.ns + minutes(1).ns - 1) / minutes(1).ns; }

  std::string plan_name(const RecordedWorkflow& workflow) {
    const std::string base = plain(workflow.type);
    std::string name = base;
    for (std::size_t n = 2; std::find(names_.begin(), names_.end(), name) != names_.end(); ++n)
      name = fmt::format("{}-{}", base, n);
    names_.push_back(name);
    return name;
  }

  void add_plan(const RecordedWorkflow& workflow) {
    const std::string name = plan_name(workflow);
    if (workflow.activities.empty()) {
      add_script(workflow, name);
    } else {
      add_steps(workflow, name);
    }
    end_ = std::max(end_, Duration{workflow.start.ns - workflows_.front()->start.ns} + workflow.length);
    for (const RecordedSignal& signal : workflow.signals) add_signal(workflow, name, signal);
    for (const std::string& what : workflow.left_out) warn(workflow, "{} left out: no counterpart in a scenario", what);
  }

  // An execution without activities, as a script for recorded-execution.
  void add_script(const RecordedWorkflow& workflow, const std::string& name) {
    plan_lines_ += fmt::format("\n    {}:\n      workflow: recorded-execution\n      input:\n        end: {}", name,
                               script_end(workflow));
    plan_lines_ += workflow.work.empty() ? "\n        operations: []" : "\n        operations:";
    const std::vector<Duration> closes = rising_closes(workflow.work, workflow.length);
    std::size_t nexus = 0;
    for (std::size_t i = 0; i < workflow.work.size(); ++i) {
      const RecordedWork& work = workflow.work[i];
      if (work.kind == RecordedWork::Kind::nexus) ++nexus;
      Duration since = workflow.work.front().opened_at;
      for (const std::size_t before : work.after) since = std::max(since, closes[before]);
      add_operation(workflow, i, std::max(closes[i] - since, kShortestStep));
    }
    if (nexus > 0) warn(workflow, "{} Nexus operations become child workflows that take their time", nexus);
    const bool as_it_ended = workflow.ended.empty() || workflow.ended == "WorkflowExecutionCompleted" ||
                             workflow.ended == "WorkflowExecutionFailed" ||
                             workflow.ended == "WorkflowExecutionContinuedAsNew" || ends_cancelled(workflow);
    if (!as_it_ended) warn(workflow, "ended with {}: the run fails", workflow.ended);
    if (workflow.ended == "WorkflowExecutionContinuedAsNew")
      warn(workflow, "the execution it continued as is not recorded: it does nothing");
  }
  void add_operation(const RecordedWorkflow& workflow, std::size_t place, Duration takes) {
    const RecordedWork& work = workflow.work[place];
    const bool timer = work.kind == RecordedWork::Kind::timer;
    const bool cancelled_timer = timer && work.end == ActivityEnd::cancelled;
    if (timer && work.end != ActivityEnd::completed) takes = takes + hours(1);  // it must not fire
    std::string text = fmt::format("{{kind: {}", timer ? "timer" : "child");
    if (!timer) text += ", type: " + yaml_text(work.name);
    text += ", takes: " + format_value(takes);
    const auto numbers = [&text](std::string_view key, const std::vector<std::size_t>& places) {
      if (places.empty()) return;
      std::vector<std::size_t> from_one;
      for (const std::size_t i : places) from_one.push_back(i + 1);
      text += fmt::format(", {}: [{}]", key, fmt::join(from_one, ", "));
    };
    numbers("after", work.after);
    if (cancelled_timer) {
      std::vector<std::size_t> until;  // what was closed while it ran
      for (std::size_t i = 0; i < workflow.work.size(); ++i) {
        const EventId closed = workflow.work[i].closed_event;
        if (closed != 0 && closed > work.opened_event && closed < work.closed_event) until.push_back(i);
      }
      numbers("until", until);
    }
    switch (work.end) {
      case ActivityEnd::completed:
        break;
      case ActivityEnd::open:
        text += ", end: open";
        break;
      case ActivityEnd::timed_out:
        text += ", end: timed_out";
        break;
      case ActivityEnd::cancelled:
        text += timer ? ", end: cancelled" : ", end: failed";
        if (!timer) warn(workflow, "child {} was cancelled: it fails", work.name);
        break;
      case ActivityEnd::failed:
        text += ", end: failed";
        break;
    }
    plan_lines_ += "\n          - " + text + "}";
  }
  static bool ends_cancelled(const RecordedWorkflow& workflow) {
    return workflow.ended == "WorkflowExecutionCanceled" &&
           std::any_of(workflow.signals.begin(), workflow.signals.end(),
                       [](const RecordedSignal& signal) { return signal.name.empty(); });
  }
  static std::string_view script_end(const RecordedWorkflow& workflow) {
    if (workflow.ended.empty() || ends_cancelled(workflow)) return "open";
    if (workflow.ended == "WorkflowExecutionCompleted") return "completed";
    return workflow.ended == "WorkflowExecutionContinuedAsNew" ? "continued_as_new" : "failed";
  }

  // What the one run must come to.
  void write_expectations(const RecordedWorkflow& workflow) {
    const bool signalled = !operations_.empty();
    if (!workflow.activities.empty()) {
      if (signalled) return;
      line("  - runs.{} == 1", fails_ ? "failed" : "completed");
      line("  - counts.step_activities == {}", workflow.activities.size());
      return;
    }
    const std::string_view end = script_end(workflow);
    line("  - runs.{} == 1", end == "failed"            ? "failed"
                             : ends_cancelled(workflow) ? "cancelled"
                             : end == "open"            ? "in_flight"
                                                        : "completed");
    line("  - counts.step_activities == 0");
    std::size_t children = 0, completed = 0, fired = 0;
    for (const RecordedWork& work : workflow.work) {
      const bool timer = work.kind == RecordedWork::Kind::timer;
      children += timer ? 0 : 1;
      completed += !timer && work.end == ActivityEnd::completed ? 1 : 0;
      fired += timer && work.end == ActivityEnd::completed ? 1 : 0;
    }
    line("  - counts.children_started == {} and counts.children_completed == {}", children, completed);
    line("  - counts.timers_fired == {}", fired);
  }

  void add_steps(const RecordedWorkflow& workflow, const std::string& name) {
    const std::string file = fmt::format("{}.{}.plan.json", stem_, name);
    const Stages stages(workflow);
    if (!stages.layered) dataflow_ = true;
    const std::optional<std::size_t> fatal = fatal_failure(workflow);
    fails_ = fails_ || fatal.has_value();
    engine::AnnotatedPlan annotated;
    annotated.plan.metadata.plan_id = name;
    annotated.plan.metadata.plan_version = "1";
    for (std::size_t i = 0; i < workflow.activities.size(); ++i) {
      const RecordedActivity& activity = workflow.activities[i];
      std::vector<std::string> after;
      for (const std::size_t before : activity.after) after.push_back(workflow.activities[before].step_id);
      annotated.plan.steps.push_back({activity.step_id, "custom", std::move(after)});
      engine::StepNotes notes;
      notes.duration = stages.duration_of(workflow, i);
      notes.outcome = fatal == i ? engine::RecordedOutcome::error : engine::RecordedOutcome::success;
      if (fatal == i) notes.message = activity.error;
      longest_ = std::max(longest_, *notes.duration);
      annotated.notes.push_back(std::move(notes));
      explain(workflow, activity, fatal == i);
    }
    out_.files.emplace_back(file, engine::write_plan_file(annotated));
    plan_lines_ += fmt::format("\n    {}: {{file: {}}}", name, yaml_text(file));
    most_at_once_ = std::max(most_at_once_, at_once(workflow));
    std::map<std::string_view, std::size_t> beside;
    for (const RecordedWork& work : workflow.work) ++beside[left_out_name(work.kind)];
    for (const auto& [what, count] : beside) warn(workflow, "{} {} left out: steps alone are a plan", count, what);
  }
  // What the re-enactment does differently.
  void explain(const RecordedWorkflow& workflow, const RecordedActivity& activity, bool fatal) {
    if (activity.attempts > 1)
      warn(workflow, "{}: {} attempts become one that takes their time", activity.step_id, activity.attempts);
    if (activity.end != ActivityEnd::completed && !fatal)
      warn(workflow, "{}: {} in the history; the workflow went on, so the step completes", activity.step_id,
           to_string(activity.end));
  }
  static std::size_t at_once(const RecordedWorkflow& workflow) {
    std::size_t most = 0;
    for (const RecordedActivity& at : workflow.activities) {
      const auto open = [&at](const RecordedActivity& other) {
        return other.scheduled_event <= at.scheduled_event &&
               (other.closed_event == 0 || other.closed_event > at.scheduled_event);
      };
      most = std::max(
          most, static_cast<std::size_t>(std::count_if(workflow.activities.begin(), workflow.activities.end(), open)));
    }
    return most;
  }

  void add_signal(const RecordedWorkflow& workflow, const std::string& plan, const RecordedSignal& signal) {
    std::string_view word = dvt_signal(signal.name);
    if (signal.name.empty() && workflow.ended == "WorkflowExecutionCanceled") word = "CANCEL";
    if (word.empty()) {
      warn(workflow, "{} at {} left out: no counterpart in a scenario",
           signal.name.empty() ? std::string("a cancel request") : fmt::format("signal '{}'", signal.name),
           format_duration(signal.at));
      return;
    }
    const Duration at = Duration{workflow.start.ns - workflows_.front()->start.ns} + signal.at;
    operations_ += fmt::format("\n  s{}: {{at: {}, signal: {}, as: Operator, select: {{plan: {}}}}}", ++signals_,
                               format_value(at), word, plan);
  }

  // One row a run: its start, since the first one's.
  void write_arrivals() {
    std::vector<std::int64_t> starts;
    for (const RecordedWorkflow* workflow : workflows_) starts.push_back(workflow->start.ns);
    std::sort(starts.begin(), starts.end());
    std::string csv = "start\n";
    for (const std::int64_t at : starts) csv += format_seconds(Duration{at - starts.front()}) + "\n";
    const std::string file = stem_ + ".arrivals.csv";
    out_.files.emplace_back(file, std::move(csv));
    line("  arrivals: {{process: trace, file: {}, column: start, unit: s}}", yaml_text(file));
  }

  std::vector<const RecordedWorkflow*> workflows_;  // by start
  std::string stem_;
  Reenactment out_;
  std::vector<std::string> names_;  // of plans
  std::string plan_lines_;
  std::string operations_;
  std::size_t signals_ = 0;
  std::size_t most_at_once_ = 1;
  Duration longest_;
  Duration end_;
  bool dataflow_ = false;
  bool fails_ = false;
};

}  // namespace

std::string_view to_string(ActivityEnd end) {
  switch (end) {
    case ActivityEnd::completed:
      return "completed";
    case ActivityEnd::failed:
      return "failed";
    case ActivityEnd::timed_out:
      return "timed out";
    case ActivityEnd::cancelled:
      return "cancelled";
    case ActivityEnd::open:
      return "open";
  }
  return "?";
}

std::string_view to_string(RecordedWork::Kind kind) {
  switch (kind) {
    case RecordedWork::Kind::timer:
      return "timer";
    case RecordedWork::Kind::child:
      return "child workflow";
    case RecordedWork::Kind::nexus:
      return "Nexus operation";
  }
  return "?";
}

RecordedWorkflow recorded_workflow(std::span<const EventFacts> events, std::string source) {
  RecordedWorkflow out;
  out.source = std::move(source);
  if (events.empty()) return out;
  out.start = events.front().time;
  out.type = events.front().name;
  const auto since_start = [&out](const EventFacts& event) { return Duration{event.time.ns - out.start.ns}; };
  std::map<EventId, std::size_t> by_event;       // ActivityTaskScheduled → activity
  std::map<EventId, std::size_t> work_by_event;  // opening event → work
  std::map<std::string_view, std::size_t> strange;
  for (std::size_t place = 1; place <= events.size(); ++place) {
    const EventFacts& event = events[place - 1];
    out.length = std::max(out.length, since_start(event));
    if (closes_execution(event.kind)) out.ended = to_string(event.kind);
    if (has_no_counterpart(event.kind)) ++strange[to_string(event.kind)];
    if (event.kind == K::workflow_execution_signaled) out.signals.push_back({since_start(event), event.name});
    if (event.kind == K::workflow_execution_cancel_requested) out.signals.push_back({since_start(event), {}});
    if (event.kind == K::activity_task_scheduled) {
      RecordedActivity activity;
      activity.step_id = fmt::format("a{}-{}", out.activities.size() + 1, plain(event.name));
      activity.activity_id = event.subject;
      activity.type = event.name;
      activity.scheduled_event = static_cast<EventId>(place);
      activity.scheduled_at = since_start(event);
      by_event[activity.scheduled_event] = out.activities.size();
      out.activities.push_back(std::move(activity));
      continue;
    }
    if (const auto kind = kind_of_work(event.kind)) {
      RecordedWork work;
      work.kind = *kind;
      work.name = *kind == RecordedWork::Kind::timer ? std::string() : event.name;
      work.opened_event = static_cast<EventId>(place);
      work.opened_at = since_start(event);
      work_by_event[work.opened_event] = out.work.size();
      out.work.push_back(std::move(work));
      continue;
    }
    if (const auto closing = closing_of(event)) {
      const auto opened = work_by_event.find(closing->opened);
      if (opened == work_by_event.end()) continue;
      RecordedWork& work = out.work[opened->second];
      work.closed_event = static_cast<EventId>(place);
      work.closed_at = since_start(event);
      work.end = closing->end;
      continue;
    }
    const auto found = by_event.find(event.scheduled);
    if (found == by_event.end()) continue;
    RecordedActivity& activity = out.activities[found->second];
    if (event.kind == K::activity_task_started) {
      activity.started_at = since_start(event);
      activity.attempts = std::max(event.attempt, 1U);
    } else if (is_close(event.kind)) {
      activity.closed_event = static_cast<EventId>(place);
      activity.closed_at = since_start(event);
      activity.end = end_of(event.kind);
      activity.error = event.error;
    }
  }
  for (const auto& [kind, count] : strange) out.left_out.push_back(fmt::format("{} {}", count, kind));

  find_waits(out.activities, [](const RecordedActivity& activity) { return activity.scheduled_event; });
  find_waits(out.work, [](const RecordedWork& work) { return work.opened_event; });
  return out;
}

std::vector<ActivityTypeWork> work_by_type(std::span<const RecordedWorkflow> workflows) {
  std::map<std::string, std::pair<ActivityTypeWork, std::vector<Duration>>> types;
  for (const RecordedWorkflow& workflow : workflows) {
    for (const RecordedActivity& activity : workflow.activities) {
      auto& [work, took] = types[activity.type];
      ++work.count;
      work.retries += activity.attempts > 1 ? activity.attempts - 1 : 0;
      work.failed += activity.end == ActivityEnd::failed || activity.end == ActivityEnd::timed_out ? 1 : 0;
      if (activity.closed_at) took.push_back(*activity.closed_at - activity.scheduled_at);
    }
  }
  std::vector<ActivityTypeWork> out;
  for (auto& [type, entry] : types) {
    auto& [work, took] = entry;
    work.type = type;
    std::sort(took.begin(), took.end());
    if (!took.empty()) {
      work.shortest = took.front();
      work.median = took[(took.size() - 1) / 2];
      work.longest = took.back();
    }
    out.push_back(std::move(work));
  }
  return out;
}

Reenactment reenact(std::span<const RecordedWorkflow> workflows, const std::string& stem) {
  DVT_ASSERT(!workflows.empty(), "a scenario is made of one recorded execution at least");
  std::vector<const RecordedWorkflow*> by_start;
  for (const RecordedWorkflow& workflow : workflows) by_start.push_back(&workflow);
  std::stable_sort(by_start.begin(), by_start.end(),
                   [](const RecordedWorkflow* a, const RecordedWorkflow* b) { return a->start < b->start; });
  return Writer(std::move(by_start), stem).write();
}

}  // namespace dvt::sim
