// Every form of <dist>: read, built, written again; and CSV columns.
#include "sim/scenario/csv_column.h"
#include "support.h"

namespace dvt::sim::test {
namespace {

Dist dist_of(const std::string& text) {
  return must_read(kSmall, {{"topology.api.latency", text}}).topology.api.latency;
}
std::string error_of(const std::string& text) {
  return errors_of(kSmall, {{"topology.api.latency", text}});
}

TEST(DistributionText, HasEightForms) {
  EXPECT_EQ(dist_of("250ms").build(), Distribution::constant(milliseconds(250)));
  EXPECT_EQ(dist_of("{uniform: {min: 1s, max: 3s}}").build(), Distribution::uniform(seconds(1), seconds(3)));
  EXPECT_EQ(dist_of("{exponential: {mean: 2s}}").build(), Distribution::exponential(seconds(2)));
  EXPECT_EQ(dist_of("{normal: {mean: 2s, sd: 1s}}").build(), Distribution::normal(seconds(2), seconds(1)));
  EXPECT_EQ(dist_of("{lognormal: {p50: 2ms, p99: 8ms}}").build(),
            Distribution::lognormal(milliseconds(2), milliseconds(8)));
  EXPECT_EQ(dist_of("{lognormal: {mu: -0.33, sigma: 0.32, unit: s}}").build(),
            Distribution::lognormal(-0.33, 0.32, seconds(1)));
  EXPECT_EQ(dist_of("{gamma: {mean: 3s, cv: 0.5}}").build(), Distribution::gamma(seconds(3), 0.5));
  EXPECT_EQ(
      dist_of("{bimodal: {fast: 1ms, slow: {exponential: {mean: 1s}}, slowShare: 1%}}").build(),
      Distribution::bimodal(Distribution::constant(milliseconds(1)), Distribution::exponential(seconds(1)), 0.01));
  EXPECT_EQ(dist_of("{empirical: [1s, 2s, 500ms]}").build(),
            Distribution::empirical({seconds(1), seconds(2), milliseconds(500)}));
  const Dist file = dist_of("{empirical: {file: t.csv, column: t, unit: ms}}");
  EXPECT_EQ(file.form, Dist::Form::empirical_file);
  EXPECT_EQ(file.a, milliseconds(1));
  EXPECT_FALSE(file.p99().has_value());
  EXPECT_EQ(dist_of("{uniform: {min: 0s, max: 100s}}").p99(), seconds(99));
}

TEST(DistributionText, ThatMeansNothingIsRefused) {
  for (const auto& [text, expected] : std::vector<std::pair<const char*, const char*>>{
           {"5", "the unit is missing"},
           {"fast", "expected a duration"},
           {"[1s]", "found a list"},
           {"{}", "expected one of uniform"},
           {"{unifrom: {min: 1s, max: 2s}}", "did you mean \"uniform\"?"},
           {"{uniform: {min: 2s, max: 1s}}", "max is less than min"},
           {"{uniform: {min: 2s}}", "\"max\" is missing"},
           {"{uniform: {min: 1s, max: 2s}, exponential: {mean: 1s}}", "expected one of"},
           {"{lognormal: {p50: 8ms, p99: 2ms}}", "p99 is less than p50"},
           {"{lognormal: {p50: 0s, p99: 2ms}}", "more than 0s"},
           {"{lognormal: {p50: 1ms}}", "expected {p50, p99} or {mu, sigma, unit}"},
           {"{lognormal: {p50: 1ms, p99: 2ms, mu: 1}}", "expected {p50, p99} or {mu, sigma, unit}"},
           {"{lognormal: {mu: 1, sigma: -1}}", "expected 0 to 20"},
           {"{lognormal: {mu: 1e300, sigma: 1}}", "expected -50 to 50"},
           {"{gamma: {mean: 1s, cv: 0}}", "more than 0"},
           {"{bimodal: {fast: 1ms, slow: 2ms, slowShare: 101%}}", "expected a share"},
           {"{bimodal: {fast: 1ms, slow: 2, slowShare: 1%}}", "the unit is missing"},
           {"{empirical: []}", "at least one value"},
           {"{empirical: [1s, x]}", "expected a duration"},
           {"{empirical: {column: t}}", "\"file\" is missing"},
           {"{normal: {mean: -1s, sd: 1s}}", "must not be negative"},
           {"{exponential: {mean: 4000d}}", "at most ten years"},
       }) {
    EXPECT_NE(error_of(text).find(expected), std::string::npos) << text << "\n" << error_of(text);
  }
}

TEST(CsvColumn, HoldsDurationsWithUnitsOrNumbersInOne) {
  const auto named = read_duration_column("id,wait_ms\r\n1,1.5\r\n2,\"2\"\r\n\r\n", "wait_ms", {});
  ASSERT_TRUE(named.has_value()) << named.error();
  EXPECT_EQ(named.value(), (std::vector<Duration>{microseconds(1500), milliseconds(2)}));
  const auto united = read_duration_column("a,b\n1s,\"x,\"\"y\"\"\"\n250ms,z\n", "a", {});
  ASSERT_TRUE(united.has_value()) << united.error();
  EXPECT_EQ(united.value(), (std::vector<Duration>{seconds(1), milliseconds(250)}));
  const auto given = read_duration_column("t\n3\n", "t", seconds(1));
  ASSERT_TRUE(given.has_value()) << given.error();
  EXPECT_EQ(given.value(), std::vector<Duration>{seconds(3)});
}

TEST(CsvColumn, NamesTheLineThatIsWrong) {
  EXPECT_NE(read_duration_column("a,b\n1,2\n", "c", {}).error().find("the columns are a, b"), std::string::npos);
  EXPECT_NE(read_duration_column("t\n1s\n7\n", "t", {}).error().find("line 3: expected a duration"), std::string::npos);
  EXPECT_NE(read_duration_column("t_s\n1\n-1\n", "t_s", {}).error().find("line 3"), std::string::npos);
  EXPECT_NE(read_duration_column("t\n\"1s\n", "t", {}).error().find("line 2: a quote is not closed"),
            std::string::npos);
  EXPECT_NE(read_duration_column("a,t\n1\n", "t", {}).error().find("line 2: no cell"), std::string::npos);
  EXPECT_NE(read_duration_column("t\n", "t", {}).error().find("has no rows"), std::string::npos);
  EXPECT_THROW((void)load_duration_column("no/such.csv", "t", {}), Error);
}

}  // namespace
}  // namespace dvt::sim::test
