// Artifacts that real projects wrote, dbt 0.19 to 1.12 (sources and licences: SOURCES.md beside them). The expected
// figures were counted from the files by other means. Skipped where the data is not checked out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "engine/plan/layers.h"
#include "sim/import/dbt.h"
#include "sim/import/plan_source.h"

namespace dvt::sim {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string data_folder() {
  const char* given = std::getenv("DVTSIM_SHARED_DATA");
  return (given != nullptr ? std::string(given) : std::string(DVTSIM_SOURCE_ROOT) + "/../shared/data") + "/dbt/";
}

class SharedDbtProject : public testing::Test {
 protected:
  /// Skips the test when the project is not there.
  bool load(const std::string& name, const DbtOptions& options = {}) {
    const std::string folder = data_folder() + name;
    if (!std::filesystem::exists(folder)) return false;
    auto read = import_dbt(read_file(folder + "/manifest.json"), read_file(folder + "/run_results.json"), options);
    if (!read.has_value()) {
      ADD_FAILURE() << testing::PrintToString(read.error());
      return true;
    }
    imported_ = std::move(read).value();
    return true;
  }

  std::vector<std::size_t> widths() const {
    std::vector<std::size_t> out;
    for (const auto& layer : engine::layers(imported_.annotated.plan)) out.push_back(layer.size());
    return out;
  }
  std::size_t edges() const {
    std::size_t n = 0;
    for (const engine::Step& step : imported_.annotated.plan.steps) n += step.depends_on->size();
    return n;
  }
  std::int64_t recorded_ns() const {
    std::int64_t sum = 0;
    for (const auto& notes : imported_.annotated.notes) sum += notes.duration.value_or(Duration{}).ns;
    return sum;
  }
  std::vector<std::string> with_outcome(engine::RecordedOutcome outcome) const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < imported_.annotated.notes.size(); ++i)
      if (imported_.annotated.notes[i].outcome == outcome) out.push_back(imported_.annotated.plan.steps[i].step_id);
    return out;
  }

  DbtImport imported_;
};

#define LOAD_OR_SKIP(...) \
  if (!load(__VA_ARGS__)) GTEST_SKIP() << "no dbt artifacts at " << data_folder() << " (set DVTSIM_SHARED_DATA)"

TEST_F(SharedDbtProject, OfVersion1RunsEightModelsOfThirtyTwoNodes) {
  LOAD_OR_SKIP("01_jaffle_v1_bigquery_run");
  EXPECT_EQ(imported_.manifest_version, 1);
  EXPECT_EQ(imported_.dbt_version, "0.19.1");
  EXPECT_EQ(imported_.adapter_type, "bigquery");
  EXPECT_EQ(imported_.annotated.plan.metadata.plan_id, "jaffle_shop");
  EXPECT_EQ(imported_.counts, (DbtCounts{32, 32, 0, 8, 8, 0, 0, 8, 0, 0}));
  EXPECT_EQ(edges(), 34U);
  EXPECT_THAT(widths(), ElementsAre(3, 3, 12, 2, 12));
  EXPECT_EQ(recorded_ns(), 14'576'318'263);
  EXPECT_EQ(imported_.threads, 5U);
  EXPECT_EQ(imported_.elapsed, Duration{7'887'428'045});
  EXPECT_THAT(imported_.warnings, Contains(HasSubstr("24 of 32 steps have no result")));
}

TEST_F(SharedDbtProject, OfVersion2KeepsOneErrorAndOneSkip) {
  LOAD_OR_SKIP("02_fail_v2_bigquery_error_skipped");
  EXPECT_EQ(imported_.counts, (DbtCounts{4, 4, 0, 4, 4, 0, 0, 3, 1, 1}));
  EXPECT_EQ(edges(), 3U);
  EXPECT_THAT(widths(), ElementsAre(2, 1, 1));
  EXPECT_EQ(recorded_ns(), 3'556'745'291);
  EXPECT_THAT(with_outcome(engine::RecordedOutcome::error),
              ElementsAre("model.dbt_bigquery_test.test_second_parallel_dbt_model"));
  EXPECT_EQ(with_outcome(engine::RecordedOutcome::skipped).size(), 1U);
}

TEST_F(SharedDbtProject, OfVersion4MatchesTwentyEightResultsAndReportsOneWithoutANode) {
  LOAD_OR_SKIP("03_jaffle_v4_bigquery_build_1error");
  EXPECT_EQ(imported_.counts, (DbtCounts{28, 28, 0, 29, 28, 0, 1, 28, 1, 0}));
  EXPECT_THAT(imported_.unmatched_results, ElementsAre("model.jaffle_shop.customers"));
  EXPECT_THAT(imported_.warnings, Contains(HasSubstr("\"model.jaffle_shop.customers\" has no node")));
  EXPECT_EQ(edges(), 23U);
  EXPECT_THAT(widths(), ElementsAre(6, 3, 9, 10));
  EXPECT_EQ(recorded_ns(), 52'717'853'307);
  EXPECT_THAT(with_outcome(engine::RecordedOutcome::error), ElementsAre("model.jaffle_shop.test_insert_overwrite"));
}

TEST_F(SharedDbtProject, OnSparkRanOnOneThread) {
  DbtOptions options;
  options.threads = DbtThreads::bound_concurrency;
  LOAD_OR_SKIP("04_jaffle_v4_spark_thrift_build", options);
  EXPECT_EQ(imported_.adapter_type, "spark");
  EXPECT_EQ(imported_.counts, (DbtCounts{28, 28, 0, 28, 28, 0, 0, 28, 0, 0}));
  EXPECT_EQ(edges(), 29U);
  EXPECT_THAT(widths(), ElementsAre(3, 3, 10, 12));
  EXPECT_EQ(recorded_ns(), 234'099'088'667);
  EXPECT_EQ(imported_.annotated.concurrency, 1U);
  EXPECT_EQ(imported_.elapsed, Duration{252'173'953'056});
  EXPECT_THAT(imported_.warnings, IsEmpty());
}

TEST_F(SharedDbtProject, OfVersion11LeavesHooksOut) {
  LOAD_OR_SKIP("09_jaffle_v11_bigquery_build");
  EXPECT_EQ(imported_.counts, (DbtCounts{60, 58, 0, 58, 58, 0, 0, 58, 0, 0}));
  EXPECT_EQ(edges(), 54U);
  EXPECT_THAT(widths(), ElementsAre(19, 15, 12, 12));
  EXPECT_EQ(recorded_ns(), 160'938'282'728);
  EXPECT_EQ(imported_.threads, 3U);
}

TEST_F(SharedDbtProject, OfVersion11SelectedToTestsAndSeedsPassesModelsThrough) {
  DbtOptions options;
  options.select = {"test", "seed"};
  LOAD_OR_SKIP("09_jaffle_v11_bigquery_build", options);
  EXPECT_EQ(imported_.counts, (DbtCounts{60, 23, 0, 58, 23, 35, 0, 23, 0, 0}));
  EXPECT_EQ(edges(), 35U);
  EXPECT_THAT(widths(), ElementsAre(3, 20));
  EXPECT_EQ(recorded_ns(), 27'045'530'320);
}

TEST_F(SharedDbtProject, WhoseResultsComeFromDocsGenerateHasNoDurations) {
  LOAD_OR_SKIP("12_bouncer_v12_dbt1.12_110");
  EXPECT_EQ(imported_.manifest_version, 12);
  EXPECT_EQ(imported_.counts, (DbtCounts{110, 106, 3, 59, 58, 1, 0, 0, 0, 0}));
  EXPECT_EQ(edges(), 110U);
  EXPECT_THAT(widths(), ElementsAre(22, 21, 29, 34));
  EXPECT_EQ(recorded_ns(), 0);
  EXPECT_THAT(imported_.warnings, ElementsAre(HasSubstr("refused: the run results were written by \"generate\"")));
  for (const auto& notes : imported_.annotated.notes) {
    ASSERT_EQ(notes.outcome, std::nullopt);
    ASSERT_TRUE(notes.materialization.has_value());
  }
}

TEST_F(SharedDbtProject, SurvivesItsPlanFile) {
  for (const char* name :
       {"01_jaffle_v1_bigquery_run", "02_fail_v2_bigquery_error_skipped", "03_jaffle_v4_bigquery_build_1error",
        "04_jaffle_v4_spark_thrift_build", "09_jaffle_v11_bigquery_build", "12_bouncer_v12_dbt1.12_110"}) {
    LOAD_OR_SKIP(name);
    const auto read = engine::parse_plan_file(write_plan_file(imported_));
    ASSERT_TRUE(read.has_value()) << name;
    EXPECT_EQ(read.value(), imported_.annotated) << name;
  }
}

}  // namespace
}  // namespace dvt::sim
