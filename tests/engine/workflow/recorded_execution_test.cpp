// recorded-execution does what its script says, in the script's order, and refuses scripts that say nothing it can do.
#include "engine/workflow/recorded_execution.h"

#include "tests/support/engine_fixture.h"

namespace dvt::test {
namespace {

using Names = std::vector<std::string>;

Result<Payload, std::vector<std::string>> read(const char* text) {
  const auto parsed = json::parse(text);
  if (!parsed.has_value()) throw Error(parsed.error().message);
  return read_recorded_script(parsed.value());
}

class Recorded : public EngineFixture {
 protected:
  // What the workflow did, without workflow tasks.
  Names run(const char* script) {
    add_workers(1);
    workers.register_workflow(Symbol::intern(kRecordedChild), [](WorkflowContext& ctx, const Payload& input) {
      return recorded_child(ctx, nullptr, input);
    });
    auto input = read(script);
    if (!input.has_value()) throw Error(input.error().front());
    define([payload = input.value()](WorkflowContext& ctx, const Payload& next) {
      return recorded_execution(ctx, nullptr, ctx.info().chain == 0 ? payload : next);
    });
    start();
    kernel.run_until(Instant{hours(2).ns});
    Names out;
    for (std::size_t i = 0; i < closed.size(); ++i) {
      EXPECT_EQ(workers.verify(closed[i].key, histories[i]), std::nullopt);
      if (closed[i].key.child != 0) continue;
      for (const std::string& name : names(closed[i].history))
        if (name.find("WorkflowTask") == std::string::npos) out.push_back(name);
    }
    return out;
  }
};

TEST_F(Recorded, WorkBeginsWhenWhatItWaitedForIsOver) {
  EXPECT_EQ(run(R"({"operations": [
      {"kind": "child", "type": "ship", "takes": "2s"},
      {"kind": "timer", "takes": "1s"},
      {"kind": "child", "takes": "1s", "after": [1, 2], "end": "failed"},
      {"kind": "child", "takes": "3s", "after": [2], "end": "timed_out"}]})"),
            (Names{"WorkflowExecutionStarted", "StartChildWorkflowExecutionInitiated", "TimerStarted",
                   "ChildWorkflowExecutionStarted", "TimerFired", "StartChildWorkflowExecutionInitiated",
                   "ChildWorkflowExecutionStarted", "ChildWorkflowExecutionCompleted",
                   "StartChildWorkflowExecutionInitiated", "ChildWorkflowExecutionStarted",
                   "ChildWorkflowExecutionFailed", "ChildWorkflowExecutionTimedOut", "WorkflowExecutionCompleted"}));
}

TEST_F(Recorded, ACancelledTimerIsCancelledWhenTheOthersAreOver) {
  EXPECT_EQ(run(R"({"operations": [{"kind": "timer", "takes": "1h", "until": [2], "end": "cancelled"},
                                   {"kind": "timer", "takes": "1s"}], "end": "failed"})"),
            (Names{"WorkflowExecutionStarted", "TimerStarted", "TimerStarted", "TimerFired", "TimerCanceled",
                   "WorkflowExecutionFailed"}));
}

TEST_F(Recorded, OpenWorkIsNotWaitedFor) {
  EXPECT_EQ(run(R"({"operations": [{"kind": "timer", "takes": "1h", "end": "open"}, {"kind": "timer", "takes": "1s"}],
                    "end": "continued_as_new"})"),
            (Names{"WorkflowExecutionStarted", "TimerStarted", "TimerStarted", "TimerFired",
                   "WorkflowExecutionContinuedAsNew", "WorkflowExecutionStarted", "WorkflowExecutionCompleted"}));
}

TEST_F(Recorded, AnOpenExecutionWaitsForACancel) {
  kernel.call_at(Instant{minutes(1).ns}, [&] { service.request_cancel({0}); });
  EXPECT_EQ(run(R"({"end": "open"})"),
            (Names{"WorkflowExecutionStarted", "WorkflowExecutionCancelRequested", "WorkflowExecutionCanceled"}));
}

TEST(RecordedScripts, AreWrittenAsTheyWereRead) {
  const char* text = R"({"operations":[{"kind":"child","type":"ship","takes":"2s"},)"
                     R"({"kind":"timer","takes":"1s","after":[1],"until":[1],"end":"cancelled"}],"end":"open"})";
  const auto script = read(text);
  ASSERT_TRUE(script.has_value());
  std::string written;
  script.value()->write_json(written);
  EXPECT_EQ(read(written.c_str()).has_value(), true) << written;
}

TEST(RecordedScripts, AreRefusedWithThePlaceAndWhatWasExpectedThere) {
  const auto errors = [](const char* text) {
    const auto script = read(text);
    return script.has_value() ? std::vector<std::string>{} : script.error();
  };
  using E = std::vector<std::string>;
  EXPECT_EQ(errors("7"), (E{"expected {operations, end}"}));
  EXPECT_EQ(errors(R"({"operation": []})"),
            (E{"operation: not known (did you mean operations?); expected operations, end"}));
  EXPECT_EQ(errors(R"({"end": "complete"})"),
            (E{"end: expected one of completed, failed, continued_as_new, open (did you mean completed?)"}));
  EXPECT_EQ(errors(R"({"operations": [{"kind": "times", "takes": "soon"}]})"),
            (E{"operations[1].kind: expected timer or child (did you mean timer?)",
               "operations[1].takes: expected a duration above zero, such as 250ms"}));
  EXPECT_EQ(errors(R"({"operations": [{"kind": "timer", "takes": "1s", "after": [1]}]})"),
            (E{"operations[1].after: expected nothing: no operation stands before"}));
  EXPECT_EQ(errors(R"({"operations": [{"kind": "child", "takes": "1s", "end": "cancelled"}]})"),
            (E{"operations[1].end: expected one of completed, failed, timed_out, open"}));
  EXPECT_EQ(errors(R"({"operations": [{"kind": "timer", "takes": "1s", "until": [1]}]})"),
            (E{"operations[1].until: expected only with a timer whose end is cancelled"}));
}

}  // namespace
}  // namespace dvt::test
