// Run requests through the API: validation, idempotency, the three answers to overload, quotas, throttle, leases,
// approval (domain §9).
#include "tests/support/api_fixture.h"

namespace dvt::test {
namespace {

using engine::OverloadPolicy;

class RunRequests : public ApiFixture {
 protected:
  std::string order_of_starts() const {
    std::string text;
    for (const std::uint32_t run : provider.started) text += (text.empty() ? "" : " ") + std::to_string(run);
    return text;
  }
  void allow(std::uint32_t in_flight, OverloadPolicy policy) {
    options.admission.max_in_flight = in_flight;
    options.admission.policy = policy;
  }
};

TEST_F(RunRequests, AreAnsweredWhenRunQueuedIsStored) {
  ask(0, "r-0");
  pass(kHandling + kWrite);
  ASSERT_EQ(answers[0].http, 202);
  EXPECT_EQ(answers[0].at, Instant{(kHandling + kWrite).ns});
  ASSERT_EQ(facts.events.size(), 1U);
  EXPECT_EQ(facts.events[0].type, EventType::run_queued);
  EXPECT_EQ(order_of_starts(), "0");
}

TEST_F(RunRequests, WithTheSameIdHaveOneRun) {
  ask(0, "r");
  ask(1, "r");  // while the first is being stored
  pass(seconds(1));
  ask(2, "r");  // long after
  pass(seconds(1));
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.http, 202);
    EXPECT_EQ(answer.run, 0U);
  }
  EXPECT_EQ(facts.accepted, std::vector<std::uint32_t>{0});
  EXPECT_EQ(order_of_starts(), "0");
  EXPECT_EQ(facts.events.size(), 1U);
}

TEST_F(RunRequests, OfAnotherTenantWithTheSameIdAreAnotherRun) {
  ask(0, "r", 0, 0);
  ask(1, "r", 0, 1);
  pass(seconds(1));
  EXPECT_EQ(order_of_starts(), "0 1");
}

TEST_F(RunRequests, AreRefusedWithoutAnIdOrWithABarInIt) {
  ask(0, "");
  ask(1, "a|b");
  pass(seconds(1));
  for (const Answer& answer : answers) {
    EXPECT_EQ(answer.http, 400);
    EXPECT_EQ(answer.code, "INVALID_RUN_REQUEST");
  }
  EXPECT_TRUE(facts.events.empty());
}

TEST_F(RunRequests, AreRefusedBeforeAnyFetchWhenThePlansAddressIsNotAllowed) {
  const engine::PlanRef& known = plans.at({0})->ref;
  std::uint32_t run = 0;
  for (const char* uri :
       {"file:///etc/passwd", "ftp://plans/x", "http://169.254.169.254/latest", "https://localhost/"}) {
    engine::PlanRef reference = known;
    reference.uri = uri;
    ask(run, "r-" + std::to_string(run), 0, 0, reference);
    ++run;
  }
  pass(seconds(1));
  for (const Answer& answer : answers) EXPECT_EQ(answer.code, "PLAN_URI_NOT_ALLOWED");
  EXPECT_EQ(answers[0].http, 400);
  EXPECT_TRUE(provider.started.empty());
}

TEST_F(RunRequests, AreRefusedWhenTheReferenceNamesAnotherPlan) {
  engine::PlanRef reference = plans.at({0})->ref;
  reference.plan_version = "2";
  ask(0, "r", 0, 0, reference);
  pass(seconds(1));
  EXPECT_EQ(answers[0].code, "INVALID_RUN_REQUEST");
}

TEST_F(RunRequests, ThatTheStoreDoesNotTakeMayBeAskedAgain) {
  model.set_outage(true);
  ask(0, "r");
  pass(seconds(1));
  EXPECT_EQ(answers[0].http, 503);
  EXPECT_EQ(answers[0].code, "UNAVAILABLE");
  model.set_outage(false);
  ask(0, "r", 1);
  pass(seconds(1));
  EXPECT_EQ(answers[1].http, 202);
  EXPECT_EQ(order_of_starts(), "0");
}

TEST_F(RunRequests, OverTheLimitWaitAcceptedUnderQueueAndStartInOrder) {
  allow(1, OverloadPolicy::queue);
  for (std::uint32_t run = 0; run < 3; ++run) ask(run, "r-" + std::to_string(run));
  pass(seconds(1));
  EXPECT_EQ(facts.accepted.size(), 3U);
  EXPECT_EQ(order_of_starts(), "0");
  EXPECT_EQ(api().runs_waiting(), 2U);
  provider.end(0);
  provider.end(1);
  EXPECT_EQ(order_of_starts(), "0 1 2");
}

TEST_F(RunRequests, AreStartedAgainOnlyWhenTheLeaseRanOutUnseen) {
  allow(1, OverloadPolicy::queue);
  options.admission.lease = seconds(30);
  for (std::uint32_t run = 0; run < 3; ++run) ask(run, "r-" + std::to_string(run));
  pass(seconds(1));
  provider.loses_starts = 1;  // the next start never arrives
  provider.end(0);
  pass(seconds(29));
  EXPECT_EQ(order_of_starts(), "0 1");
  pass(seconds(2));
  EXPECT_EQ(order_of_starts(), "0 1 1");
  pass(minutes(5));
  EXPECT_EQ(order_of_starts(), "0 1 1") << "it was seen to be open: never twice";
  provider.end(1);
  EXPECT_EQ(order_of_starts(), "0 1 1 2");
  EXPECT_EQ(facts.admitted.size(), 3U);
}

TEST_F(RunRequests, OverTheLimitAreRefusedUnderRejectAndLeaveNoRecord) {
  allow(1, OverloadPolicy::reject);
  ask(0, "r-0");
  pass(seconds(1));
  ask(1, "r-1");
  pass(seconds(1));
  EXPECT_EQ(answers[1].http, 429);
  EXPECT_EQ(answers[1].code, "OVERLOADED");
  EXPECT_EQ(answers[1].retry_after, options.admission.overload_retry_after);
  EXPECT_EQ(facts.events.size(), 1U);
  provider.end(0);
  ask(1, "r-1", 1);
  pass(seconds(1));
  EXPECT_EQ(answers[2].http, 202);
}

TEST_F(RunRequests, OverTheLimitAreHeldUnderDelayUntilThereIsRoom) {
  allow(1, OverloadPolicy::delay);
  ask(0, "r-0");
  ask(1, "r-1");
  pass(seconds(5));
  EXPECT_EQ(answers[1].http, 0) << "no answer yet";
  EXPECT_EQ(api().requests_held(), 1U);
  EXPECT_EQ(facts.events.size(), 1U);
  provider.end(0);
  pass(seconds(1));
  EXPECT_EQ(answers[1].http, 202);
  EXPECT_EQ(answers[1].at, Instant{(seconds(5) + kWrite).ns});
  EXPECT_EQ(order_of_starts(), "0 1");
}

TEST_F(RunRequests, ThatAreHeldAreDroppedWhenTheirClientGoesAway) {
  allow(1, OverloadPolicy::delay);
  ask(0, "r-0");
  pass(seconds(1));
  const engine::RequestId held = ask(1, "r-1");
  pass(seconds(1));
  api().abandon(held);
  EXPECT_EQ(facts.http.back(), 504);
  provider.end(0);
  pass(seconds(1));
  EXPECT_EQ(order_of_starts(), "0");
  ask(1, "r-1", 1);  // it comes back
  pass(seconds(1));
  EXPECT_EQ(order_of_starts(), "0 1");
}

TEST_F(RunRequests, OverATenantsQuotaAreRefusedForThatTenantOnly) {
  options.admission.quota_per_tenant = {2, minutes(1)};
  for (std::uint32_t run = 0; run < 3; ++run) ask(run, "r-" + std::to_string(run), 0, 0);
  ask(3, "r-3", 0, 1);
  pass(seconds(1));
  EXPECT_EQ(answers[2].http, 429);
  EXPECT_EQ(answers[2].code, "QUOTA_EXCEEDED");
  EXPECT_EQ(answers[2].retry_after, minutes(1));
  EXPECT_EQ(order_of_starts(), "0 1 3");
}

TEST_F(RunRequests, ThatAreRepeatedDoNotCountAgainstTheQuota) {
  options.admission.quota_per_tenant = {1, minutes(1)};
  ask(0, "r");
  pass(seconds(1));
  ask(0, "r", 1);
  pass(seconds(1));
  EXPECT_EQ(answers[1].http, 202);
}

TEST_F(RunRequests, GoToTheProviderAtTheThrottlesRate) {
  api().throttle(seconds(10));
  for (std::uint32_t run = 0; run < 4; ++run) ask(run, "r-" + std::to_string(run));
  pass(seconds(25));
  EXPECT_EQ(order_of_starts(), "0 1 2");
  ASSERT_EQ(facts.admitted.size(), 3U);
  EXPECT_EQ(facts.admitted[2].second - facts.admitted[1].second, seconds(10));
  api().throttle(std::nullopt);
  EXPECT_EQ(order_of_starts(), "0 1 2 3");
}

TEST_F(RunRequests, AreHeldByTheThrottleUnderDelay) {
  allow(0, OverloadPolicy::delay);
  api().throttle(seconds(10));
  for (std::uint32_t run = 0; run < 3; ++run) ask(run, "r-" + std::to_string(run));
  pass(seconds(9));
  EXPECT_EQ(api().requests_held(), 2U);
  pass(seconds(20));
  EXPECT_EQ(order_of_starts(), "0 1 2");
  for (const Answer& answer : answers) EXPECT_EQ(answer.http, 202);
}

TEST_F(RunRequests, AreKeptBackWhileTheProjectionIsBehind) {
  options.admission.backpressure_at = 100;
  options.admission.projector_per_event = milliseconds(5);
  std::uint64_t behind = 120;
  options.projection_lag = [&behind] { return behind; };
  ask(0, "r-0");
  pass(kHandling + kWrite + milliseconds(599));
  EXPECT_EQ(answers[0].http, 202) << "accepted at once";
  EXPECT_EQ(order_of_starts(), "");
  pass(milliseconds(1));
  EXPECT_EQ(order_of_starts(), "0");
  behind = 99;
  ask(1, "r-1");
  pass(kHandling + kWrite);
  EXPECT_EQ(order_of_starts(), "0 1");
}

TEST_F(RunRequests, WaitForTheirApproval) {
  options.approval = constant(minutes(5));
  ask(0, "r-0");
  pass(minutes(5));
  EXPECT_EQ(answers[0].http, 202);
  EXPECT_EQ(order_of_starts(), "");
  pass(seconds(1));
  EXPECT_EQ(order_of_starts(), "0");
  ASSERT_EQ(facts.events.size(), 2U);
  EXPECT_EQ(facts.events[1].type, EventType::run_approved);
}

}  // namespace
}  // namespace dvt::test
