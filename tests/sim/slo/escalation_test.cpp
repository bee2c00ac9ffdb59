#include "sim/slo/escalation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/slo/alerts.h"
#include "tests/support/fake_random.h"

namespace dvt::sim {
namespace {

using testing::ElementsAre;

constexpr Instant at(Duration since_start) {
  return Instant{since_start.ns};
}

// Everybody acknowledges 20 minutes after he has been told. Time 0 is a Friday, 10:00 UTC.
class Escalating : public testing::Test {
 protected:
  OnCall people(OncallHours hours = OncallHours::always, Escalation escalation = Escalation::documents) const {
    OncallSpec spec;
    spec.acknowledge = Dist::constant(minutes(20));
    spec.hours = hours;
    return OnCall(spec, escalation, friday_, random_);
  }
  static PageResult follow(const OnCall& people, std::string_view severity, Duration firing,
                           std::optional<Duration> resolved = std::nullopt) {
    std::optional<Instant> resolved_at;
    if (resolved) resolved_at = at(*resolved);
    return people.follow({"corrected", "Rule", 0}, severity, at(firing), resolved_at, at(days(30)));
  }

  test::FakeRandom random_;
  const UnixNanos friday_{1'772'791'200'000'000'000};  // 2026-03-06T10:00:00Z
};

TEST_F(Escalating, ATotalOutagePagesAtOnceAndClimbsUntilSomebodyOwnsIt) {
  const PageResult page = follow(people(), "Sev0", hours(1));
  EXPECT_THAT(page.notices, ElementsAre(Notice{at(hours(1)), Channel::page, Person::oncall},
                                        Notice{at(hours(1) + minutes(15)), Channel::page, Person::lead}));
  EXPECT_EQ(page.acknowledged_at, at(hours(1) + minutes(20)));
  EXPECT_EQ(page.owner, Person::oncall);
  EXPECT_EQ(page.without_owner, minutes(20));
  EXPECT_TRUE(page.late) << "Sev0 asks for an answer within 15 minutes";
  EXPECT_TRUE(page.paged);
}

TEST_F(Escalating, WhatResolvesFirstHasNoOwner) {
  const PageResult page = follow(people(), "Sev0", hours(1), hours(1) + minutes(10));
  EXPECT_EQ(page.acknowledged_at, std::nullopt);
  EXPECT_EQ(page.without_owner, minutes(10));
  EXPECT_FALSE(page.late);
  EXPECT_EQ(page.notices.size(), 1u);
}

TEST_F(Escalating, AMajorFaultPagesInBusinessHours) {
  const PageResult page = follow(people(), "P1", hours(1));
  EXPECT_EQ(page.notices.size(), 2u) << "Slack and a page";
  EXPECT_EQ(page.acknowledged_at, at(hours(1) + minutes(20)));
  EXPECT_FALSE(page.late);
}

TEST_F(Escalating, AMajorFaultAtNightIsPagedAfterTwoHours) {
  const Duration night = hours(12);  // 22:00 on Friday
  const PageResult page = follow(people(), "Sev1", night);
  EXPECT_THAT(page.notices, ElementsAre(Notice{at(night), Channel::slack, Person::oncall},
                                        Notice{at(night + hours(2)), Channel::page, Person::oncall}));
  EXPECT_EQ(page.acknowledged_at, at(night + hours(2) + minutes(20)));
  EXPECT_TRUE(page.late);
}

TEST_F(Escalating, WhereNobodyAnswersAtNightThePageWaitsForMonday) {
  const PageResult page = follow(people(OncallHours::business), "Sev0", hours(12));
  const Duration monday_morning = hours(71);  // Friday 10:00 to Monday 09:00
  EXPECT_EQ(page.acknowledged_at, at(monday_morning + minutes(20)));
  EXPECT_EQ(page.notices.size(), 4u) << "up to the executives";
}

TEST_F(Escalating, AMinorFaultIsATicketThatIsReadInBusinessHours) {
  const PageResult page = follow(people(), "Sev2", hours(1));
  EXPECT_THAT(page.notices, ElementsAre(Notice{at(hours(5)), Channel::ticket, Person::oncall}));
  EXPECT_FALSE(page.paged);
  EXPECT_EQ(page.acknowledged_at, at(hours(5) + minutes(20)));
  const PageResult late = follow(people(), "Sev2", hours(6));  // assigned at 20:00 on Friday
  EXPECT_EQ(late.acknowledged_at, at(hours(71) + minutes(20)));
}

TEST_F(Escalating, CosmeticFaultsWaitForTheNextSprint) {
  for (const char* severity : {"Sev3", "P3", "", "info", "Sev7"}) {
    const PageResult page = follow(people(), severity, hours(1));
    EXPECT_TRUE(page.notices.empty()) << severity;
    EXPECT_EQ(page.without_owner, Duration{}) << severity;
  }
}

TEST_F(Escalating, WithoutTheDocumentsChainWhoIsOnCallIsPagedAndNobodyElse) {
  const PageResult page = follow(people(OncallHours::business, Escalation::none), "Sev0", hours(12));
  EXPECT_EQ(page.notices.size(), 1u);
  EXPECT_EQ(page.owner, Person::oncall);
}

TEST_F(Escalating, TheRunAndTheReportAgreeOnTheAcknowledgement) {
  OncallSpec drawn;  // lognormal
  const OnCall people(drawn, Escalation::documents, friday_, random_);
  for (std::uint64_t n = 0; n < 20; ++n) {
    const FiringId id{"corrected", "Rule", n};
    const auto in_run = people.acknowledged_at(id, "Sev0", at(hours(1)));
    const PageResult page = people.follow(id, "Sev0", at(hours(1)), std::nullopt, at(days(30)));
    EXPECT_EQ(page.acknowledged_at, in_run);
  }
}

TEST_F(Escalating, SumsUpAllFirings) {
  AlertResult sev0;
  sev0.rule = "Availability";
  sev0.severity = "Sev0";
  sev0.firings = {{at(hours(2)), at(hours(2)), at(hours(3))}, {at(hours(5)), at(hours(5)), at(hours(5) + minutes(1))}};
  AlertResult sev3;
  sev3.rule = "BudgetBurn1";
  sev3.severity = "Sev3";
  sev3.firings = {{at(hours(1)), at(hours(1)), std::nullopt}};
  const EscalationResult all = people().follow({sev0, sev3}, at(hours(10)));
  ASSERT_EQ(all.firings.size(), 3u);
  EXPECT_EQ(all.firings[0].rule, "BudgetBurn1") << "by instant";
  EXPECT_EQ(all.pages(), 2u);
  EXPECT_EQ(all.acknowledged(), 1u);
  EXPECT_EQ(all.late(), 1u);
  EXPECT_EQ(all.escalated(), 1u);
  EXPECT_EQ(all.without_owner(), minutes(21));
}

}  // namespace
}  // namespace dvt::sim
