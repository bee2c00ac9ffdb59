// The dbt importer's rules, each on the smallest manifest that shows it, and our own sample project as a whole.
#include "sim/import/dbt.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/plan/layers.h"
#include "engine/plan/plan_json.h"
#include "sim/import/plan_source.h"

namespace dvt::sim {
namespace {

using engine::RecordedOutcome;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string manifest(std::string_view nodes, std::string_view others = "", std::string_view version = "v12") {
  return fmt::format(R"({{"metadata":{{"dbt_schema_version":"https://schemas.getdbt.com/dbt/manifest/{}.json",
      "dbt_version":"1.9.2","adapter_type":"bigquery","project_name":"ferry"}},"nodes":{{{}}}{}}})",
                     version, nodes, others);
}

/// A node of the manifest; the resource type is the id's first part.
std::string node(std::string_view id, std::string_view depends_on = "", std::string_view materialized = "table") {
  return fmt::format(R"("{}":{{"resource_type":"{}","package_name":"ferry","config":{{"materialized":"{}"}},
      "depends_on":{{"nodes":[{}]}}}})",
                     id, id.substr(0, id.find('.')), materialized, depends_on);
}

std::string results(std::string_view rows, std::string_view args = R"({"which":"build"})") {
  return fmt::format(R"({{"metadata":{{"dbt_schema_version":"https://schemas.getdbt.com/dbt/run-results/v6.json"}},
      "args":{},"elapsed_time":12.5,"results":[{}]}})",
                     args, rows);
}

std::string row(std::string_view id, std::string_view status, std::string_view seconds,
                std::string_view thread = "T1") {
  return fmt::format(R"({{"unique_id":"{}","status":"{}","execution_time":{},"thread_id":"{}","message":"said {}"}})",
                     id, status, seconds, thread, status);
}

DbtImport import_or_fail(const std::string& manifest_text, std::optional<std::string> results_text = std::nullopt,
                         const DbtOptions& options = {}) {
  auto imported = import_dbt(manifest_text, results_text, options);
  if (!imported.has_value()) {
    ADD_FAILURE() << testing::PrintToString(imported.error());
    return {};
  }
  return std::move(imported).value();
}

std::vector<std::string> errors_of(const std::string& manifest_text,
                                   std::optional<std::string> results_text = std::nullopt,
                                   const DbtOptions& options = {}) {
  const auto imported = import_dbt(manifest_text, results_text, options);
  return imported.has_value() ? std::vector<std::string>{} : imported.error();
}

/// "step <- dependency dependency" for each step.
std::vector<std::string> graph(const DbtImport& imported) {
  std::vector<std::string> out;
  for (const engine::Step& step : imported.annotated.plan.steps) {
    out.push_back(step.step_id + " <-");
    for (const std::string& dependency : *step.depends_on) out.back() += " " + dependency;
  }
  return out;
}

const engine::StepNotes& notes_of(const DbtImport& imported, std::string_view step_id) {
  const auto index = engine::find_step(imported.annotated.plan, step_id);
  EXPECT_TRUE(index.has_value()) << step_id;
  return imported.annotated.notes.at(index->value);
}

TEST(DbtImport, TakesStepsInTheManifestsOrderWithTheirDependencies) {
  const DbtImport imported = import_or_fail(
      manifest(node("test.f.t", R"("model.f.b")", "test") + "," + node("model.f.b", R"("seed.f.z","model.f.a")") + "," +
               node("model.f.a", "", "view") + "," + node("seed.f.z", "", "seed")));
  EXPECT_THAT(graph(imported),
              ElementsAre("test.f.t <- model.f.b", "model.f.b <- seed.f.z model.f.a", "model.f.a <-", "seed.f.z <-"));
  EXPECT_EQ(imported.annotated.plan.steps[0].kind, "dbt");
  EXPECT_EQ(imported.annotated.plan.metadata.plan_id, "ferry");
  EXPECT_THAT(imported.warnings, IsEmpty());
}

TEST(DbtImport, NotesTheMaterializationOfModelsAndTheTypeOfEverythingElse) {
  const DbtImport imported = import_or_fail(manifest(
      node("model.f.a", "", "incremental") + "," + node("test.f.t", "", "table") + "," + node("seed.f.s", "", "seed") +
      "," + node("snapshot.f.h", "", "snapshot") + "," + node("model.f.m", "", "materialized_view")));
  std::vector<std::string> found;
  for (const auto& notes : imported.annotated.notes) found.push_back(notes.materialization.value_or("-"));
  EXPECT_THAT(found, ElementsAre("incremental", "test", "seed", "snapshot", "materialized_view"));
}

TEST(DbtImport, PassesChainsOfEphemeralModelsThrough) {
  const DbtImport imported =
      import_or_fail(manifest(node("model.f.top", R"("model.f.e1","model.f.a")") + "," +
                              node("model.f.e1", R"("model.f.e2","model.f.b")", "ephemeral") + "," +
                              node("model.f.e2", R"("model.f.e3","model.f.a")", "ephemeral") + "," +
                              node("model.f.e3", R"("model.f.c")", "ephemeral") + "," + node("model.f.a") + "," +
                              node("model.f.b") + "," + node("model.f.c")));
  EXPECT_THAT(graph(imported), ElementsAre("model.f.top <- model.f.c model.f.a model.f.b", "model.f.a <-",
                                           "model.f.b <-", "model.f.c <-"));
  EXPECT_EQ(imported.counts.ephemeral, 3U);
  EXPECT_EQ(imported.counts.nodes, 7U);
  EXPECT_EQ(imported.counts.selected, 4U);
}

TEST(DbtImport, FollowsAChainOfFiftyThousandEphemeralModels) {
  std::string nodes = node("model.f.top", R"("model.f.e0")");
  constexpr int kChain = 50'000;
  for (int i = 0; i < kChain; ++i)
    nodes += "," + node(fmt::format("model.f.e{}", i),
                        i + 1 == kChain ? R"("seed.f.s")" : fmt::format(R"("model.f.e{}")", i + 1), "ephemeral");
  const DbtImport imported = import_or_fail(manifest(nodes + "," + node("seed.f.s", "", "seed")));
  EXPECT_THAT(graph(imported), ElementsAre("model.f.top <- seed.f.s", "seed.f.s <-"));
}

TEST(DbtImport, PassesThroughTypesThatAreNotSelected) {
  DbtOptions options;
  options.select = {"seed", "test"};
  const DbtImport imported =
      import_or_fail(manifest(node("test.f.t", R"("model.f.m")", "test") + "," + node("model.f.m", R"("model.f.n")") +
                              "," + node("model.f.n", R"("seed.f.s")") + "," + node("seed.f.s", "", "seed")),
                     std::nullopt, options);
  EXPECT_THAT(graph(imported), ElementsAre("test.f.t <- seed.f.s", "seed.f.s <-"));
  EXPECT_EQ(imported.counts.ephemeral, 0U);
}

TEST(DbtImport, PassesThroughNodesOfOtherMapsAndForgetsSources) {
  const DbtImport imported = import_or_fail(manifest(node("model.f.a", R"("source.f.raw.x")") + "," +
                                                         node("model.f.b", R"("metric.f.m","operation.f.hook")") + "," +
                                                         node("operation.f.hook", R"("model.f.a")", "view"),
                                                     R"(,"sources":{"source.f.raw.x":{"resource_type":"source"}},
          "metrics":{"metric.f.m":{"depends_on":{"nodes":["semantic_model.f.s"]}}},
          "semantic_models":{"semantic_model.f.s":{"depends_on":{"nodes":["model.f.a"]}}},
          "exposures":{"exposure.f.e":{"depends_on":{"nodes":["model.f.b"]}}},
          "unit_tests":{"unit_test.f.u":{"depends_on":{"nodes":["model.f.b"]}}})"));
  EXPECT_THAT(graph(imported), ElementsAre("model.f.a <-", "model.f.b <- model.f.a"));
  EXPECT_EQ(imported.counts.nodes, 3U);
  EXPECT_THAT(imported.warnings, IsEmpty());
}

TEST(DbtImport, DropsDependenciesOnDisabledAndUnknownNodesWithAWarning) {
  const std::string nodes = node("model.f.a", R"("model.f.off","model.f.b","model.f.gone")") + "," + node("model.f.b");
  for (const char* disabled : {R"(,"disabled":{"model.f.off":[{"unique_id":"model.f.off"}]})",
                               R"(,"disabled":[{"unique_id":"model.f.off"}])"}) {
    const DbtImport imported = import_or_fail(manifest(nodes, disabled));
    EXPECT_THAT(graph(imported), ElementsAre("model.f.a <- model.f.b", "model.f.b <-"));
    EXPECT_THAT(imported.warnings, ElementsAre(HasSubstr("\"model.f.off\", which is disabled"),
                                               HasSubstr("\"model.f.gone\", which the manifest lacks")));
  }
}

TEST(DbtImport, RunsAProjectWithoutEdgesInParallel) {
  const DbtImport imported = import_or_fail(manifest(node("model.f.a") + "," + node("model.f.b")));
  EXPECT_EQ(engine::layers(imported.annotated.plan).size(), 1U);
}

TEST(DbtImport, ReadsNodesWithoutDependsOn) {
  const DbtImport imported = import_or_fail(
      manifest(R"("seed.f.s":{"resource_type":"seed"},"seed.f.t":{"depends_on":{"macros":[]}},"model.f.n":{"depends_on":
      {"nodes":null},"config":{"materialized":null}})"));
  EXPECT_THAT(graph(imported), ElementsAre("seed.f.s <-", "seed.f.t <-", "model.f.n <-"));
  EXPECT_EQ(notes_of(imported, "model.f.n").materialization, std::nullopt);
}

TEST(DbtImport, AcceptsManifestsOneToTwelveAndNoOthers) {
  for (int version = 1; version <= 12; ++version)
    EXPECT_EQ(import_or_fail(manifest(node("model.f.a"), "", fmt::format("v{}", version))).manifest_version, version);
  for (const char* version : {"v0", "v13", "v-1", "v1x", "", "vv"})
    EXPECT_THAT(errors_of(manifest(node("model.f.a"), "", version)), ElementsAre(HasSubstr("manifest"))) << version;
  EXPECT_THAT(errors_of(manifest(node("model.f.a"), "", "v13")), ElementsAre(HasSubstr("v13 is not supported")));
  EXPECT_THAT(errors_of(results("")), ElementsAre(HasSubstr("run-results/v6.json")));
}

TEST(DbtImport, TakesDurationsFromCommandsThatExecuteNodes) {
  for (const char* which : {"run", "build", "test", "seed", "snapshot"}) {
    const DbtImport imported = import_or_fail(
        manifest(node("model.f.a")),
        results(row("model.f.a", "success", "2.3836779594421387"), fmt::format(R"({{"which":"{}"}})", which)));
    EXPECT_EQ(notes_of(imported, "model.f.a").duration, Duration{2'383'677'959}) << which;
    EXPECT_EQ(imported.counts.durations, 1U);
    EXPECT_EQ(imported.command, which);
    EXPECT_EQ(imported.elapsed, milliseconds(12'500));
    EXPECT_THAT(imported.warnings, IsEmpty());
  }
}

TEST(DbtImport, RefusesResultsOfOtherCommandsAndSaysWhy) {
  for (const char* which : {"generate", "compile", "list", "freshness", "run-operation"}) {
    const DbtImport imported =
        import_or_fail(manifest(node("model.f.a")),
                       results(row("model.f.a", "error", "0.01"), fmt::format(R"({{"which":"{}"}})", which)));
    EXPECT_EQ(notes_of(imported, "model.f.a").duration, std::nullopt) << which;
    EXPECT_EQ(notes_of(imported, "model.f.a").outcome, std::nullopt) << which;
    EXPECT_EQ(imported.counts.durations, 0U);
    EXPECT_EQ(imported.counts.matched, 1U);
    EXPECT_THAT(imported.warnings,
                ElementsAre(testing::AllOf(HasSubstr(fmt::format("\"{}\"", which)), HasSubstr("refused"))));
  }
}

TEST(DbtImport, ReadsTheCommandFromRpcMethodWhereWhichIsAbsent) {
  const std::string one = row("model.f.a", "success", "1.5");
  EXPECT_EQ(import_or_fail(manifest(node("model.f.a")), results(one, R"({"rpc_method":"run"})")).counts.durations, 1U);
  const DbtImport unknown = import_or_fail(manifest(node("model.f.a")), results(one, "{}"));
  EXPECT_EQ(unknown.counts.durations, 0U);
  EXPECT_THAT(unknown.warnings, ElementsAre(HasSubstr("args.which is absent")));
}

TEST(DbtImport, KeepsErrorsAndSkipsAsOutcomes) {
  const DbtImport imported =
      import_or_fail(manifest(node("model.f.a") + "," + node("model.f.b") + "," + node("test.f.t") + "," +
                              node("test.f.w") + "," + node("model.f.r") + "," + node("model.f.p")),
                     results(row("model.f.a", "error", "0.5") + "," + row("model.f.b", "skipped", "0.0") + "," +
                             row("test.f.t", "fail", "1.25") + "," + row("test.f.w", "warn", "1") + "," +
                             row("model.f.r", "runtime error", "2") + "," + row("model.f.p", "partial success", "3")));
  EXPECT_EQ(notes_of(imported, "model.f.a").outcome, RecordedOutcome::error);
  EXPECT_EQ(notes_of(imported, "model.f.a").message, "said error");
  EXPECT_EQ(notes_of(imported, "model.f.a").duration, milliseconds(500));
  EXPECT_EQ(notes_of(imported, "model.f.b").outcome, RecordedOutcome::skipped);
  EXPECT_EQ(notes_of(imported, "model.f.b").duration, std::nullopt) << "it never ran";
  EXPECT_EQ(notes_of(imported, "test.f.t").outcome, RecordedOutcome::fail);
  EXPECT_EQ(notes_of(imported, "test.f.w").outcome, RecordedOutcome::success);
  EXPECT_EQ(notes_of(imported, "test.f.w").message, "");
  EXPECT_EQ(notes_of(imported, "model.f.r").outcome, RecordedOutcome::error);
  EXPECT_EQ(notes_of(imported, "model.f.p").outcome, RecordedOutcome::error);
  EXPECT_EQ(imported.counts.errors, 4U);
  EXPECT_EQ(imported.counts.skipped, 1U);
  EXPECT_EQ(imported.counts.durations, 5U);
}

TEST(DbtImport, ReportsResultsWithoutANode) {
  const DbtImport imported =
      import_or_fail(manifest(node("model.f.a") + "," + node("model.f.e", "", "ephemeral"),
                              R"(,"disabled":{"model.f.off":[]},"unit_tests":{"unit_test.f.u":{}})"),
                     results(row("model.f.off", "success", "1") + "," + row("model.f.e", "success", "1") + "," +
                             row("unit_test.f.u", "pass", "1") + "," + row("model.f.gone", "success", "1") + "," +
                             row("model.f.a", "success", "1")));
  EXPECT_THAT(imported.unmatched_results, ElementsAre("model.f.off", "model.f.gone"));
  EXPECT_EQ(imported.counts.results, 5U);
  EXPECT_EQ(imported.counts.matched, 1U);
  EXPECT_EQ(imported.counts.not_selected, 2U);
  EXPECT_EQ(imported.counts.unmatched, 2U);
  EXPECT_THAT(imported.warnings, ElementsAre("result of \"model.f.off\" has no node: the manifest has it as disabled",
                                             "result of \"model.f.gone\" has no node"));
}

TEST(DbtImport, SaysHowManyStepsHaveNoResult) {
  const DbtImport imported =
      import_or_fail(manifest(node("model.f.a") + "," + node("model.f.b")), results(row("model.f.b", "success", "1")));
  EXPECT_EQ(notes_of(imported, "model.f.a").duration, std::nullopt);
  EXPECT_THAT(imported.warnings, ElementsAre(HasSubstr("1 of 2 steps have no result")));
}

TEST(DbtImport, LeavesOutWhatAResultDoesNotSay) {
  const DbtImport imported =
      import_or_fail(manifest(node("model.f.a") + "," + node("model.f.b") + "," + node("model.f.c")),
                     results(row("model.f.a", "mystery", "1") + "," + row("model.f.b", "success", "-1") + "," +
                             row("model.f.c", "success", "null")));
  EXPECT_EQ(notes_of(imported, "model.f.a").outcome, std::nullopt);
  EXPECT_EQ(notes_of(imported, "model.f.a").duration, seconds(1));
  EXPECT_EQ(notes_of(imported, "model.f.b").duration, std::nullopt);
  EXPECT_EQ(notes_of(imported, "model.f.c").duration, std::nullopt);
  EXPECT_THAT(imported.warnings,
              ElementsAre(HasSubstr("unknown status \"mystery\""), HasSubstr("\"model.f.b\": no usable"),
                          HasSubstr("\"model.f.c\": no usable")));
}

TEST(DbtImport, LetsTheLastOfSeveralResultsCount) {
  const DbtImport imported = import_or_fail(
      manifest(node("model.f.a")), results(row("model.f.a", "error", "1") + "," + row("model.f.a", "success", "2")));
  EXPECT_EQ(notes_of(imported, "model.f.a").outcome, RecordedOutcome::success);
  EXPECT_EQ(notes_of(imported, "model.f.a").duration, seconds(2));
  EXPECT_EQ(imported.counts.results, 1U);
  EXPECT_THAT(imported.warnings, Contains(HasSubstr("more than one result")));
}

TEST(DbtImport, BoundsConcurrencyByTheThreadsOnlyWhenAsked) {
  const std::string nodes = manifest(node("model.f.a") + "," + node("model.f.b"));
  const std::string rows = row("model.f.a", "success", "1", "T1") + "," + row("model.f.b", "success", "1", "T2");
  DbtOptions bound;
  bound.threads = DbtThreads::bound_concurrency;

  const DbtImport counted = import_or_fail(nodes, results(rows));
  EXPECT_EQ(counted.threads, 2U);
  EXPECT_EQ(counted.annotated.concurrency, std::nullopt);
  EXPECT_EQ(import_or_fail(nodes, results(rows), bound).annotated.concurrency, 2U);
  EXPECT_EQ(import_or_fail(nodes, results(rows, R"({"which":"run","threads":8})"), bound).annotated.concurrency, 8U);

  const DbtImport none = import_or_fail(nodes, results(""), bound);
  EXPECT_EQ(none.annotated.concurrency, std::nullopt);
  EXPECT_THAT(none.warnings, Contains(HasSubstr("name no threads")));
}

TEST(DbtImport, RefusesWhatCannotBecomeAPlan) {
  EXPECT_THAT(errors_of(manifest(node("model.f.a|b"))), ElementsAre(HasSubstr("\"model.f.a|b\"")));
  EXPECT_THAT(errors_of(manifest(node("model.f.e", "", "ephemeral"))), ElementsAre(HasSubstr("no model, seed, test")));
  EXPECT_THAT(errors_of(manifest(node("model.f.a", R"("model.f.b")") + "," + node("model.f.b", R"("model.f.a")"))),
              ElementsAre("INVALID_PLAN_SCHEMA: cyclic_dependencies_detected"));
  EXPECT_THAT(
      errors_of(manifest(node("model.f.a", R"("model.f.e")") + "," + node("model.f.e", R"("model.f.a")", "ephemeral"))),
      ElementsAre("INVALID_PLAN_SCHEMA: self_dependency:model.f.a"));
  EXPECT_THAT(
      errors_of(manifest(node("model.f.a", R"("model.f.e")") + "," + node("model.f.e", R"("model.f.g")", "ephemeral") +
                         "," + node("model.f.g", R"("model.f.e")", "ephemeral"))),
      ElementsAre("node \"model.f.e\" depends on itself"));
  EXPECT_THAT(errors_of(manifest(R"("model.f.a":{"depends_on":{"nodes":"model.f.b"}})")),
              ElementsAre(HasSubstr("nodes.model.f.a.depends_on.nodes is no list")));
}

TEST(DbtImport, NamesTheProblemsOfBothFilesAndTheOptionsAtOnce) {
  DbtOptions options;
  options.select = {"model", "exposure"};
  EXPECT_THAT(errors_of("{", "[]", options),
              ElementsAre(HasSubstr("select: \"exposure\""), HasSubstr("manifest: line 1, column"),
                          HasSubstr("run results: there is no \"metadata\"")));
}

TEST(DbtImport, IsReadBackFromItsPlanFile) {
  const DbtImport imported =
      import_or_fail(manifest(node("model.f.b", R"("seed.f.s")") + "," + node("seed.f.s", "", "seed")),
                     results(row("model.f.b", "error", "0.7918922901153564") + "," + row("seed.f.s", "success", "3")));
  const auto read = engine::parse_plan_file(write_plan_file(imported));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read.value(), imported.annotated);
  EXPECT_THAT(engine::plan_bytes(read.value().plan), Not(HasSubstr("0.791892290")));
}

TEST(SampleDbtProject, BecomesElevenStepsInFourLayersWithOneSlowModel) {
  const std::string folder = std::string(DVTSIM_SOURCE_ROOT) + "/tests/scenarios/dbt/";
  DbtOptions options;
  options.threads = DbtThreads::bound_concurrency;
  const DbtImport imported =
      import_or_fail(read_file(folder + "manifest.json"), read_file(folder + "run_results.json"), options);
  DbtCounts expected;
  expected.nodes = 12;
  expected.selected = expected.results = expected.matched = expected.durations = 11;
  expected.ephemeral = 1;
  EXPECT_EQ(imported.counts, expected);
  EXPECT_THAT(imported.warnings, IsEmpty());
  EXPECT_EQ(imported.annotated.concurrency, 4U);
  EXPECT_EQ(imported.annotated.plan.metadata.plan_id, "tidewater");
  EXPECT_THAT(
      graph(imported),
      Contains("model.tidewater.fct_daily_revenue <- model.tidewater.fct_crossings model.tidewater.stg_bookings "
               "model.tidewater.stg_fares"));
  EXPECT_EQ(notes_of(imported, "model.tidewater.fct_daily_revenue").duration, Duration{187'415'002'108});
  std::vector<std::size_t> widths;
  for (const auto& layer : engine::layers(imported.annotated.plan)) widths.push_back(layer.size());
  EXPECT_THAT(widths, ElementsAre(3, 3, 3, 2));
}

}  // namespace
}  // namespace dvt::sim
