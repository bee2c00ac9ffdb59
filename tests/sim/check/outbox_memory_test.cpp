// The outbox checker forgets what has arrived everywhere, whatever the order of arrivals and commits.
#include <gtest/gtest.h>

#include "sim/check/outbox_checker.h"

namespace dvt::sim {
namespace {

StoredEvent event_at(std::uint64_t position) {
  StoredEvent event;
  event.position = position;
  event.run_seq = position;
  event.run = RunOrdinal{1};
  event.persisted_at = Instant{static_cast<std::int64_t>(position) * 1'000'000'000};
  return event;
}

void travel(OutboxChecker& checker, const StoredEvent& event) {
  checker.outbox_leased(0, event.position, event.persisted_at + seconds(30), event.persisted_at);
  checker.outbox_published(event, event.persisted_at);
  checker.delivered(0, event, 1, true, event.persisted_at);
}

InvariantConfig one_subscription() {
  InvariantConfig config;
  config.subscriptions = 1;
  config.outbox_backoff_max = seconds(36);
  return config;
}

TEST(OutboxCheckerMemory, EventsThatArriveBeforeTheNextOneIsCommittedLeaveNothing) {
  const InvariantConfig config = one_subscription();
  OutboxChecker checker(config);
  for (std::uint64_t position = 1; position <= 20'000; ++position) {
    const StoredEvent event = event_at(position);
    checker.event_committed(event);
    travel(checker, event);
    ASSERT_LE(checker.pages(), 2U) << "at position " << position;
  }
}

TEST(OutboxCheckerMemory, AnEventThatIsLateHoldsItsOwnPageOnly) {
  const InvariantConfig config = one_subscription();
  OutboxChecker checker(config);
  const StoredEvent late = event_at(1);
  checker.event_committed(late);
  for (std::uint64_t position = 2; position <= 20'000; ++position) {
    const StoredEvent event = event_at(position);
    checker.event_committed(event);
    travel(checker, event);
    ASSERT_LE(checker.pages(), 3U) << "at position " << position;
  }
  travel(checker, late);
  EXPECT_LE(checker.pages(), 1U);
}

}  // namespace
}  // namespace dvt::sim
