// The history checker: one history that keeps every rule, and for every rule copies of it that break it.
#include "engine/history/history_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace dvt::engine {
namespace {

using K = EventKind;

class Facts {
 public:
  Facts() = default;

  EventFacts& add(K kind) {
    events.emplace_back();
    EventFacts& added = events.back();
    added.kind = kind;
    added.id = static_cast<std::int64_t>(events.size());
    added.time = UnixNanos{seconds(added.id).ns};
    return added;
  }
  EventFacts& add(K kind, EventId scheduled, EventId started = 0) {
    EventFacts& added = add(kind);
    added.scheduled = scheduled;
    added.started = started;
    return added;
  }
  EventFacts& command(K kind, EventId completed) {
    EventFacts& added = add(kind);
    added.task_completed = completed;
    return added;
  }
  EventFacts& activity(EventId completed, const char* id) {
    EventFacts& added = command(K::activity_task_scheduled, completed);
    added.subject = id;
    added.start_to_close = seconds(10);
    added.schedule_to_start = seconds(1);
    added.retry_policy = true;
    added.maximum_attempts = 3;
    return added;
  }

  EventFacts& at(EventId place) { return events.at(place - 1); }
  /// Puts an event before `place` and moves every id and reference behind it.
  EventFacts& insert(EventId place, EventFacts added) {
    move_references(place, 1);
    added.id = place;
    if (added.time.ns == 0) added.time = at(place).time;
    events.insert(events.begin() + place - 1, std::move(added));
    number();
    return at(place);
  }
  void erase(EventId place) {
    events.erase(events.begin() + place - 1);
    move_references(place + 1, -1);
    number();
  }

  std::vector<EventFacts> events;

 private:
  void move_references(EventId from, int by) {
    for (EventFacts& event : events)
      for (EventId* reference : {&event.scheduled, &event.started, &event.initiated, &event.accepted,
                                 &event.cancel_requested, &event.task_completed})
        if (*reference >= from) *reference = static_cast<EventId>(static_cast<int>(*reference) + by);
  }
  void number() {
    for (std::size_t i = 0; i < events.size(); ++i) events[i].id = static_cast<std::int64_t>(i + 1);
  }
};

EventFacts a(K kind, EventId scheduled = 0, EventId started = 0) {
  EventFacts facts;
  facts.kind = kind;
  facts.scheduled = scheduled;
  facts.started = started;
  return facts;
}

// An event a second, so that times are round.
Facts lawful() {
  Facts f;
  f.add(K::workflow_execution_started);
  f.add(K::workflow_task_scheduled).attempt = 1;
  f.add(K::workflow_task_started, 2);
  f.add(K::workflow_task_completed, 2, 3);
  f.activity(4, "1");  // 5
  f.command(K::timer_started, 4).start_to_close = seconds(5);
  f.command(K::start_child_workflow_execution_initiated, 4);
  f.add(K::child_workflow_execution_started).initiated = 7;
  f.add(K::workflow_task_scheduled).attempt = 1;
  f.add(K::workflow_task_started, 9);  // 10
  f.add(K::workflow_task_completed, 9, 10);
  f.add(K::workflow_execution_signaled);
  EventFacts& second_try = f.add(K::activity_task_started, 5);
  second_try.attempt = 2;
  second_try.last_failure = true;
  f.add(K::activity_task_completed, 5, 13);
  EventFacts& child = f.add(K::child_workflow_execution_completed, 0, 8);  // 15
  child.initiated = 7;
  f.add(K::workflow_task_scheduled).attempt = 1;
  f.add(K::workflow_task_started, 16);
  f.add(K::workflow_task_failed, 16, 17).error = "UNHANDLED_COMMAND";
  f.add(K::timer_fired, 0, 6);
  f.add(K::workflow_task_scheduled).attempt = 1;  // 20
  f.add(K::workflow_task_started, 20);
  f.add(K::workflow_task_timed_out, 20, 21).timeout = TimeoutType::start_to_close;
  f.add(K::workflow_task_scheduled).attempt = 2;
  f.add(K::workflow_task_started, 23);
  f.add(K::workflow_task_completed, 23, 24);  // 25
  f.activity(25, "2");
  EventFacts& request = f.command(K::activity_task_cancel_requested, 25);
  request.scheduled = 26;
  f.add(K::activity_task_canceled, 26).cancel_requested = 27;
  f.activity(25, "3");
  f.add(K::workflow_task_scheduled).attempt = 1;  // 30
  f.add(K::workflow_task_started, 30);
  f.add(K::workflow_task_completed, 30, 31);
  f.add(K::activity_task_timed_out, 29).timeout = TimeoutType::schedule_to_start;
  f.add(K::workflow_task_scheduled).attempt = 1;
  f.add(K::workflow_task_started, 34);  // 35
  f.add(K::workflow_task_completed, 34, 35);
  f.command(K::workflow_execution_completed, 36);
  // What came while task 9 ran, and was flushed behind it.
  f.at(12).time = f.at(14).time = f.at(15).time = f.at(10).time;
  f.at(13).time = f.at(8).time;
  return f;
}

std::set<std::string> broken_rules(const Facts& facts) {
  std::set<std::string> rules;
  for (const HistoryBreach& breach : check_history(facts.events)) rules.emplace(breach.rule);
  return rules;
}

std::string text_of(const Facts& facts) {
  std::string text;
  for (const HistoryBreach& breach : check_history(facts.events)) text += to_string(breach, facts.events) + "\n";
  return text;
}

struct Break {
  const char* rule;
  const char* what;
  std::function<void(Facts&)> plant;
};

const std::vector<Break>& breaks() {
  static const std::vector<Break> kBreaks = {
      {"ids-are-contiguous", "an id is left out", [](Facts& f) { f.at(12).id = 99; }},
      {"first-event-starts", "another event comes first", [](Facts& f) { f.erase(1); }},
      {"first-event-starts", "a second start", [](Facts& f) { f.at(12).kind = K::workflow_execution_started; }},
      {"types-are-known", "a type of another system", [](Facts& f) { f.at(12).kind = K::unknown; }},
      {"references-are-given", "a completion without its start", [](Facts& f) { f.at(14).started = 0; }},
      {"references-are-given", "a command without its task", [](Facts& f) { f.at(6).task_completed = 0; }},
      {"references-point-back", "a completion of a timer", [](Facts& f) { f.at(14).scheduled = 6; }},
      {"references-point-back", "a reference to the future", [](Facts& f) { f.at(13).scheduled = 26; }},
      {"references-agree", "a completion with another activity's start",
       [](Facts& f) {
         f.insert(6, f.at(5)).subject = "9";
         f.at(15).scheduled = 6;
       }},
      {"references-agree", "a timeout that forgets the start",
       [](Facts& f) {
         f.at(5).schedule_to_close = seconds(3);
         f.at(14) = a(K::activity_task_timed_out, 5);
         f.at(14).id = 14;
         f.at(14).time = UnixNanos{seconds(14).ns};
         f.at(14).timeout = TimeoutType::schedule_to_close;
       }},
      {"one-workflow-task", "a task is scheduled twice", [](Facts& f) { f.insert(17, a(K::workflow_task_scheduled)); }},
      {"one-workflow-task", "a task starts that another event scheduled", [](Facts& f) { f.at(17).scheduled = 9; }},
      {"one-workflow-task", "a task completes twice",
       [](Facts& f) { f.insert(12, a(K::workflow_task_completed, 9, 10)); }},
      {"one-workflow-task", "a task completes with another task's start", [](Facts& f) { f.at(36).started = 24; }},
      {"nothing-during-a-task", "a signal is not buffered",
       [](Facts& f) { f.insert(18, a(K::workflow_execution_signaled)); }},
      {"commands-follow-their-task", "a command names an earlier task", [](Facts& f) { f.at(26).task_completed = 11; }},
      {"commands-follow-their-task", "a signal stands between the commands",
       [](Facts& f) { f.insert(6, a(K::workflow_execution_signaled)); }},
      {"commands-follow-their-task", "a command stands behind a failed task", [](Facts& f) { f.insert(19, f.at(6)); }},
      {"started-once", "an activity starts twice", [](Facts& f) { f.insert(14, f.at(13)); }},
      {"started-once", "a child starts twice", [](Facts& f) { f.insert(9, f.at(8)); }},
      {"closed-once", "an activity closes twice", [](Facts& f) { f.insert(15, a(K::activity_task_failed, 5, 13)); }},
      {"closed-once", "a timer fires twice", [](Facts& f) { f.insert(20, f.at(19)); }},
      {"nothing-after-the-close", "a signal after the end", [](Facts& f) { f.add(K::workflow_execution_signaled); }},
      {"ids-of-open-things-differ", "two open activities have one id", [](Facts& f) { f.insert(6, f.at(5)); }},
      {"ids-of-open-things-differ", "two open timers have one id",
       [](Facts& f) {
         f.at(6).subject = "1";
         f.insert(7, f.at(6));
       }},
      {"starts-are-written-with-closes", "a start whose close comes later", [](Facts& f) { f.erase(14); }},
      {"attempts-fit-the-policy", "more attempts than the policy allows", [](Facts& f) { f.at(13).attempt = 4; }},
      {"attempts-fit-the-policy", "a second attempt after no failure", [](Facts& f) { f.at(13).last_failure = false; }},
      {"attempts-fit-the-policy", "a first attempt after a failure", [](Facts& f) { f.at(13).attempt = 1; }},
      {"attempts-fit-the-policy", "a retry without a policy", [](Facts& f) { f.at(5).retry_policy = false; }},
      {"timeouts-fit", "a timeout without its type", [](Facts& f) { f.at(33).timeout.reset(); }},
      {"timeouts-fit", "a start-to-close timeout of what never started",
       [](Facts& f) { f.at(33).timeout = TimeoutType::start_to_close; }},
      {"timeouts-fit", "a timeout that nobody asked for", [](Facts& f) { f.at(29).schedule_to_start = {}; }},
      {"timeouts-fit", "a schedule-to-start timeout of a started task",
       [](Facts& f) { f.at(22).timeout = TimeoutType::schedule_to_start; }},
      {"nothing-ends-before-its-time", "a timer fires early", [](Facts& f) { f.at(6).start_to_close = seconds(14); }},
      {"nothing-ends-before-its-time", "a timeout comes early",
       [](Facts& f) { f.at(29).schedule_to_start = milliseconds(4001); }},
      {"nothing-ends-before-its-time", "a schedule-to-close timeout comes early, and its attempt had time left",
       [](Facts& f) {
         f.at(5).schedule_to_close = seconds(10);
         f.at(14).kind = K::activity_task_timed_out;
         f.at(14).timeout = TimeoutType::schedule_to_close;
       }},
      {"nothing-ends-before-its-time", "an activity closes before it started",
       [](Facts& f) { f.at(13).time = UnixNanos{seconds(15).ns}; }},
      {"nothing-ends-before-its-time", "an activity starts before it was scheduled",
       [](Facts& f) { f.at(13).time = UnixNanos{seconds(4).ns}; }},
      {"nothing-ends-before-its-time", "a task completes before it started",
       [](Facts& f) { f.at(25).time = UnixNanos{seconds(23).ns}; }},
      {"closes-are-flushed-last", "a signal is flushed behind a close",
       [](Facts& f) {
         f.erase(12);
         f.insert(15, a(K::workflow_execution_signaled));
       }},
      {"closes-are-flushed-last", "an activity's start is flushed behind a child's close",
       [](Facts& f) {
         const EventFacts child = f.at(15);
         f.erase(15);
         f.insert(13, child);
       }},
      {"events-wake-a-task", "a signal is left alone until another comes",
       [](Facts& f) {
         for (int task = 0; task < 3; ++task) f.erase(34);
         f.insert(34, a(K::workflow_execution_signaled));
         f.at(34).time = UnixNanos{seconds(40).ns};
       }},
      {"events-wake-a-task", "a cancelled activity is left alone until a timeout comes",
       [](Facts& f) {
         for (int task = 0; task < 3; ++task) f.erase(30);
       }},
      {"cancels-follow-requests", "a cancel of what never started comes with a later task",
       [](Facts& f) {
         const EventFacts cancel = f.at(28);
         f.erase(28);
         f.insert(32, cancel);
       }},
      {"cancels-follow-requests", "a cancel names another activity's request",
       [](Facts& f) {
         f.insert(28, f.activity(25, "8"));
         f.events.pop_back();
         f.at(29).scheduled = 28;
       }},
      {"transient-tasks-complete", "a second attempt after a completed task", [](Facts& f) { f.at(16).attempt = 2; }},
      {"transient-tasks-complete", "a second attempt that fails is recorded",
       [](Facts& f) {
         f.at(23).attempt = 1;
         f.at(20).attempt = 2;
       }},
      {"task-failures-have-reasons", "nothing was unhandled", [](Facts& f) { f.erase(19); }},
      {"task-failures-have-reasons", "forced to close, and goes on",
       [](Facts& f) {
         f.erase(19);
         f.at(18).error = "FORCE_CLOSE_COMMAND";
       }},
  };
  return kBreaks;
}

TEST(HistoryCheck, AcceptsALawfulHistoryAndEveryBeginningOfIt) {
  const Facts facts = lawful();
  EXPECT_EQ(text_of(facts), "");
  for (std::size_t length = 1; length < facts.events.size(); ++length) {
    Facts beginning;
    beginning.events.assign(facts.events.begin(), facts.events.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(text_of(beginning), "") << length << " events";
  }
}

TEST(HistoryCheck, CatchesEveryPlantedBreach) {
  for (const Break& planted : breaks()) {
    Facts facts = lawful();
    planted.plant(facts);
    EXPECT_TRUE(broken_rules(facts).contains(planted.rule))
        << planted.rule << " did not notice: " << planted.what << "\n"
        << text_of(facts);
  }
}

TEST(HistoryCheck, HasABreachPlantedForEveryRule) {
  std::set<std::string_view> proved;
  for (const Break& planted : breaks()) proved.insert(planted.rule);
  for (const HistoryRule& rule : history_rules()) EXPECT_TRUE(proved.contains(rule.name)) << rule.name;
}

TEST(HistoryCheck, SaysWhichEventsDisagree) {
  Facts facts = lawful();
  facts.insert(15, a(K::activity_task_failed, 5, 13));
  EXPECT_EQ(text_of(facts),
            "closed-once at event 15 (ActivityTaskFailed): event 5 (ActivityTaskScheduled) was closed by event 14 "
            "(ActivityTaskCompleted)\n");
}

TEST(HistoryCheck, AcceptsAnExecutionThatIsCutOffDuringATask) {
  Facts f;
  f.add(K::workflow_execution_started);
  f.add(K::workflow_task_scheduled);
  f.add(K::workflow_task_started, 2);
  f.add(K::workflow_task_failed, 2, 3).error = "FORCE_CLOSE_COMMAND";
  f.add(K::workflow_execution_terminated);
  EXPECT_EQ(text_of(f), "");
}

TEST(HistoryCheck, AcceptsAScheduleToCloseTimeoutAsSoonAsTheAttemptRanOut) {
  Facts facts = lawful();
  facts.at(5).schedule_to_close = seconds(10);
  facts.at(5).start_to_close = seconds(1);
  facts.at(14).kind = K::activity_task_timed_out;
  facts.at(14).timeout = TimeoutType::schedule_to_close;
  EXPECT_EQ(text_of(facts), "");
}

TEST(HistoryCheck, AcceptsACancelOfWhatNeverStartedAmongTheCommandsAndBehindThem) {
  Facts facts = lawful();
  facts.insert(28, a(K::marker_recorded)).task_completed = 25;
  EXPECT_EQ(text_of(facts), "");
}

}  // namespace
}  // namespace dvt::engine
