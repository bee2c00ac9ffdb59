#include "sim/check/fingerprint.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/sim/check/script.h"
#include "tests/support/defective_telemetry.h"

namespace dvt::sim {
namespace {

using test::DefectiveTelemetry;
using test::FactKind;
using test::Script;

std::uint64_t fingerprint_of(const std::function<void(DefectiveTelemetry&)>& plant = {}) {
  Fingerprint fingerprint;
  DefectiveTelemetry way(fingerprint);
  if (plant) plant(way);
  Script script(way);
  script.clean_day();
  return fingerprint.value();
}

TEST(Fingerprint, IsTheSameForTheSameFacts) {
  EXPECT_EQ(fingerprint_of(), fingerprint_of());
}

// A change of this value is a change of what every recorded fingerprint means.
TEST(Fingerprint, KeepsItsValueFromReleaseToRelease) {
  EXPECT_EQ(hex16(fingerprint_of()), "5a890da407cb0304");
}

TEST(Fingerprint, StartsAtAValueOfItsOwnAndPrintsSixteenDigits) {
  const Fingerprint fingerprint;
  EXPECT_EQ(fingerprint.facts(), 0U);
  EXPECT_EQ(fingerprint.text().size(), 16U);
  EXPECT_EQ(hex16(0xAB), "00000000000000ab");
}

TEST(Fingerprint, ChangesWithEverySingleFactThatIsMissingRepeatedOrOutOfPlace) {
  std::set<std::uint64_t> values{fingerprint_of()};
  std::size_t variants = 1;
  // A plain acknowledgement repeats what the commit said, and workflow tasks are hashed when they end.
  const FactKind kinds[] = {FactKind::run_accepted,    FactKind::signal_decided,     FactKind::signal_applied,
                            FactKind::run_started,     FactKind::run_closed,         FactKind::run_paused,
                            FactKind::run_resumed,     FactKind::activity_scheduled, FactKind::activity_started,
                            FactKind::activity_closed, FactKind::activity_retry,     FactKind::workflow_task_completed,
                            FactKind::timer_fired,     FactKind::event_committed,    FactKind::snapshots_committed,
                            FactKind::outbox_leased,   FactKind::outbox_published,   FactKind::delivered};
  for (const FactKind kind : kinds) {
    values.insert(fingerprint_of([kind](DefectiveTelemetry& way) { way.drop(kind, 1); }));
    values.insert(fingerprint_of([kind](DefectiveTelemetry& way) { way.repeat(kind, 1); }));
    variants += 2;
  }
  for (const FactKind kind : {FactKind::event_committed, FactKind::delivered, FactKind::activity_scheduled}) {
    values.insert(fingerprint_of([kind](DefectiveTelemetry& way) { way.swap_with_next(kind, 3); }));
    ++variants;
  }
  EXPECT_EQ(values.size(), variants);
}

TEST(Fingerprint, ChangesWithEveryFieldOfAStoredEvent) {
  const std::vector<std::function<void(StoredEvent&)>> changes = {
      [](StoredEvent& e) { e.run.value += 10; },
      [](StoredEvent& e) { e.run_seq += 1; },
      [](StoredEvent& e) { e.type = EventType::step_skipped; },
      [](StoredEvent& e) { e.step.value -= 1; },
      [](StoredEvent& e) { e.logical_attempt += 1; },
      [](StoredEvent& e) { e.engine_attempt += 1; },
      [](StoredEvent& e) { e.event_id.bytes[15] ^= 1; },
      [](StoredEvent& e) { e.idempotency_key.bytes[31] ^= 1; },
      [](StoredEvent& e) { e.emitted_at.ns += 1; },
      [](StoredEvent& e) { e.persisted_at.ns += 1; },
      [](StoredEvent& e) { e.position += 1; },
      [](StoredEvent& e) { e.payload = std::make_shared<const std::string>("{}"); },
  };
  std::set<std::uint64_t> values{fingerprint_of()};
  for (const auto& change : changes) {
    values.insert(fingerprint_of([&change](DefectiveTelemetry& way) {
      way.change_committed = [&change](StoredEvent& event) {
        if (event.position == 4) change(event);
      };
    }));
  }
  EXPECT_EQ(values.size(), changes.size() + 1);
}

TEST(Fingerprint, ChangesWithTheStateOfATerminalSnapshot) {
  EXPECT_NE(fingerprint_of(), fingerprint_of([](DefectiveTelemetry& way) {
              way.change_projection = [](auto&, auto&, std::vector<RunState>& states) {
                for (RunState& state : states) {
                  if (is_terminal(state.status) && !state.steps.empty()) state.steps[0].completed_at.ns += 1;
                }
              };
            }));
}

TEST(Fingerprint, TellsItsSinkEachFactOnceAndIsNotChangedByIt) {
  struct Sink final : DigestSink {
    std::vector<DigestRecord> records;
    void add(const DigestRecord& record) override { records.push_back(record); }
  } sink;
  Fingerprint watched;
  watched.set_sink(&sink);
  Script script(watched);
  script.clean_day();
  EXPECT_EQ(watched.value(), fingerprint_of());
  ASSERT_EQ(sink.records.size(), watched.facts());
  for (std::size_t i = 0; i < sink.records.size(); ++i) EXPECT_EQ(sink.records[i].sequence, i + 1);
}

}  // namespace
}  // namespace dvt::sim
