// Expressions of alert rules: what they read, what they are, and what is refused.
#include "sim/slo/promql_expr.h"

#include <gtest/gtest.h>

#include <cmath>

namespace dvt::sim::promql {
namespace {

Instant at(std::int64_t s) {
  return Instant{} + seconds(s);
}

/// Series that stand for a day's: filled every 15 s with one row of values.
class Fixture : public testing::Test {
 protected:
  void series(std::string name, LabelPairs labels) {
    store_.add_series({std::move(name), std::move(labels), MetricKind::counter, 0});
  }
  void row(std::int64_t s, std::vector<double> values) { store_.add_row(at(s), values); }

  /// The elements as text, `{labels} value`, in order.
  std::vector<std::string> now(std::string_view text, std::int64_t s) {
    Expression expression(text);
    std::vector<Element> found;
    // Twice: what it remembers between steps must not change the answer.
    expression.evaluate({store_, at(s), UnixNanos{1'767'225'600'000'000'000}}, found);
    expression.evaluate({store_, at(s), UnixNanos{1'767'225'600'000'000'000}}, found);
    std::vector<std::string> out;
    for (const Element& element : found) {
      char value[40];
      std::snprintf(value, sizeof value, " %.10g", element.value);
      out.push_back(expression.label_text(element) + value);
    }
    return out;
  }
  using Texts = std::vector<std::string>;

  SeriesStore store_{1000};
};

TEST_F(Fixture, SelectsByNameAndLabels) {
  series("c", {{"a", "x"}});
  series("c", {{"a", "y"}, {"b", "z"}});
  series("d", {});
  row(0, {1, 2, 3});
  EXPECT_EQ(now("c", 0), (Texts{"{a=\"x\"} 1", "{a=\"y\", b=\"z\"} 2"}));
  EXPECT_EQ(now("c{a=\"y\"}", 0), (Texts{"{a=\"y\", b=\"z\"} 2"}));
  EXPECT_EQ(now("c{b=\"\"}", 0), (Texts{"{a=\"x\"} 1"})) << "a label that is not there is empty";
  EXPECT_EQ(now("c{a!=\"x\"}", 0), (Texts{"{a=\"y\", b=\"z\"} 2"}));
  EXPECT_EQ(now("c{a='x',}", 0), (Texts{"{a=\"x\"} 1"}));
  EXPECT_EQ(now("nothing", 0), Texts{});
}

TEST_F(Fixture, AddsAsManySeriesAsAppearLater) {
  Expression expression("sum(c)");
  std::vector<Element> found;
  series("c", {{"a", "x"}});
  row(0, {1});
  expression.evaluate({store_, at(0), {}}, found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().value, 1);
  series("c", {{"a", "y"}});
  row(15, {1, 5});
  expression.evaluate({store_, at(15), {}}, found);
  EXPECT_EQ(found.front().value, 6);
}

TEST_F(Fixture, AggregatesAllOrByLabels) {
  series("c", {{"le", "1"}, {"p", "x"}});
  series("c", {{"le", "1"}, {"p", "y"}});
  series("c", {{"le", "2"}, {"p", "x"}});
  row(0, {1, 2, 4});
  EXPECT_EQ(now("sum(c)", 0), (Texts{"{} 7"}));
  EXPECT_EQ(now("sum by (le) (c)", 0), (Texts{"{le=\"1\"} 3", "{le=\"2\"} 4"}));
  EXPECT_EQ(now("max(c) by (p)", 0), (Texts{"{p=\"x\"} 4", "{p=\"y\"} 2"}));
  EXPECT_EQ(now("min by (q) (c)", 0), (Texts{"{} 1"}));
  EXPECT_EQ(now("avg by (p, le) (c{p=\"x\"})", 0), (Texts{"{le=\"1\", p=\"x\"} 1", "{le=\"2\", p=\"x\"} 4"}));
  EXPECT_EQ(now("count(c)", 0), (Texts{"{} 3"}));
  EXPECT_EQ(now("sum(nothing)", 0), Texts{}) << "the sum of nothing is nothing";
}

TEST_F(Fixture, IncreaseAndRateLookBack) {
  series("c", {});
  for (int i = 0; i <= 4; ++i) row(i * 15, {10.0 * i});
  EXPECT_EQ(now("increase(c[1m])", 60), (Texts{"{} 40"}));
  EXPECT_EQ(now("rate(c[1m])", 60), (Texts{"{} 0.6666666667"}));
  EXPECT_EQ(now("increase(c[10s])", 60), Texts{}) << "one sample is no increase";
  EXPECT_EQ(Expression("increase(c[1m]) / increase(d[1h30m]) > 0").window(), minutes(90));
  EXPECT_EQ(Expression("increase(c[1m]) / d").metrics(), (std::vector<std::string>{"c", "d"}));
}

TEST_F(Fixture, ComparisonsFilterAndKeepTheLeftValue) {
  series("c", {{"a", "x"}});
  series("c", {{"a", "y"}});
  row(0, {1, 7});
  EXPECT_EQ(now("c > 5", 0), (Texts{"{a=\"y\"} 7"}));
  EXPECT_EQ(now("5 < c", 0), (Texts{"{a=\"y\"} 7"}));
  EXPECT_EQ(now("c <= 1", 0), (Texts{"{a=\"x\"} 1"}));
  EXPECT_EQ(now("c == 7", 0), (Texts{"{a=\"y\"} 7"}));
  EXPECT_EQ(now("c != 7", 0), (Texts{"{a=\"x\"} 1"}));
  EXPECT_EQ(now("c > c", 0), Texts{});
}

TEST_F(Fixture, ArithmeticBindsAsItShould) {
  series("c", {{"a", "x"}});
  row(0, {6});
  EXPECT_EQ(now("c - 1 - 2 * 2", 0), (Texts{"{a=\"x\"} 1"}));
  EXPECT_EQ(now("(c - 1) / 2 > 14.4 * 0.005", 0), (Texts{"{a=\"x\"} 2.5"}));
  EXPECT_EQ(now("1 - c / c", 0), (Texts{"{a=\"x\"} 0"}));
  EXPECT_EQ(now("time() - c > 60", 30), (Texts{"{a=\"x\"} 1767225624"}));
  EXPECT_EQ(now("c > -1", 0), (Texts{"{a=\"x\"} 6"}));
}

TEST_F(Fixture, AndOrAndUnlessPairIdenticalLabels) {
  series("c", {{"a", "x"}});
  series("d", {{"a", "x"}});
  series("d", {{"a", "y"}});
  row(0, {1, 2, 3});
  EXPECT_EQ(now("c and d", 0), (Texts{"{a=\"x\"} 1"}));
  EXPECT_EQ(now("d and c > 5", 0), Texts{});
  EXPECT_EQ(now("c or d", 0), (Texts{"{a=\"x\"} 1", "{a=\"y\"} 3"}));
  EXPECT_EQ(now("d unless c", 0), (Texts{"{a=\"y\"} 3"}));
  EXPECT_EQ(now("c or d and nothing", 0), (Texts{"{a=\"x\"} 1"})) << "and binds before or";
  EXPECT_EQ(now("max(c) > 0 and max(d) > 2", 0), (Texts{"{} 1"}));
}

TEST_F(Fixture, ARatioWithoutSumPairsEachSeriesWithItself) {
  series("c", {{"status", "failed"}});
  series("c", {{"status", "completed"}});
  for (int i = 0; i <= 4; ++i) row(i * 15, {1.0 * i, 99.0 * i});
  EXPECT_EQ(now("rate(c{status=\"failed\"}[1m]) / rate(c[1m])", 60), (Texts{"{status=\"failed\"} 1"}));
  EXPECT_EQ(now("sum(rate(c{status=\"failed\"}[1m])) / sum(rate(c[1m]))", 60), (Texts{"{} 0.01"}));
}

TEST_F(Fixture, QuantilesAreLinearWithinABucket) {
  series("h_bucket", {{"le", "1"}, {"p", "x"}});
  series("h_bucket", {{"le", "5"}, {"p", "x"}});
  series("h_bucket", {{"le", "+Inf"}, {"p", "x"}});
  row(0, {10, 30, 40});
  EXPECT_EQ(now("histogram_quantile(0.5, h_bucket)", 0), (Texts{"{p=\"x\"} 3"})) << "half of the second bucket";
  EXPECT_EQ(now("histogram_quantile(0.125, h_bucket)", 0), (Texts{"{p=\"x\"} 0.5"})) << "the first begins at zero";
  EXPECT_EQ(now("histogram_quantile(0.99, sum by (le) (h_bucket))", 0), (Texts{"{} 5"})) << "the last finite bound";
  EXPECT_EQ(now("histogram_quantile(0.99, h_bucket) > 30", 0), Texts{});
}

TEST_F(Fixture, AQuantileOfWhatIsNoHistogramIsNothing) {
  series("h", {});
  series("g_bucket", {{"le", "1"}});
  row(0, {5, 3});
  EXPECT_EQ(now("histogram_quantile(0.99, h)", 0), Texts{});
  const Texts without_inf = now("histogram_quantile(0.99, g_bucket)", 0);
  ASSERT_EQ(without_inf.size(), 1U);
  EXPECT_NE(without_inf.front().find("nan"), std::string::npos) << "no +Inf bucket: not a number";
  EXPECT_EQ(now("histogram_quantile(0.99, g_bucket) > 0", 0), Texts{});
}

TEST_F(Fixture, CountsThatFallBackAreLifted) {
  series("h_bucket", {{"le", "1"}});
  series("h_bucket", {{"le", "2"}});
  series("h_bucket", {{"le", "+Inf"}});
  row(0, {10, 9, 10});
  EXPECT_EQ(now("histogram_quantile(0.5, h_bucket)", 0), (Texts{"{} 0.5"}));
}

std::string refusal(std::string_view text) {
  try {
    Expression expression(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(PromqlExpression, RefusesByNameWhatLiesOutside) {
  EXPECT_EQ(refusal("sum("), "column 5: expected a number, a metric, a function or '(', found the end");
  EXPECT_NE(refusal("avg_over_time(c[5m])").find("other functions are not supported"), std::string::npos);
  EXPECT_NE(refusal("c{a=~\"x.*\"}").find("regular expressions"), std::string::npos);
  EXPECT_NE(refusal("sum without (a) (c)").find("without is not supported"), std::string::npos);
  EXPECT_NE(refusal("c / on(a) d").find("'on' is not supported"), std::string::npos);
  EXPECT_NE(refusal("c offset 5m").find("no offset"), std::string::npos);
  EXPECT_NE(refusal("c[5m]").find("around a range"), std::string::npos);
  EXPECT_NE(refusal("increase(c)").find("a range such as"), std::string::npos);
  EXPECT_NE(refusal("increase(c[5])").find("a unit"), std::string::npos);
  EXPECT_NE(refusal("increase(c[5m:1m])").find("subqueries"), std::string::npos);
  EXPECT_NE(refusal("c > 1 2").find("an operator or the end"), std::string::npos);
  EXPECT_NE(refusal("c ^ 2").find("an operator or the end"), std::string::npos);
  EXPECT_NE(refusal("c{a=\"x").find("closing quote"), std::string::npos);
  EXPECT_NE(refusal("1 > 0").find("a vector in a comparison"), std::string::npos);
  EXPECT_NE(refusal("c and 1").find("two vectors"), std::string::npos);
  EXPECT_NE(refusal("").find("found the end"), std::string::npos);
  EXPECT_NE(refusal(std::string(10'000, '(')).find("fewer nested"), std::string::npos);
}

}  // namespace
}  // namespace dvt::sim::promql
