// The assertion language: grammar, kinds, paths, evaluation.
#include "sim/scenario/assertion.h"

#include <map>

#include "support.h"

namespace dvt::sim::test {
namespace {

class FakeResult final : public ResultView {
 public:
  std::map<std::string, AssertValue, std::less<>> values{
      {"runs.failed", AssertValue::of_number(1)},
      {"runs.completed", AssertValue::of_number(100)},
      {"runs.zero", AssertValue::of_number(0)},
      {"objectives.pause-latency.verdict", AssertValue::of_word("fail")},
      {"objectives.statestore-write.observed", AssertValue::of_duration(milliseconds(10))},
      {"alerts.ProjectionLag.fired", AssertValue::of_number(1)},
      {"alerts.corrected/ProjectionLag.fired", AssertValue::of_number(2)},
      {"budget.consumed", AssertValue::of_duration(minutes(20))},
      {"cost.per_run", AssertValue::of_money(8'000'000)},
      {"faults.stall.recovered", AssertValue::of_duration(minutes(9))},
  };
  mutable std::vector<MetricQuery> queries;

  std::optional<AssertValue> lookup(std::string_view path) const override {
    const auto found = values.find(path);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<double> metric(const MetricQuery& query) const override {
    queries.push_back(query);
    if (query.name == "dvt_projection_lag_events") return 500;
    if (query.name == "dvt_statestore_write_duration_ms") return 9.5;
    if (query.name == "dvt_projection_lag_seconds") return 2;
    return std::nullopt;
  }
};

Assertion must_parse(std::string_view text) {
  auto parsed = Assertion::parse(text);
  if (!parsed.has_value()) ADD_FAILURE() << text << ": " << parsed.error().message;
  return parsed.has_value() ? parsed.value() : Assertion::parse("true").value();
}

bool holds(std::string_view text) {
  return must_parse(text).evaluate(FakeResult{}).passed;
}
std::string observed(std::string_view text) {
  return must_parse(text).evaluate(FakeResult{}).observed;
}

TEST(AssertionEvaluation, ComparesPathsWithLiterals) {
  EXPECT_TRUE(holds("objectives.pause-latency.verdict == fail"));
  EXPECT_FALSE(holds("objectives.pause-latency.verdict != fail"));
  EXPECT_TRUE(holds("objectives.statestore-write.observed <= 10ms"));
  EXPECT_FALSE(holds("objectives.statestore-write.observed < 10ms"));
  EXPECT_TRUE(holds("runs.failed / runs.completed == 1%"));
  EXPECT_FALSE(holds("runs.failed / runs.completed < 1%"));
  EXPECT_TRUE(holds("runs.failed / runs.completed <= 0.01"));
  EXPECT_TRUE(holds("alerts.corrected/ProjectionLag.fired == 2"));
  EXPECT_TRUE(holds("budget.consumed < 216m and budget.consumed == 20m"));
  EXPECT_TRUE(holds("cost.per_run <= 0.008 USD"));
  EXPECT_TRUE(holds("faults.stall.recovered <= 0h10m"));
}

TEST(AssertionEvaluation, BindsAsArithmeticDoes) {
  EXPECT_TRUE(holds("1 + 2 * 3 == 7"));
  EXPECT_TRUE(holds("(1 + 2) * 3 == 9"));
  EXPECT_TRUE(holds("10 - 2 - 3 == 5"));
  EXPECT_TRUE(holds("-2 + 3 == 1"));
  EXPECT_TRUE(holds("12 / 2 / 3 == 2"));
  EXPECT_TRUE(holds("2 * 30s == 1m"));
  EXPECT_TRUE(holds("1h / 30m == 2"));
  EXPECT_TRUE(holds("false and false or true"));
  EXPECT_TRUE(holds("true or false and false"));
  EXPECT_TRUE(holds("not false and true"));
  EXPECT_FALSE(holds("not (true and true)"));
  EXPECT_TRUE(holds("not 1 == 2"));
}

TEST(AssertionEvaluation, TakesMinusOnlyBetweenSpaces) {
  EXPECT_EQ(must_parse("runs.completed - runs.failed == 99").paths(),
            (std::vector<std::string>{"runs.completed", "runs.failed"}));
  EXPECT_EQ(must_parse("runs.completed-runs.failed == 99").paths(),
            std::vector<std::string>{"runs.completed-runs.failed"});
  EXPECT_TRUE(holds("runs.completed - runs.failed == 99"));
}

TEST(AssertionEvaluation, ReadsMetricsWithLabelsAndWindows) {
  const Assertion assertion = must_parse(
      "metric(dvt_projection_lag_events{adapter=temporal, planId=\"a b\", n=3}).max <= 60000 within [30m, 2h]");
  FakeResult result;
  EXPECT_TRUE(assertion.evaluate(result).passed);
  ASSERT_EQ(result.queries.size(), 1U);
  const MetricQuery& query = result.queries[0];
  EXPECT_EQ(query.name, "dvt_projection_lag_events");
  EXPECT_EQ(query.labels,
            (std::vector<std::pair<std::string, std::string>>{{"adapter", "temporal"}, {"planId", "a b"}, {"n", "3"}}));
  EXPECT_EQ(query.function, MetricFunction::max);
  ASSERT_TRUE(query.window);
  EXPECT_EQ(query.window->from, Instant{} + minutes(30));
  EXPECT_EQ(query.window->to, Instant{} + hours(2));
  EXPECT_FALSE(must_parse("metric(x).min == 1").metrics()[0].window);
}

TEST(AssertionEvaluation, ConvertsDurationsToTheMetricsUnit) {
  EXPECT_TRUE(holds("metric(dvt_statestore_write_duration_ms).mean <= 10ms"));
  EXPECT_FALSE(holds("metric(dvt_statestore_write_duration_ms).mean <= 9ms"));
  EXPECT_TRUE(holds("metric(dvt_statestore_write_duration_ms).mean == 9.5"));
  EXPECT_TRUE(holds("metric(dvt_projection_lag_seconds).last == 2s"));
  EXPECT_TRUE(holds("metric(dvt_projection_lag_seconds).last > metric(dvt_statestore_write_duration_ms).last"));
  EXPECT_TRUE(holds("2 * metric(dvt_statestore_write_duration_ms).mean == 19ms"));
  EXPECT_EQ(metric_unit_ns("dvt_x_ms_sum"), 1'000'000);
  EXPECT_EQ(metric_unit_ns("dvt_x_ms_count"), 0);
  EXPECT_EQ(metric_unit_ns("dvt_x_seconds_bucket"), 0);
  EXPECT_EQ(metric_unit_ns("dvt_x_events"), 0);
}

TEST(AssertionEvaluation, FailsOnWhatIsAbsentAndSaysSo) {
  EXPECT_FALSE(holds("runs.unheard == 0"));
  EXPECT_FALSE(holds("not runs.unheard == 0"));
  EXPECT_TRUE(holds("runs.unheard == 0 or runs.failed == 1"));
  EXPECT_FALSE(holds("runs.unheard == 0 and runs.failed == 1"));
  EXPECT_FALSE(holds("metric(nothing).max >= 0"));
  EXPECT_EQ(observed("runs.unheard == 0"), "runs.unheard = absent");
  EXPECT_EQ(observed("objectives.statestore-write.observed <= 1ms"), "objectives.statestore-write.observed = 10ms");
  EXPECT_EQ(observed("runs.failed + runs.failed == 2"), "runs.failed = 1");
  EXPECT_EQ(observed("cost.per_run < 1 USD"), "cost.per_run = 0.008 USD");
}

TEST(AssertionEvaluation, SurvivesDivisionByZeroAndMixedKinds) {
  EXPECT_FALSE(holds("runs.failed / runs.zero > 1"));
  EXPECT_NE(observed("runs.failed / runs.zero > 1").find("division by zero"), std::string::npos);
  EXPECT_FALSE(holds("runs.failed == fail"));
  EXPECT_NE(observed("runs.failed == fail").find("a number cannot be compared with a word"), std::string::npos);
  EXPECT_FALSE(holds("runs.failed"));
}

TEST(AssertionGrammar, ReportsErrorsAtTheirPlace) {
  const std::vector<std::tuple<const char*, std::size_t, const char*>> cases{
      {"", 0, "expected a value"},
      {"runs.failed ==", 14, "found the end"},
      {"runs.failed = 0", 12, "equality is written =="},
      {"runs.failed === 0", 14, "expected a value"},
      {"runs.failed && true", 12, "expected and, or, not in words"},
      {"1 < 2 < 3", 6, "comparisons do not chain"},
      {"(1 == 1", 7, "expected \")\""},
      {"1 == 1)", 6, "expected an operator or the end"},
      {"a.b == \"x", 7, "a quote is not closed"},
      {"a.b < 5parsecs", 6, "no duration, size, rate"},
      {"a.b < 1m1h", 6, "no duration"},
      {"metric(x).median > 1", 10, "expected min, max, mean, last or increase"},
      {"metric().max > 1", 7, "expected a metric's name"},
      {"metric(x{a}).max > 1", 10, "expected \"=\""},
      {"runs.failed == 0 within [1m, 2m]", 17, "within needs a metric"},
      {"metric(x).max > 1 within [2m, 1m]", 33, "the window ends before it begins"},
      {"metric(x).max > 1 within [2, 3]", 26, "expected a time since the start"},
      {"and and and", 0, "expected a value"},
      {"a.b == \x01", 7, "unexpected character"},
  };
  for (const auto& [text, offset, message] : cases) {
    const auto parsed = Assertion::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_NE(parsed.error().message.find(message), std::string::npos) << text << ": " << parsed.error().message;
    EXPECT_EQ(parsed.error().offset, offset) << text << ": " << parsed.error().message;
  }
}

TEST(AssertionGrammar, BoundsDepthAndLength) {
  EXPECT_FALSE(Assertion::parse(std::string(1'000, '(') + "1 == 1" + std::string(1'000, ')')).has_value());
  std::string nots;
  for (int i = 0; i < 900; ++i) nots += "not ";
  EXPECT_FALSE(Assertion::parse(nots + "true").has_value());
  EXPECT_FALSE(Assertion::parse(std::string(10'000, 'x')).has_value());
  std::string sum = "1";
  for (int i = 0; i < 900; ++i) sum += " + 1";
  EXPECT_TRUE(holds(sum + " == 901"));
}

TEST(AssertionCheck, FindsUnknownPathsWithTheNearestName) {
  const Scenario scenario = must_read(small_and(R"(faults: {stall: {kind: stall, target: projector}}
assertions:
  - objectives.pause-latncy.verdict == fail
  - "objectives.pause-latency.verdict == fial"
  - runs.failed == 0 and faults.stal.recovered < 1m
  - alerts.ProjectionLag.fired == 1
  - counts.anything.at.all == 0
  - metric(dvt_projection_lag_event).max < 5
  - runs.failed == 5m
  - runs.failed
  - {expect: budget.consumd < 1m, abortOnFail: true})"));
  PathCatalogue catalogue = path_catalogue(scenario);
  add_alert(catalogue, "corrected", "ProjectionLag");
  catalogue.add_metric("dvt_projection_lag_events");
  EXPECT_EQ(format(check_assertions(scenario, catalogue)),
            "s.yaml:12:5: assertions.0: no path \"objectives.pause-latncy.verdict\" (did you mean "
            "\"objectives.pause-latency.verdict\"?)\n"
            "s.yaml:13:41: assertions.1: objectives.pause-latency.verdict is never \"fial\"; it is one of pass, fail, "
            "insufficient, not_measured, not_applicable\n"
            "s.yaml:14:26: assertions.2: no path \"faults.stal.recovered\" (did you mean \"faults.stall.recovered\"?)\n"
            "s.yaml:17:5: assertions.5: no metric \"dvt_projection_lag_event\" (did you mean "
            "\"dvt_projection_lag_events\"?)\n"
            "s.yaml:18:17: assertions.6: a number cannot be compared with a duration\n"
            "s.yaml:19:5: assertions.7: an assertion is a condition such as runs.failed == 0, not a number\n"
            "s.yaml:20:14: assertions.8: no path \"budget.consumd\" (did you mean \"budget.consumed\"?)\n");
}

TEST(AssertionCheck, SyntaxErrorsAreFoundWhenTheScenarioIsRead) {
  EXPECT_EQ(errors_of(small_and("assertions: [runs.failed = 0, {expect: 1 <, abortOnFail: maybe}]")),
            "s.yaml:10:26: assertions.0: equality is written ==\n"
            "s.yaml:10:58: assertions.1.abortOnFail: expected true or false, found \"maybe\"\n");
}

TEST(AssertionCheck, FitsKindsTheWayEvaluationDoes) {
  PathCatalogue catalogue;
  catalogue.add("a.number", ValueKind::number);
  catalogue.add("a.duration", ValueKind::duration);
  catalogue.add("a.flag", ValueKind::boolean);
  catalogue.add("a.money", ValueKind::money);
  const auto errors = [&](std::string_view text) { return must_parse(text).check(catalogue).size(); };
  for (const char* right :
       {"a.number * 5s < a.duration", "a.duration / 2 < 5s", "a.duration / 1s < 5", "a.flag and not a.flag",
        "a.flag == true", "a.number < 50%", "metric(x_ms).max < a.duration", "metric(x).max < 5",
        "a.money / a.number < 1 USD", "-a.duration < 1s"}) {
    EXPECT_EQ(errors(right), 0U) << right;
  }
  for (const char* wrong :
       {"a.number + 5s < 1", "a.duration * a.duration < 1s", "a.flag < true", "a.flag + 1 == 2", "a.number and a.flag",
        "metric(x).max < 5s", "a.money < 5s", "not a.number", "-a.flag == 1"}) {
    EXPECT_EQ(errors(wrong), 1U) << wrong;
  }
}

}  // namespace
}  // namespace dvt::sim::test
