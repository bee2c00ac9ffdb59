// Windows, processors, the deferral queue, admission and its leases, as values.
#include "engine/api/limits.h"

#include <gtest/gtest.h>

#include "engine/api/admission.h"

namespace dvt::engine {
namespace {

constexpr Instant at(std::int64_t second) {
  return Instant{seconds(second).ns};
}

TEST(RateWindow, LetsSoManyThroughInAnyWindow) {
  const Allowance two{2, minutes(1)};
  RateWindow window;
  EXPECT_TRUE(window.room(two, at(0)));
  window.take(at(0));
  window.take(at(30));
  EXPECT_FALSE(window.room(two, at(59)));
  EXPECT_EQ(window.wait(two, at(45)), seconds(15));
  EXPECT_TRUE(window.room(two, at(60))) << "the first is a whole minute old";
  window.take(at(60));
  EXPECT_FALSE(window.room(two, at(89)));
  EXPECT_TRUE(window.room(two, at(90)));
}

TEST(RateWindow, GivesBackWhatDidNotCount) {
  const Allowance one{1, minutes(1)};
  RateWindow window;
  window.take(at(5));
  window.give_back(at(5));
  window.give_back(at(5));  // once only
  EXPECT_TRUE(window.room(one, at(6)));
}

TEST(RateWindow, WithoutALimitHasAlwaysRoom) {
  RateWindow window;
  for (int i = 0; i < 100; ++i) window.take(at(0));
  EXPECT_TRUE(window.room({0, minutes(1)}, at(0)));
}

TEST(SignalProcessors, TakeOneSignalEachAtATime) {
  SignalProcessors processors(2, seconds(10));
  EXPECT_TRUE(processors.take(at(0)));
  EXPECT_TRUE(processors.take(at(1)));
  EXPECT_FALSE(processors.take(at(2)));
  EXPECT_EQ(processors.next_free(), at(10));
  EXPECT_TRUE(processors.take(at(10)));
  EXPECT_FALSE(processors.take(at(10)));
  processors.stop(true);
  EXPECT_EQ(processors.next_free(), std::nullopt);
  EXPECT_FALSE(processors.take(at(60)));
}

TEST(DeferralQueue, GivesOutWhatIsDueByTimeThenByOrder) {
  DeferralQueue queue;
  queue.add({1, 0}, at(60));
  queue.add({2, 0}, at(0));
  queue.add({3, 0}, at(0));
  EXPECT_EQ(queue.pop(at(0))->signal, 2U);
  EXPECT_EQ(queue.pop(at(0))->signal, 3U);
  EXPECT_FALSE(queue.pop(at(59)));
  EXPECT_EQ(queue.next_due(), at(60));
  queue.make_due(at(30));
  EXPECT_EQ(queue.pop(at(30))->signal, 1U);
}

AdmissionOptions two_runs(OverloadPolicy policy) {
  AdmissionOptions options;
  options.policy = policy;
  options.max_in_flight = 2;
  return options;
}

TEST(Admission, AnswersOverloadByItsPolicy) {
  Admission queue(two_runs(OverloadPolicy::queue));
  Admission reject(two_runs(OverloadPolicy::reject));
  Admission delay(two_runs(OverloadPolicy::delay));
  EXPECT_EQ(queue.enter({0}, 2, false, at(0)).way, Entry::Way::accept);
  EXPECT_EQ(reject.enter({0}, 1, false, at(0)).way, Entry::Way::accept);
  const Entry refused = reject.enter({0}, 2, false, at(0));
  EXPECT_EQ(refused.way, Entry::Way::refuse);
  EXPECT_EQ(refused.error, ApiError::overloaded);
  EXPECT_GT(refused.retry_after, Duration{});
  EXPECT_EQ(delay.enter({0}, 2, false, at(0)).way, Entry::Way::hold);
  EXPECT_EQ(delay.enter({0}, 1, true, at(0)).way, Entry::Way::hold) << "those before it come first";
  EXPECT_EQ(delay.enter({0}, 1, false, at(0)).way, Entry::Way::accept);
}

TEST(Admission, KeepsEachTenantsQuotaApart) {
  AdmissionOptions options;
  options.quota_per_tenant = {2, minutes(1)};
  Admission admission(options);
  EXPECT_EQ(admission.enter({0}, 0, false, at(0)).way, Entry::Way::accept);
  EXPECT_EQ(admission.enter({0}, 0, false, at(10)).way, Entry::Way::accept);
  const Entry refused = admission.enter({0}, 0, false, at(20));
  EXPECT_EQ(refused.error, ApiError::quota_exceeded);
  EXPECT_EQ(refused.retry_after, seconds(40));
  EXPECT_EQ(admission.enter({1}, 0, false, at(20)).way, Entry::Way::accept);
}

TEST(Admission, DoesNotCountARefusedRequestAgainstTheQuota) {
  AdmissionOptions options = two_runs(OverloadPolicy::reject);
  options.quota_per_tenant = {1, minutes(1)};
  Admission admission(options);
  EXPECT_EQ(admission.enter({0}, 2, false, at(0)).error, ApiError::overloaded);
  EXPECT_EQ(admission.enter({0}, 0, false, at(1)).way, Entry::Way::accept);
}

TEST(Admission, ThrottlesRequestsToOneAnIntervalUnderReject) {
  Admission admission(two_runs(OverloadPolicy::reject));
  admission.throttle(seconds(10), at(0));
  EXPECT_EQ(admission.enter({0}, 0, false, at(0)).way, Entry::Way::accept);
  EXPECT_EQ(admission.next_start(at(3)), at(10));
  const Entry refused = admission.enter({0}, 0, false, at(3));
  EXPECT_EQ(refused.error, ApiError::throttled);
  EXPECT_EQ(refused.retry_after, seconds(7));
  admission.throttle(std::nullopt, at(4));
  EXPECT_EQ(admission.enter({0}, 0, false, at(4)).way, Entry::Way::accept);
}

TEST(Admission, ThrottlesStartsAndNoRequestsUnderQueue) {
  Admission admission(two_runs(OverloadPolicy::queue));
  admission.throttle(seconds(10), at(0));
  admission.started(at(0));
  EXPECT_EQ(admission.enter({0}, 0, false, at(3)).way, Entry::Way::accept);
  EXPECT_EQ(admission.next_start(at(3)), at(10));
}

TEST(Admission, DelaysByTheProjectorsBacklogUpToABound) {
  AdmissionOptions options;
  options.backpressure_at = 100;
  options.projector_per_event = milliseconds(5);
  const Admission admission(options);
  EXPECT_EQ(admission.backpressure(99), Duration{});
  EXPECT_EQ(admission.backpressure(100), milliseconds(500));
  EXPECT_EQ(admission.backpressure(1'000'000'000'000), seconds(1));
}

TEST(StartQueue, GivesARunToOneAtATime) {
  StartQueue queue;
  queue.add({7}, at(0));
  queue.add({8}, at(1));
  const StartQueue::Lease first = queue.take();
  EXPECT_EQ(first.run.value, 7U);
  EXPECT_EQ(queue.take().run.value, 8U);
  EXPECT_TRUE(queue.empty()) << "what is leased is not given out again";
  EXPECT_TRUE(queue.expired(first));
  EXPECT_FALSE(queue.expired(first)) << "a lease ends once";
  const StartQueue::Lease second = queue.take();
  EXPECT_EQ(second.run.value, 7U);
  EXPECT_FALSE(queue.done(first)) << "the late holder of an old lease changes nothing";
  EXPECT_TRUE(queue.done(second));
  EXPECT_EQ(queue.leased(), 1U);
}

}  // namespace
}  // namespace dvt::engine
