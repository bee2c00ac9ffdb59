#include "sim/check/digest.h"

#include <gtest/gtest.h>

#include <functional>
#include <sstream>
#include <vector>

#include "engine/base/result.h"
#include "sim/check/fingerprint.h"
#include "tests/sim/check/script.h"
#include "tests/support/defective_telemetry.h"

namespace dvt::sim {
namespace {

using test::DefectiveTelemetry;
using test::FactKind;

std::string stream_of(const std::function<void(DefectiveTelemetry&)>& plant = {}) {
  std::ostringstream out(std::ios::binary);
  DigestLog log(out);
  Fingerprint fingerprint;
  fingerprint.set_sink(&log);
  DefectiveTelemetry way(fingerprint);
  if (plant) plant(way);
  test::Script script(way);
  script.clean_day();
  log.finish();
  return out.str();
}

std::optional<DigestDivergence> compare(const std::string& first, const std::string& second) {
  std::istringstream a(first, std::ios::binary);
  std::istringstream b(second, std::ios::binary);
  return compare_digest_streams(a, b);
}

TEST(DigestStream, ReadsBackWhatWasWritten) {
  const std::vector<DigestRecord> records = {
      {1, Instant{5}, DigestFact::run_requested, 0, 1, 2, 3, 0x1122334455667788U},
      {2, Instant{-9}, DigestFact::snapshot, kNoRun, UINT64_MAX, 0, 128, UINT64_MAX},
      {3, Instant{INT64_MAX / 2}, DigestFact::fault_struck, kNoRun - 1, 127, 16'384, 1, 0},
  };
  std::stringstream stream(std::ios::in | std::ios::out | std::ios::binary);
  DigestLog log(stream);
  for (const DigestRecord& record : records) log.add(record);
  log.finish();
  DigestReader reader(stream);
  for (const DigestRecord& record : records) EXPECT_EQ(reader.next(), record);
  EXPECT_EQ(reader.next(), std::nullopt);
  EXPECT_TRUE(reader.complete());
}

TEST(DigestStream, OfEqualRunsHasNoDivergence) {
  EXPECT_EQ(compare(stream_of(), stream_of()), std::nullopt);
}

TEST(DigestStream, TakesAboutTwentyBytesAFact) {
  Fingerprint counter;
  test::Script script(counter);
  script.clean_day();
  EXPECT_LT(stream_of().size(), counter.facts() * 25);
}

TEST(DigestStream, NamesTheFirstFactThatDiffersInBoth) {
  const auto divergence =
      compare(stream_of(), stream_of([](DefectiveTelemetry& way) { way.drop(FactKind::event_committed, 4); }));
  ASSERT_TRUE(divergence.has_value());
  EXPECT_EQ(divergence->first.substr(0, divergence->first.find(" at")), "#" + std::to_string(divergence->sequence));
  EXPECT_NE(divergence->first.find("event_committed, run 1, run_seq 2, RunStarted, position 4"), std::string::npos)
      << divergence->first;
  EXPECT_NE(divergence->second.find("activity_closed, run 1, activity 1 attempt 1, completed"), std::string::npos)
      << divergence->second;
}

TEST(DigestStream, ShowsTheContentWhenTheNumbersAgree) {
  const auto divergence = compare(stream_of(), stream_of([](DefectiveTelemetry& way) {
                                    way.change_committed = [](StoredEvent& event) { event.event_id.bytes[0] ^= 1; };
                                  }));
  ASSERT_TRUE(divergence.has_value());
  EXPECT_NE(divergence->first, divergence->second);
  EXPECT_NE(divergence->first.find("(content "), std::string::npos) << divergence->first;
}

TEST(DigestStream, SaysWhichSideEndedOrBrokeOff) {
  const std::string whole = stream_of();
  const auto broken = compare(whole, whole.substr(0, whole.size() / 2));
  ASSERT_TRUE(broken.has_value());
  EXPECT_NE(broken->second.find("breaks off after"), std::string::npos) << broken->second;

  std::ostringstream out(std::ios::binary);
  DigestLog(out).finish();
  const auto shorter = compare(out.str(), whole);
  ASSERT_TRUE(shorter.has_value());
  EXPECT_EQ(shorter->first, "nothing: the run ended after 0 facts");
  EXPECT_EQ(shorter->sequence, 1U);

  const auto crashed = compare("", whole);
  ASSERT_TRUE(crashed.has_value());
  EXPECT_EQ(crashed->first, "nothing: the stream breaks off after 0 facts");
}

TEST(DigestStream, OfWhichTheTrailerIsMissingIsNotTakenForEqual) {
  const std::string whole = stream_of();
  const std::string cut = whole.substr(0, whole.size() - 3);
  EXPECT_TRUE(compare(cut, cut).has_value());
}

TEST(DigestStream, RefusesOtherBytesAndDamage) {
  EXPECT_THROW(compare("SQLite format 3", stream_of()), Error);
  std::string damaged = stream_of();
  damaged[11] = '\x7F';  // the first record's fact
  EXPECT_THROW(compare(damaged, stream_of()), Error);
}

TEST(DigestRecord, IsDescribedInTheDomainsWords) {
  EXPECT_EQ(describe({17, Instant{62'500'000'000}, DigestFact::event_committed, 12, 5, 8U | (3U << 8), 99, 0}),
            "#17 at 1m2s500ms: event_committed, run 12, run_seq 5, StepStarted of step 3, position 99");
  EXPECT_EQ(describe({2, Instant{}, DigestFact::signal_decided, 4, 9, 0, 0, 0}),
            "#2 at 0s: signal_decided, run 4, signal 9, PAUSE, accepted");
  EXPECT_EQ(describe({3, Instant{}, DigestFact::dead_lettered, 4, 0xFFFFFFFF, 8, 0, 0}),
            "#3 at 0s: dead_lettered, run 4, position 8, by the outbox");
  EXPECT_EQ(describe({4, Instant{}, DigestFact::worker_changed, kNoRun, 1, 7, 0, 0}),
            "#4 at 0s: worker_changed, queue 1, worker 7 down");
}

}  // namespace
}  // namespace dvt::sim
