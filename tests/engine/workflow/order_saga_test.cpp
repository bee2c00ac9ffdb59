// The example workflow: what it does, what it undoes, and that waiting inside a catch block survives crashes, replays
// and other workflows that do the same.
#include "engine/workflow/examples/order_saga.h"
#include "engine/workflow/registry.h"
#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

// Notes its calls; fails for good in the runs it is told to.
class Shop final : public Activity {
 public:
  Shop(Timers& timers, const char* name, std::vector<std::string>& log) : timers_(timers), name_(name), log_(log) {}
  std::vector<std::uint32_t> fails_in;
  void start(const ActivityInvocation& invocation, ActivityDone done) override {
    const std::uint32_t run = invocation.run.value;
    const bool fails = std::find(fails_in.begin(), fails_in.end(), run) != fails_in.end();
    log_.push_back(std::to_string(run) + " " + name_);
    struct Held {
      ActivityDone done;
      std::string type;
      bool fails;
    };
    auto held = std::make_unique<Held>(Held{std::move(done), std::string(name_) + "-failed", fails});
    timers_.call_after(seconds(10), [h = std::move(held)] {
      h->done(h->fails ? ActivityAnswer{nullptr, make_failure(h->type, Symbol::intern(h->type), true)}
                       : ActivityAnswer{});
    });
  }

 private:
  Timers& timers_;
  const char* name_;
  std::vector<std::string>& log_;
};

class OrderSaga : public EngineFixture {
 protected:
  OrderSaga() {
    const RegisteredWorkflow* saga = find_workflow("order-saga");
    for (const std::string_view type : saga->activities) {
      shops.push_back(std::make_unique<Shop>(kernel, type.data(), log));
      workers.register_activity(Symbol::intern(type), *shops.back());
    }
    // One attempt a minute: an activity lost with its worker is made again.
    define([this](WorkflowContext& ctx, const Payload& order) {
      return examples::order_saga(ctx, options(minutes(1)), order);
    });
  }
  Shop& shop(std::string_view type) {
    const auto& names = find_workflow("order-saga")->activities;
    return *shops.at(static_cast<std::size_t>(std::find(names.begin(), names.end(), type) - names.begin()));
  }
  Names of_run(std::uint32_t run) {
    Names out;
    const std::string prefix = std::to_string(run) + " ";
    for (const std::string& line : log)
      if (line.starts_with(prefix)) out.push_back(line.substr(prefix.size()));
    return out;
  }
  const Closed& end_of(std::uint32_t run) {
    for (const Closed& one : closed)
      if (one.key.run.value == run) return one;
    ADD_FAILURE() << "run " << run << " is open";
    return closed.at(0);
  }
  void replay_all() {
    for (std::size_t i = 0; i < closed.size(); ++i)
      EXPECT_EQ(workers.verify(closed[i].key, histories[i]), std::nullopt);
  }

  std::vector<std::string> log;
  std::vector<std::unique_ptr<Shop>> shops;
};

TEST_F(OrderSaga, AnOrderThatGoesWellUndoesNothing) {
  add_workers(1);
  start();
  kernel.run();
  EXPECT_EQ(end_of(0).status, CloseStatus::completed);
  EXPECT_EQ(log, (Names{"0 reserveStock", "0 chargeCard", "0 shipOrder"}));
}

TEST_F(OrderSaga, AFailureUndoesWhatWasDoneInReverseOrderAndStaysTheOrdersFailure) {
  add_workers(1);
  shop("shipOrder").fails_in = {0};
  shop("chargeCard").fails_in = {1};
  shop("reserveStock").fails_in = {2};
  for (std::uint32_t run = 0; run < 3; ++run) start(run);
  kernel.run();
  EXPECT_EQ(of_run(0), (Names{"reserveStock", "chargeCard", "shipOrder", "refundCard", "releaseStock"}));
  EXPECT_EQ(of_run(1), (Names{"reserveStock", "chargeCard", "releaseStock"}));
  EXPECT_EQ(of_run(2), (Names{"reserveStock"}));
  // All three waited in their catch blocks at the same time: none rethrows another's failure.
  EXPECT_EQ(end_of(0).failure->type.text(), "shipOrder-failed");
  EXPECT_EQ(end_of(1).failure->type.text(), "chargeCard-failed");
  EXPECT_EQ(end_of(2).failure->type.text(), "reserveStock-failed");
  replay_all();
}

TEST_F(OrderSaga, ACancelUndoesWhatWasDone) {
  add_workers(1);
  start();
  kernel.call_at(Instant{seconds(15).ns}, [&] { service.request_cancel({0}); });
  kernel.run();
  EXPECT_EQ(end_of(0).status, CloseStatus::cancelled);
  EXPECT_EQ(log, (Names{"0 reserveStock", "0 chargeCard", "0 releaseStock"}));
  replay_all();
}

TEST_F(OrderSaga, ACrashWhileItWaitsInsideTheCatchBlockUndoesNothingTwice) {
  add_workers(4);
  shop("shipOrder").fails_in = {0, 1, 2, 3};
  for (std::uint32_t run = 0; run < 4; ++run) start(run);
  // At 35 s all four are refunding. The activities of the worker that dies are lost and made again.
  kernel.call_at(Instant{seconds(35).ns}, [&] { workers.kill(service.execution({1})->sticky->worker); });
  kernel.run();
  ASSERT_EQ(closed.size(), 4u);
  EXPECT_GE(telemetry.replayed_tasks, 1u);
  EXPECT_TRUE(telemetry.nondeterminism_reports.empty());
  for (std::uint32_t run = 0; run < 4; ++run) {
    EXPECT_EQ(end_of(run).failure->type.text(), "shipOrder-failed");
    std::size_t scheduled = 0;
    for (const HistoryEvent& event : end_of(run).history)
      if (std::holds_alternative<ActivityTaskScheduled>(event.attributes)) ++scheduled;
    EXPECT_EQ(scheduled, 5u);
  }
  replay_all();
}

}  // namespace
}  // namespace dvt::test
