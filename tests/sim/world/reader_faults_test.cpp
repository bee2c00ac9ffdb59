// What the readers of the store suffer while faults of several sorts overlap, and what operators can do about it.
#include "sim/world/reader_faults.h"

#include <gtest/gtest.h>

#include "tests/store/recorder.h"
#include "tests/store/store_fixture.h"
#include "tests/support/fake_random.h"
#include "tests/support/fake_timers.h"

namespace dvt::sim {
namespace {

Fault fault_on(FaultKind kind, TargetKind target, std::string name = {}) {
  Fault fault;
  fault.name = "f";
  fault.kind = kind;
  fault.target.kind = target;
  fault.target.name = std::move(name);
  return fault;
}

Fault fault_on_member(FaultKind kind, TargetKind target, std::int64_t index) {
  Fault fault = fault_on(kind, target);
  fault.target.members = Target::Members::index;
  fault.target.index = index;
  return fault;
}

class ReadersUnderFaults : public testing::Test {
 protected:
  ReadersUnderFaults() {
    scenario.topology.projector.restart_delay = Dist::constant(seconds(20));
    scenario.topology.outbox.restart_delay = Dist::constant(seconds(20));
    test::describe_world(store, 6);
    store::BusOptions options;
    options.subscriptions = {{"ui", Distribution::constant(milliseconds(20))},
                             {"audit", Distribution::constant(milliseconds(50))}};
    bus = std::make_unique<store::EventBus>(timers, random, recorder, options);
    relays = std::make_unique<store::OutboxRelays>(store, *bus, timers, random, recorder, store::OutboxOptions{});
    projector = std::make_unique<store::Projector>(store, timers, recorder, store::ProjectorOptions{});
    faults = std::make_unique<ReaderFaults>(timers, random, scenario, *projector, *relays, *bus);
    relays->start();
    projector->start();
  }
  void commit(std::uint32_t run) {
    const auto receipt = store.append(test::numbered_event(run, next_++), timers.now());
    ASSERT_TRUE(receipt);
    std::vector<StoredEvent> stored;
    store.fetch(RunOrdinal{run}, receipt.value().run_seq - 1, 1, stored);
    relays->event_committed();
    projector->event_committed(stored.at(0));
  }
  void commit_to_all() {
    for (std::uint32_t run = 0; run < 6; ++run) commit(run);
  }
  std::vector<bool> working() const {
    std::vector<bool> all;
    for (std::uint32_t i = 0; i < projector->replicas(); ++i) all.push_back(projector->working(i));
    return all;
  }
  void act(OperatorAction action, std::string target, std::optional<std::int64_t> to = {}) {
    Operation operation;
    operation.action = action;
    operation.target = std::move(target);
    operation.to = to;
    faults->act(operation);
  }

  test::FakeTimers timers;
  test::FakeRandom random;
  test::Recorder recorder;
  Scenario scenario;
  store::MemoryStateStore store{test::memory_options()};
  std::unique_ptr<store::EventBus> bus;
  std::unique_ptr<store::OutboxRelays> relays;
  std::unique_ptr<store::Projector> projector;
  std::unique_ptr<ReaderFaults> faults;

 private:
  std::uint32_t next_ = 0;
};

using Working = std::vector<bool>;

TEST_F(ReadersUnderFaults, StandStillUntilTheLastOfTwoStallsIsOver) {
  const Fault all = fault_on(FaultKind::stall, TargetKind::projector);
  const Fault one = fault_on_member(FaultKind::stall, TargetKind::projector, 1);
  EXPECT_EQ(faults->begin(all, {0, 0}), 3U);
  EXPECT_EQ(faults->begin(one, {1, 0}), 1U);
  faults->end(all, {0, 0});
  EXPECT_EQ(working(), (Working{true, false, true}));
  faults->end(one, {1, 0});
  EXPECT_EQ(working(), (Working{true, true, true}));
}

TEST_F(ReadersUnderFaults, AreBackAfterTheirRestartDelay) {
  EXPECT_EQ(faults->begin(fault_on_member(FaultKind::kill, TargetKind::projector, 2), {0, 0}), 1U);
  EXPECT_EQ(faults->begin(fault_on_member(FaultKind::kill, TargetKind::projector, 2), {0, 1}), 0U);  // it is dead
  timers.run_for(milliseconds(19'999));
  EXPECT_EQ(working(), (Working{true, true, false}));
  timers.run_for(milliseconds(1));
  EXPECT_EQ(working(), (Working{true, true, true}));
}

TEST_F(ReadersUnderFaults, AreFreeOfAStallOnceTheirProcessIsAnother) {
  const Fault stall = fault_on(FaultKind::stall, TargetKind::projector);
  ASSERT_EQ(faults->begin(stall, {0, 0}), 3U);
  ASSERT_EQ(faults->begin(fault_on_member(FaultKind::kill, TargetKind::projector, 0), {1, 0}), 1U);
  timers.run_for(seconds(20));
  EXPECT_EQ(working(), (Working{true, false, false}));
  act(OperatorAction::restart, "projector/1");
  timers.run_for(seconds(20));
  EXPECT_EQ(working(), (Working{true, true, false}));
  faults->end(stall, {0, 0});
  EXPECT_EQ(working(), (Working{true, true, true}));
}

TEST_F(ReadersUnderFaults, StayAwayWhileAnOutageLastsThoughTheirRestartIsDue) {
  const Fault outage = fault_on(FaultKind::outage, TargetKind::projector);
  ASSERT_EQ(faults->begin(fault_on_member(FaultKind::kill, TargetKind::projector, 0), {0, 0}), 1U);
  ASSERT_EQ(faults->begin(outage, {1, 0}), 3U);
  timers.run_for(seconds(30));
  EXPECT_EQ(working(), (Working{false, false, false}));
  faults->end(outage, {1, 0});
  EXPECT_EQ(working(), (Working{true, true, true}));
}

TEST_F(ReadersUnderFaults, AreSparedWhenMaxDownIsReached) {
  Fault kill = fault_on(FaultKind::kill, TargetKind::projector);
  kill.max_down = percent(67);  // two of three
  EXPECT_EQ(faults->begin(kill, {0, 0}), 2U);
  EXPECT_EQ(faults->begin(kill, {0, 1}), 0U);
  EXPECT_EQ(working(), (Working{false, false, true}));
}

TEST_F(ReadersUnderFaults, AreNewWhenSomebodyScales) {
  const Fault stall = fault_on(FaultKind::stall, TargetKind::projector);
  ASSERT_EQ(faults->begin(stall, {0, 0}), 3U);
  ASSERT_EQ(faults->begin(fault_on_member(FaultKind::kill, TargetKind::projector, 0), {1, 0}), 1U);
  act(OperatorAction::scale, "projector", 5);
  EXPECT_EQ(working(), (Working{false, false, false, true, true}));  // the old ones are what they were
  act(OperatorAction::scale, "projector", 2);
  timers.run_for(seconds(20));
  EXPECT_EQ(working(), (Working{true, false}));
  faults->end(stall, {0, 0});
  EXPECT_EQ(working(), (Working{true, true}));
}

TEST_F(ReadersUnderFaults, AreSlowAtAPlaceAndSoAreThoseWhoCome) {
  Fault slow = fault_on(FaultKind::latency, TargetKind::projector);
  slow.factor = 30;  // 10 events take 5 s
  ASSERT_EQ(faults->begin(slow, {0, 0}), 3U);
  act(OperatorAction::scale, "projector", 6);
  for (int i = 0; i < 10; ++i) commit_to_all();
  timers.run_for(seconds(5));
  EXPECT_EQ(projector->lag_events(), 60U);
  timers.run_for(milliseconds(200));
  EXPECT_EQ(projector->lag_events(), 0U);
  faults->end(slow, {0, 0});
  for (int i = 0; i < 10; ++i) commit_to_all();
  timers.run_for(milliseconds(400));
  EXPECT_EQ(projector->lag_events(), 0U);
}

TEST_F(ReadersUnderFaults, HandTheRunsOfAPausedReplicaOverAndBack) {
  const Fault pause = fault_on_member(FaultKind::process_pause, TargetKind::projector, 1);
  commit(1);
  timers.run_for(milliseconds(150));  // collected
  ASSERT_EQ(faults->begin(pause, {0, 0}), 1U);
  timers.run_for(seconds(9));
  EXPECT_EQ(projector->lag_events(), 1U);
  timers.run_for(seconds(2));  // its takeover is due after 10 s
  EXPECT_EQ(projector->lag_events(), 0U);
  faults->end(pause, {0, 0});
  commit(1);
  timers.run();
  EXPECT_EQ(projector->lag_events(), 0U);
  EXPECT_EQ(store.snapshot(RunOrdinal{1})->up_to_seq, 2U);
}

TEST_F(ReadersUnderFaults, CombineIndependentSharesOfMessages) {
  Fault loss = fault_on(FaultKind::loss, TargetKind::bus, "audit");
  loss.share = percent(50);
  ASSERT_EQ(faults->begin(loss, {0, 0}), 1U);
  ASSERT_EQ(faults->begin(loss, {1, 0}), 1U);
  for (int i = 0; i < 200; ++i) commit_to_all();
  timers.run_for(seconds(2));  // one attempt each
  EXPECT_EQ(bus->delivered(0), 1200U);
  EXPECT_NEAR(static_cast<double>(bus->delivered(1)), 300, 60);  // a quarter gets through two of them
  faults->end(loss, {0, 0});
  faults->end(loss, {1, 0});
  timers.run();
  EXPECT_EQ(bus->delivered(1), 1200U);
}

TEST_F(ReadersUnderFaults, PublishTwiceAndAgainWhatTheStoreWasNotToldOf) {
  const Fault twice = fault_on(FaultKind::duplicate, TargetKind::outbox);
  const Fault untold = fault_on(FaultKind::ack_lost, TargetKind::outbox);
  ASSERT_EQ(faults->begin(twice, {0, 0}), 2U);
  commit(0);
  timers.run_for(seconds(1));
  EXPECT_EQ(bus->duplicates(0), 1U);
  faults->end(twice, {0, 0});
  ASSERT_EQ(faults->begin(untold, {1, 0}), 2U);
  commit(0);
  timers.run_for(seconds(1));
  EXPECT_EQ(store.counts().outbox_pending, 1U);
  EXPECT_EQ(bus->delivered(0), 2U);
  faults->end(untold, {1, 0});
  timers.run();  // its lease of 30 s runs out
  EXPECT_EQ(store.counts().outbox_pending, 0U);
  EXPECT_EQ(bus->delivered(0), 2U);
  EXPECT_EQ(bus->duplicates(0), 2U);
}

TEST_F(ReadersUnderFaults, ThrottleARelayToAFractionOfItsBatch) {
  Fault throttle = fault_on(FaultKind::throttle, TargetKind::outbox);
  throttle.factor = 50;  // two rows a poll instead of a hundred
  ASSERT_EQ(faults->begin(throttle, {0, 0}), 2U);
  for (int i = 0; i < 10; ++i) commit_to_all();
  timers.run_for(milliseconds(1010));  // the first relay polls at 0, 250 … 1000 ms, the second at 125 … 875 ms
  EXPECT_EQ(relays->published(), 18U);
  faults->end(throttle, {0, 0});
  timers.run_for(milliseconds(250));
  EXPECT_EQ(relays->published(), 60U);
}

TEST_F(ReadersUnderFaults, PollSoManyTimesLessOftenUnderLatency) {
  Fault latency = fault_on(FaultKind::latency, TargetKind::outbox);
  latency.factor = 8;  // every 2 s
  ASSERT_EQ(faults->begin(latency, {0, 0}), 2U);
  commit(0);
  timers.run_for(milliseconds(300));  // both have polled
  ASSERT_EQ(relays->published(), 1U);
  commit(0);
  timers.run_for(milliseconds(1600));
  EXPECT_EQ(relays->published(), 1U);
  timers.run_for(milliseconds(500));
  EXPECT_EQ(relays->published(), 2U);
}

TEST_F(ReadersUnderFaults, DriveTheDeadLettersOfTheOutboxAndOfOneSubscription) {
  const Fault error = fault_on(FaultKind::error, TargetKind::bus);
  const Fault audit = fault_on(FaultKind::outage, TargetKind::bus, "audit");
  ASSERT_EQ(faults->begin(error, {0, 0}), 1U);
  commit(0);
  timers.run_for(minutes(10));
  EXPECT_EQ(store.counts().dead_letters, 1U);
  faults->end(error, {0, 0});
  ASSERT_EQ(faults->begin(audit, {1, 0}), 1U);
  act(OperatorAction::replay_from_snapshot, "outbox");
  timers.run_for(minutes(10));
  EXPECT_EQ(store.counts().dead_letters, 0U);
  EXPECT_EQ(bus->delivered(0), 1U);
  EXPECT_EQ(bus->dead_letters(1), 1U);
  faults->end(audit, {1, 0});
  act(OperatorAction::replay_from_snapshot, "bus/ui");
  EXPECT_EQ(bus->open_deliveries(), 0U);
  act(OperatorAction::replay_from_snapshot, "bus/audit");
  timers.run();
  EXPECT_EQ(bus->delivered(1), 1U);
  EXPECT_EQ(recorder.redriven, 2);
}

}  // namespace
}  // namespace dvt::sim
