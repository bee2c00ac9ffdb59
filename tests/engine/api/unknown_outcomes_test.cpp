// Writes of the API whose outcome it cannot tell: they are repeated with the same ids until the store says what stands,
// and nothing happens twice or not at all.
#include "tests/support/api_fixture.h"

namespace dvt::test {
namespace {

class UnknownOutcomes : public ApiFixture {
 protected:
  /// The store's acknowledgements are lost for so long from now on.
  void lose_acknowledgements(Duration time) {
    model.set_commit_unknown(true);
    pass(time);
    model.set_commit_unknown(false);
  }
  std::size_t queued_events() const {
    std::size_t count = 0;
    for (const StoredEvent& event : facts.events) count += event.type == EventType::run_queued ? 1 : 0;
    return count;
  }
};

TEST_F(UnknownOutcomes, OfRunRequestsStartEachRunOnceWhetherItsQueuedEventHadBeenStoredOrNot) {
  for (std::uint32_t run = 0; run < 20; ++run) ask(run, "r-" + std::to_string(run));
  lose_acknowledgements(milliseconds(900));
  const std::size_t stored_unheard = queued_events();
  EXPECT_GT(stored_unheard, 3U);
  EXPECT_LT(stored_unheard, 17U);
  EXPECT_TRUE(facts.accepted.empty());
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.http, 503);
    EXPECT_EQ(answer.code, "COMMIT_UNKNOWN");
  }
  pass(seconds(5));
  EXPECT_EQ(facts.accepted.size(), 20U);
  EXPECT_EQ(provider.started.size(), 20U);
  EXPECT_EQ(queued_events(), 20U);
  EXPECT_EQ(rows.counts().duplicates, stored_unheard);
}

TEST_F(UnknownOutcomes, OfARunRequestAreWaitedForByTheClientsNextTry) {
  ask(0, "r");
  lose_acknowledgements(milliseconds(500));
  ask(0, "r", 1);
  pass(seconds(3));
  EXPECT_EQ(answers.at(0).http, 503);
  EXPECT_EQ(answers.at(1).http, 202);
  EXPECT_EQ(answers.at(1).run, 0U);
  EXPECT_EQ(provider.started, std::vector<std::uint32_t>{0});
  EXPECT_EQ(queued_events(), 1U);
}

TEST_F(UnknownOutcomes, StayOpenThroughAnOutageThatFollows) {
  for (std::uint32_t run = 0; run < 10; ++run) ask(run, "r-" + std::to_string(run));
  lose_acknowledgements(milliseconds(500));
  model.set_outage(true);
  pass(seconds(10));
  EXPECT_TRUE(facts.accepted.empty());
  EXPECT_EQ(api().runs_open(), 10U) << "each of them may be stored";
  model.set_outage(false);
  pass(seconds(3));
  EXPECT_EQ(facts.accepted.size(), 10U);
}

TEST_F(UnknownOutcomes, OfADecisionApplyItsSignalOnce) {
  options.signals.processors = 12;  // none is deferred
  for (std::uint32_t r = 0; r < 12; ++r) run(r);
  for (std::uint32_t r = 0; r < 12; ++r) send(signal(r, SignalType::pause, {}, "p-" + std::to_string(r)));
  lose_acknowledgements(milliseconds(900));
  EXPECT_TRUE(provider.signals.empty()) << "without a record that is known to stand nothing is applied";
  EXPECT_GT(facts.records.size(), 1U);
  EXPECT_LT(facts.records.size(), 12U);
  pass(seconds(5));
  EXPECT_EQ(provider.signals.size(), 12U);
  EXPECT_EQ(facts.records.size(), 12U);
  EXPECT_EQ(facts.decided.size(), 12U);
  EXPECT_TRUE(facts.repeated.empty());
  for (const SignalResult& result : results) EXPECT_EQ(result.http, 202);
}

TEST_F(UnknownOutcomes, OfARetriedRunMakeOneRunWithOneQueuedEvent) {
  for (std::uint32_t r = 0; r < 8; ++r) {
    run(r);
    provider.end(r, RunOutcome::failed);
  }
  for (std::uint32_t r = 0; r < 8; ++r) send(signal(r, SignalType::retry_run, {}, "again-" + std::to_string(r)));
  lose_acknowledgements(milliseconds(900));
  pass(seconds(5));
  EXPECT_EQ(provider.started.size(), 16U);
  EXPECT_EQ(queued_events(), 16U);
  EXPECT_EQ(facts.accepted.size(), 16U);
}

TEST_F(UnknownOutcomes, OfASlowWriteAreLearntAfterTheBudget) {
  model.set_pool_taken(true);
  ask(0, "waits in line");
  pass(seconds(4));
  EXPECT_EQ(answers.at(0).code, "POOL_EXHAUSTED");
  EXPECT_FALSE(api().is_open({0})) << "it was never sent, so nothing is open";
}

}  // namespace
}  // namespace dvt::test
