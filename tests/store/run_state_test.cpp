// The fold of events (domain §2): every pair of state and event, and what an ignored event leaves behind.
#include "engine/base/run_state.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "store/db/snapshot_hasher.h"
#include "tests/store/store_fixture.h"

namespace dvt {
namespace {

using test::kStart;

constexpr StepIndex kStep{0};

Transition apply(RunState& state, EventType type, StepIndex step = kNoStep, std::uint32_t attempt = 1,
                 Instant at = Instant{5}) {
  return apply_event(state, type, step, attempt, at);
}

RunState run_in(RunStatus status) {
  RunState state;
  if (status == RunStatus::pending) return state;
  apply(state, EventType::run_approved);
  if (status == RunStatus::approved) return state;
  apply(state, EventType::run_started);
  switch (status) {
    case RunStatus::paused:
      apply(state, EventType::run_paused);
      break;
    case RunStatus::completed:
      apply(state, EventType::run_completed);
      break;
    case RunStatus::failed:
      apply(state, EventType::run_failed);
      break;
    case RunStatus::cancelled:
      apply(state, EventType::run_cancelled);
      break;
    default:
      break;
  }
  EXPECT_EQ(state.status, status);
  EXPECT_FALSE(state.inconsistent);
  return state;
}

TEST(RunFold, FollowsTheRunTableForEveryPair) {
  using enum EventType;
  using S = RunStatus;
  const std::map<std::pair<S, EventType>, S> allowed = {
      {{S::pending, run_queued}, S::pending},      {{S::pending, run_approved}, S::approved},
      {{S::pending, run_started}, S::running},     {{S::approved, run_started}, S::running},
      {{S::running, run_paused}, S::paused},       {{S::paused, run_resumed}, S::running},
      {{S::running, run_completed}, S::completed}, {{S::running, run_failed}, S::failed},
      {{S::paused, run_failed}, S::failed},        {{S::running, run_cancelled}, S::cancelled},
      {{S::paused, run_cancelled}, S::cancelled},
  };
  int pairs = 0;
  for (int status = 0; status <= static_cast<int>(S::cancelled); ++status) {
    for (const EventType type : kEventTypes) {
      if (is_step_event(type)) continue;
      const auto from = static_cast<S>(status);
      const RunState before = run_in(from);
      RunState after = before;
      const Transition outcome = apply(after, type, kNoStep, 1, Instant{77});
      const auto rule = allowed.find({from, type});
      SCOPED_TRACE(std::string(to_string(from)) + " + " + std::string(to_string(type)));
      if (rule == allowed.end()) {
        EXPECT_EQ(outcome, Transition::invalid);
        EXPECT_TRUE(after.inconsistent);
        after.inconsistent = before.inconsistent;
        EXPECT_EQ(after, before);  // and nothing else changed
      } else {
        EXPECT_EQ(outcome, Transition::applied);
        EXPECT_EQ(after.status, rule->second);
        EXPECT_EQ(after.paused, rule->second == S::paused);
        EXPECT_EQ(after.has_completed, is_terminal(rule->second));
        EXPECT_FALSE(after.inconsistent);
      }
      ++pairs;
    }
  }
  EXPECT_EQ(pairs, 7 * 8);
}

RunState step_in(StepStatus status) {
  RunState state = run_in(RunStatus::running);
  switch (status) {
    case StepStatus::pending:
      break;
    case StepStatus::skipped:
      apply(state, EventType::step_skipped, kStep);
      break;
    default:
      apply(state, EventType::step_started, kStep, 2);
      if (status == StepStatus::completed) apply(state, EventType::step_completed, kStep, 2);
      if (status == StepStatus::failed) apply(state, EventType::step_failed, kStep, 2);
  }
  EXPECT_FALSE(state.inconsistent);
  return state;
}

TEST(RunFold, FollowsTheStepTableForEveryPairAndAttempt) {
  using enum EventType;
  using S = StepStatus;
  // A started step is in its attempt 2. Attempt 1 is an old one, 3 a new one.
  const std::map<std::tuple<S, EventType, std::uint32_t>, S> allowed = {
      {{S::pending, step_started, 1}, S::running},     {{S::pending, step_started, 2}, S::running},
      {{S::pending, step_started, 3}, S::running},     {{S::pending, step_skipped, 1}, S::skipped},
      {{S::pending, step_skipped, 2}, S::skipped},     {{S::pending, step_skipped, 3}, S::skipped},
      {{S::running, step_completed, 2}, S::completed}, {{S::running, step_failed, 2}, S::failed},
      {{S::failed, step_started, 3}, S::running},      {{S::failed, step_skipped, 2}, S::skipped},
      {{S::failed, step_skipped, 3}, S::skipped},
  };
  // The end of an attempt whose start is still to come (domain §3: StepStarted may be written late).
  const std::map<std::tuple<S, EventType, std::uint32_t>, S> early = {
      {{S::pending, step_completed, 1}, S::completed}, {{S::pending, step_completed, 2}, S::completed},
      {{S::pending, step_completed, 3}, S::completed}, {{S::pending, step_failed, 1}, S::failed},
      {{S::pending, step_failed, 2}, S::failed},       {{S::pending, step_failed, 3}, S::failed},
      {{S::failed, step_completed, 3}, S::completed},  {{S::failed, step_failed, 3}, S::failed},
  };
  int triples = 0;
  for (int status = 0; status <= static_cast<int>(S::skipped); ++status) {
    for (const EventType type : {step_started, step_completed, step_failed, step_skipped}) {
      for (const std::uint32_t attempt : {1U, 2U, 3U}) {
        const auto from = static_cast<S>(status);
        const RunState before = step_in(from);
        RunState after = before;
        const Transition outcome = apply(after, type, kStep, attempt, Instant{77});
        const auto rule = allowed.find({from, type, attempt});
        SCOPED_TRACE(std::string(to_string(from)) + " + " + std::string(to_string(type)) + " " +
                     std::to_string(attempt));
        if (const auto ahead = early.find({from, type, attempt}); ahead != early.end()) {
          EXPECT_EQ(outcome, Transition::late);
          EXPECT_FALSE(after.inconsistent);
          EXPECT_EQ(after.steps.at(0).status, ahead->second);
          EXPECT_EQ(after.steps.at(0).attempts, attempt);
          EXPECT_FALSE(after.steps.at(0).has_started);
        } else if (rule == allowed.end()) {
          EXPECT_EQ(outcome, Transition::invalid);
          EXPECT_TRUE(after.inconsistent);
          after.inconsistent = before.inconsistent;
          EXPECT_EQ(after, before);
        } else {
          EXPECT_EQ(outcome, Transition::applied);
          EXPECT_EQ(after.steps.at(0).status, rule->second);
        }
        ++triples;
      }
    }
  }
  EXPECT_EQ(triples, 5 * 4 * 3);
}

TEST(RunFold, LetsStepsMoveOnlyWhileTheRunIsUnderWay) {
  for (int status = 0; status <= static_cast<int>(RunStatus::cancelled); ++status) {
    const auto from = static_cast<RunStatus>(status);
    RunState state = run_in(from);
    const bool under_way = from == RunStatus::running || from == RunStatus::paused;
    const Transition outcome = apply(state, EventType::step_started, kStep, 1, Instant{6});
    EXPECT_EQ(outcome, under_way ? Transition::applied : Transition::invalid) << to_string(from);
  }
}

// ---- A StepStarted that is written late ----

TEST(RunFold, EndsInTheSameStateWhetherAStartIsWrittenInTimeOrAfterItsStepsEnd) {
  for (const EventType end : {EventType::step_completed, EventType::step_failed}) {
    RunState in_time = run_in(RunStatus::running);
    apply(in_time, EventType::step_started, kStep, 1, Instant{6});
    apply(in_time, end, kStep, 1, Instant{9});

    RunState late = run_in(RunStatus::running);
    EXPECT_EQ(apply(late, end, kStep, 1, Instant{9}), Transition::late);
    EXPECT_EQ(apply(late, EventType::step_started, kStep, 1, Instant{6}), Transition::late);
    EXPECT_EQ(late, in_time);
  }
}

TEST(RunFold, TakesALateStartAfterTheRunsEndWithoutMovingTheRun) {
  RunState state = run_in(RunStatus::running);
  apply(state, EventType::step_completed, kStep, 1, Instant{9});
  apply(state, EventType::run_completed, kNoStep, 1, Instant{10});
  EXPECT_EQ(apply(state, EventType::step_started, kStep, 1, Instant{6}), Transition::late);
  EXPECT_EQ(state.status, RunStatus::completed);
  EXPECT_EQ(state.completed_at, Instant{10});
  EXPECT_EQ(state.steps.at(0).status, StepStatus::completed);
  EXPECT_EQ(state.steps.at(0).started_at, Instant{6});
  EXPECT_FALSE(state.inconsistent);
}

TEST(RunFold, LeavesAStepAsItWasWhenItsStartComesAfterTheRunFailedWithoutIt) {
  RunState state = run_in(RunStatus::running);
  apply(state, EventType::run_failed, kNoStep, 1, Instant{10});
  const RunState before = state;
  EXPECT_EQ(apply(state, EventType::step_started, kStep, 1, Instant{6}), Transition::late);
  EXPECT_EQ(state, before);
  EXPECT_EQ(apply(state, EventType::step_started, StepIndex{1}, 1, Instant{11}), Transition::invalid)
      << "it was emitted after the end: no producer may";
}

TEST(RunFold, TakesTheLateStartOfAnAttemptThatWasRetriedSince) {
  RunState state = run_in(RunStatus::running);
  apply(state, EventType::step_failed, kStep, 1, Instant{9});
  apply(state, EventType::step_started, kStep, 2, Instant{20});
  const RunState before = state;
  EXPECT_EQ(apply(state, EventType::step_started, kStep, 1, Instant{6}), Transition::late);
  EXPECT_EQ(state, before);
}

TEST(RunFold, StillRefusesASecondStartOfTheSameAttempt) {
  for (const bool ended : {false, true}) {
    RunState state = run_in(RunStatus::running);
    apply(state, EventType::step_started, kStep, 1, Instant{6});
    if (ended) apply(state, EventType::step_completed, kStep, 1, Instant{9});
    EXPECT_EQ(apply(state, EventType::step_started, kStep, 1, Instant{6}), Transition::invalid) << ended;
    EXPECT_TRUE(state.inconsistent);
  }
}

TEST(RunFold, IgnoresAnUnknownEventType) {
  RunState state = run_in(RunStatus::running);
  const RunState before = state;
  EXPECT_EQ(apply(state, static_cast<EventType>(200)), Transition::applied);
  EXPECT_EQ(state, before);
}

TEST(RunFold, CountsAttemptsAndTakesTimesFromTheProducer) {
  RunState state;
  apply(state, EventType::run_started, kNoStep, 1, Instant{10});
  apply(state, EventType::step_started, StepIndex{2}, 1, Instant{20});
  apply(state, EventType::step_failed, StepIndex{2}, 1, Instant{30});
  apply(state, EventType::step_started, StepIndex{2}, 2, Instant{40});
  ASSERT_EQ(state.steps.size(), 3U);
  EXPECT_EQ(state.steps[2].attempts, 2U);
  EXPECT_EQ(state.steps[2].started_at, Instant{40});
  EXPECT_FALSE(state.steps[2].has_completed);
  EXPECT_EQ(state.steps[0], StepState{});
  apply(state, EventType::step_completed, StepIndex{2}, 2, Instant{50});
  apply(state, EventType::run_completed, kNoStep, 1, Instant{60});
  EXPECT_EQ(state.started_at, Instant{10});
  EXPECT_EQ(state.steps[2].completed_at, Instant{50});
  EXPECT_EQ(state.completed_at, Instant{60});
}

TEST(SnapshotHasher, WritesTheCanonicalFormInIdOrderWithoutUnseenSteps) {
  PlanRecord plan{PlanOrdinal{0}, "p", "1", {"zeta", "never", "alpha"}};
  RunState state;
  apply(state, EventType::run_started, kNoStep, 1, Instant{1'005'999'999});
  apply(state, EventType::step_started, StepIndex{2}, 1, Instant{2'001'000'000});
  apply(state, EventType::step_skipped, StepIndex{0}, 1, Instant{2'500'000'000});
  store::db::SnapshotHasher hasher(kStart);
  const Uuid run_id = uuid_v4_from(1, 2);
  const std::string text = hasher.canonical(run_id, plan, state);
  EXPECT_EQ(text,
            "{\"paused\":false,\"runId\":\"" + to_string(run_id) +
                "\",\"startedAt\":\"2026-01-01T00:00:01.005Z\",\"status\":\"RUNNING\",\"steps\":{"
                "\"alpha\":{\"attempts\":1,\"startedAt\":\"2026-01-01T00:00:02.001Z\",\"status\":\"RUNNING\"},"
                "\"zeta\":{\"attempts\":0,\"completedAt\":\"2026-01-01T00:00:02.500Z\",\"status\":\"SKIPPED\"}}}");
  EXPECT_EQ(hasher.hash(run_id, plan, state), sha256(text));
}

}  // namespace
}  // namespace dvt
