// Expressions of alert rules: what they read, what they are, and what is refused.
#include "sim/slo/promql_expr.h"
#include "sim/slo/promql.h"

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

TEST_F(Fixture, MatchesByRegularExpression) {
  series("c", {{"code", "500"}});
  series("c", {{"code", "503"}});
  series("c", {{"code", "200"}});
  series("c", {});
  row(0, {1, 2, 4, 8});
  EXPECT_EQ(now("sum(c{code=~\"5..\"})", 0), (Texts{"{} 3"}));
  EXPECT_EQ(now("sum(c{code!~\"5..\"})", 0), (Texts{"{} 12"}));
  EXPECT_EQ(now("sum(c{code=~\"50\"})", 0), Texts{}) << "the whole value must fit";
  EXPECT_EQ(now("sum(c{code=~\"200|503\"})", 0), (Texts{"{} 6"}));
  EXPECT_EQ(now("sum(c{code=~\".*\"})", 0), (Texts{"{} 15"}));
}

TEST_F(Fixture, AggregatesWithout) {
  series("c", {{"a", "x"}, {"b", "1"}});
  series("c", {{"a", "x"}, {"b", "2"}});
  row(0, {1, 2});
  EXPECT_EQ(now("sum without (b) (c)", 0), (Texts{"{a=\"x\"} 3"}));
  EXPECT_EQ(now("sum(c) without ()", 0), (Texts{"{a=\"x\", b=\"1\"} 1", "{a=\"x\", b=\"2\"} 2"}));
  EXPECT_EQ(now("sum by () (c)", 0), (Texts{"{} 3"}));
}

TEST_F(Fixture, LooksBackByAnOffset) {
  series("c", {});
  for (int i = 0; i <= 8; ++i) row(i * 15, {1.0 * i * i});
  EXPECT_EQ(now("c offset 1m", 120), (Texts{"{} 16"}));
  EXPECT_EQ(now("increase(c[1m] offset 1m)", 120), (Texts{"{} 16"}));
  EXPECT_EQ(now("c offset 10m", 120), Texts{});
}

TEST_F(Fixture, ReadsRangesInManyWays) {
  series("g", {});
  const double values[] = {4, 1, 3, 3, 9};
  for (int i = 0; i <= 4; ++i) row(i * 15, {values[i]});
  EXPECT_EQ(now("delta(g[1m])", 60), (Texts{"{} 5"}));
  EXPECT_EQ(now("idelta(g[1m])", 60), (Texts{"{} 6"}));
  EXPECT_EQ(now("irate(g[1m])", 60), (Texts{"{} 0.4"}));
  EXPECT_EQ(now("irate(g[1m])", 15), (Texts{"{} 0.06666666667"})) << "a fall is a reset";
  EXPECT_EQ(now("avg_over_time(g[1m])", 60), (Texts{"{} 4"}));
  EXPECT_EQ(now("min_over_time(g[1m])", 60), (Texts{"{} 1"}));
  EXPECT_EQ(now("max_over_time(g[1m])", 60), (Texts{"{} 9"}));
  EXPECT_EQ(now("sum_over_time(g[1m])", 60), (Texts{"{} 20"}));
  EXPECT_EQ(now("count_over_time(g[1m])", 60), (Texts{"{} 5"}));
  EXPECT_EQ(now("last_over_time(g[1m])", 60), (Texts{"{} 9"}));
  EXPECT_EQ(now("quantile_over_time(0.5, g[1m])", 60), (Texts{"{} 3"}));
  EXPECT_EQ(now("resets(g[1m])", 60), (Texts{"{} 1"}));
  EXPECT_EQ(now("changes(g[1m])", 60), (Texts{"{} 3"}));
  // Least squares through (-60, 4) (-45, 1) (-30, 3) (-15, 3) (0, 9).
  EXPECT_EQ(now("deriv(g[1m])", 60), (Texts{"{} 0.08"}));
  EXPECT_EQ(now("predict_linear(g[1m], 60)", 60), (Texts{"{} 11.2"}));
}

TEST_F(Fixture, AWindowThatSlidesGivesWhatAFreshOneGives) {
  series("c", {});
  Expression sliding("increase(c[1m])");
  std::vector<Element> found;
  double value = 0;
  for (int i = 0; i < 400; ++i) {
    value = i % 37 == 36 ? 2 : value + (i * 7919) % 13;  // a counter that is reset now and then
    row(i * 15, {value});
    if (i % 3 == 2) continue;  // windows move by one and by two rows
    sliding.evaluate({store_, at(i * 15), {}}, found);
    std::vector<Element> fresh;
    Expression("increase(c[1m])").evaluate({store_, at(i * 15), {}}, fresh);
    ASSERT_EQ(found.size(), fresh.size()) << i;
    if (!fresh.empty()) {
      ASSERT_EQ(found.front().value, fresh.front().value) << i;
    }
    std::vector<Sample> samples;
    range(store_, 0, at(i * 15), minutes(1), RangeStart::included, samples);
    const auto plain = extrapolated_increase(samples, at(i * 15), minutes(1));
    ASSERT_EQ(fresh.empty(), !plain.has_value());
    if (plain) {
      ASSERT_EQ(fresh.front().value, *plain) << i;
    }
  }
}

TEST_F(Fixture, NamesWhatIsAbsent) {
  series("c", {{"a", "x"}});
  row(0, {1});
  EXPECT_EQ(now("absent(c)", 0), Texts{});
  EXPECT_EQ(now("absent(c{a=\"y\", b!=\"z\"})", 0), (Texts{"{a=\"y\"} 1"}));
  EXPECT_EQ(now("absent(sum(d))", 0), (Texts{"{} 1"}));
  EXPECT_EQ(now("absent(c > 5)", 0), (Texts{"{} 1"}));
  EXPECT_EQ(now("absent_over_time(d{a=\"y\"}[5m])", 0), (Texts{"{a=\"y\"} 1"}));
  EXPECT_EQ(now("absent_over_time(c[5m])", 0), Texts{});
}

TEST_F(Fixture, MapsValues) {
  series("g", {});
  row(0, {-2.5});
  EXPECT_EQ(now("abs(g)", 0), (Texts{"{} 2.5"}));
  EXPECT_EQ(now("ceil(g)", 0), (Texts{"{} -2"}));
  EXPECT_EQ(now("floor(g)", 0), (Texts{"{} -3"}));
  EXPECT_EQ(now("round(g)", 0), (Texts{"{} -2"})) << "halves go up";
  EXPECT_EQ(now("round(g, 2)", 0), (Texts{"{} -2"}));
  EXPECT_EQ(now("clamp(g, -1, 1)", 0), (Texts{"{} -1"}));
  EXPECT_EQ(now("clamp_min(g, 0)", 0), (Texts{"{} 0"}));
  EXPECT_EQ(now("clamp_max(g, -3)", 0), (Texts{"{} -3"}));
  EXPECT_EQ(now("-g", 0), (Texts{"{} 2.5"}));
  EXPECT_EQ(now("sgn(g)", 0), (Texts{"{} -1"}));
  EXPECT_EQ(now("g * scalar(g)", 0), (Texts{"{} 6.25"}));
  EXPECT_EQ(now("vector(1) + g", 0), (Texts{"{} -1.5"}));
}

TEST_F(Fixture, PairsOnAndIgnoring) {
  series("errors", {{"code", "500"}, {"m", "get"}});
  series("errors", {{"code", "404"}, {"m", "get"}});
  series("errors", {{"code", "500"}, {"m", "put"}});
  series("requests", {{"m", "get"}});
  series("requests", {{"m", "put"}});
  row(0, {24, 30, 6, 600, 120});
  EXPECT_EQ(now("errors{code=\"500\"} / ignoring(code) requests", 0), (Texts{"{m=\"get\"} 0.04", "{m=\"put\"} 0.05"}));
  EXPECT_EQ(now("errors{code=\"500\"} / on(m) requests", 0), (Texts{"{m=\"get\"} 0.04", "{m=\"put\"} 0.05"}));
  EXPECT_EQ(
      now("errors / on(m) group_left requests", 0),
      (Texts{"{code=\"404\", m=\"get\"} 0.05", "{code=\"500\", m=\"get\"} 0.04", "{code=\"500\", m=\"put\"} 0.05"}));
  EXPECT_EQ(now("requests > on(m) group_right errors{code=\"404\"}", 0), (Texts{"{code=\"404\", m=\"get\"} 600"}))
      << "a comparison leaves the left value";
  EXPECT_EQ(now("requests and on(m) errors{code=\"404\"}", 0), (Texts{"{m=\"get\"} 600"}));
  EXPECT_EQ(now("requests unless on(m) errors{code=\"404\"}", 0), (Texts{"{m=\"put\"} 120"}));
  EXPECT_EQ(now("errors{m=\"put\"} or ignoring(code) requests", 0),
            (Texts{"{code=\"500\", m=\"put\"} 6", "{m=\"get\"} 600"}));
}

TEST_F(Fixture, TakesLabelsFromTheOneSide) {
  series("c", {{"host", "a"}});
  series("info", {{"host", "a"}, {"zone", "z1"}});
  row(0, {5, 1});
  EXPECT_EQ(now("c * on(host) group_left(zone) info", 0), (Texts{"{host=\"a\", zone=\"z1\"} 5"}));
}

TEST_F(Fixture, RefusesToPairTwice) {
  series("c", {{"a", "x"}, {"b", "1"}});
  series("c", {{"a", "x"}, {"b", "2"}});
  series("d", {{"a", "x"}});
  row(0, {1, 2, 3});
  EXPECT_THROW(now("d / on(a) c", 0), Error) << "two on the right";
  EXPECT_THROW(now("c / on(a) d", 0), Error) << "two on the left, and nobody said group_left";
  EXPECT_EQ(now("c > on(a) d", 0), Texts{}) << "nothing is left to be twice";
}

TEST_F(Fixture, ComparesToZeroOrOne) {
  series("c", {{"a", "x"}});
  row(0, {7});
  EXPECT_EQ(now("c > bool 5", 0), (Texts{"{a=\"x\"} 1"}));
  EXPECT_EQ(now("c < bool 5", 0), (Texts{"{a=\"x\"} 0"}));
  EXPECT_EQ(now("c * (1 > bool 2)", 0), (Texts{"{a=\"x\"} 0"}));
  EXPECT_EQ(now("-1 < c", 0), (Texts{"{a=\"x\"} 7"}));
  EXPECT_EQ(now("c > # a word\n 5", 0), (Texts{"{a=\"x\"} 7"}));
}

TEST(PromqlExpression, RefusesByNameWhatLiesOutside) {
  EXPECT_EQ(refusal("sum("), "column 5: expected a number, a metric, a function or '(', found the end");
  EXPECT_NE(refusal("topk(3, c)").find("(topk is not)"), std::string::npos);
  EXPECT_NE(refusal("stddev_over_time(c[5m])").find("(stddev_over_time is not)"), std::string::npos);
  EXPECT_NE(refusal("c{a=~\"(?i)x\"}").find("a plain regular expression"), std::string::npos);
  EXPECT_NE(refusal("c{a=~\"(x\"}").find("a plain regular expression"), std::string::npos);
  EXPECT_NE(refusal("c{__name__=\"d\"}").find("write the metric's name"), std::string::npos);
  EXPECT_NE(refusal("c @ 5").find("no @"), std::string::npos);
  EXPECT_NE(refusal("c and on(a) group_left d").find("no grouping"), std::string::npos);
  EXPECT_NE(refusal("c / on(a) 2").find("two vectors"), std::string::npos);
  EXPECT_NE(refusal("c + bool 2").find("no bool"), std::string::npos);
  EXPECT_NE(refusal("c{a=\"\\x41\"}").find("other escapes"), std::string::npos);
  EXPECT_NE(refusal("abs(1)").find("a vector"), std::string::npos);
  EXPECT_NE(refusal("c[5m]").find("around a range"), std::string::npos);
  EXPECT_NE(refusal("increase(c)").find("a range such as"), std::string::npos);
  EXPECT_NE(refusal("increase(c[5])").find("a unit"), std::string::npos);
  EXPECT_NE(refusal("increase(c[5m:1m])").find("subqueries"), std::string::npos);
  EXPECT_NE(refusal("c > 1 2").find("an operator or the end"), std::string::npos);
  EXPECT_NE(refusal("c ^ 2").find("^, which is not supported"), std::string::npos);
  EXPECT_NE(refusal("5x").find("an operator or the end"), std::string::npos);
  EXPECT_NE(refusal("c{a=\"x").find("closing quote"), std::string::npos);
  EXPECT_NE(refusal("1 > 0").find("a vector in a comparison"), std::string::npos);
  EXPECT_NE(refusal("c and 1").find("two vectors"), std::string::npos);
  EXPECT_NE(refusal("").find("found the end"), std::string::npos);
  EXPECT_NE(refusal(std::string(10'000, '(')).find("fewer nested"), std::string::npos);
}

}  // namespace
}  // namespace dvt::sim::promql
