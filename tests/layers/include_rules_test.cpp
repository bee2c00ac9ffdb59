// The include table holds for the tree, and the check that says so trips on planted lines.
#include "tests/layers/include_rules.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/layers/expect_none.h"
#include "tests/layers/source_tree.h"

namespace dvt::layers {
namespace {

IncludeTable table_of_the_tree() {
  for (const TextFile& file : read_tree(source_root())) {
    if (file.path == "tests/layers/include_table.txt") return parse_include_table(file.content);
  }
  throw std::runtime_error("tests/layers/include_table.txt is missing");
}

std::string first_finding(const std::string& path, const std::string& line) {
  const auto findings = check_includes(table_of_the_tree(), read_source_text(path, "// what for\n" + line + '\n'));
  return findings.empty() ? "" : findings[0].text();
}

TEST(IncludeTable, HoldsForEveryFileOfTheTree) {
  const IncludeTable table = table_of_the_tree();
  std::size_t includes = 0;
  std::vector<Finding> findings;
  for (const SourceText& file : cpp_files(read_tree(source_root()))) {
    includes += file.includes.size();
    for (Finding& finding : check_includes(table, file)) findings.push_back(std::move(finding));
  }
  expect_none(findings);
  EXPECT_GT(includes, 100U) << "hardly any #include was read: is this the right tree?";
}

TEST(IncludeTable, NamesFileLineAndHeaderOfAnOffendingInclude) {
  EXPECT_EQ(first_finding("sim/report/json.cpp", "#include \"sim/world/world.h\""),
            "sim/report/json.cpp:2: #include \"sim/world/world.h\" is not allowed for row sim/report");
}

TEST(IncludeTable, KeepsTheEngineIgnorantOfTheSimulator) {
  EXPECT_NE(first_finding("engine/service/matching.cpp", "#include \"sim/kernel/scheduler.h\""), "");
  EXPECT_NE(first_finding("engine/workflow/context.h", "#include \"store/db/database.h\""), "");
  EXPECT_NE(first_finding("engine/plan/plan.h", "#include \"adapters/temporal/adapter.h\""), "");
  EXPECT_NE(first_finding("engine/base/time.h", "#include \"engine/ports/clock.h\""), "");
  EXPECT_NE(first_finding("engine/ports/clock.h", "#include \"engine/api/api.h\""), "");
}

TEST(IncludeTable, KeepsEachThirdPartyLibraryInItsRow) {
  EXPECT_NE(first_finding("engine/workflow/context.cpp", "#include <boost/fiber/all.hpp>"), "");
  EXPECT_NE(first_finding("sim/world/world.cpp", "#include <boost/context/fiber.hpp>"), "");
  EXPECT_NE(first_finding("store/sqlite/store.cpp", "#include <sqlite3.h>"), "");
  EXPECT_NE(first_finding("engine/api/api.cpp", "#include <fmt/format.h>"), "");
  EXPECT_NE(first_finding("sim/slo/rules.cpp", "#include <prometheus/counter.h>"), "");
  EXPECT_NE(first_finding("sim/import/dbt.cpp", "#include <yaml-cpp/yaml.h>"), "");
  EXPECT_NE(first_finding("sim/report/terminal.cpp", "#include <CLI/CLI.hpp>"), "");
  EXPECT_NE(first_finding("sim/world/world.cpp", "#include <gtest/gtest.h>"), "");
  EXPECT_EQ(first_finding("store/db/database.cpp", "#include <sqlite3.h>"), "");
  EXPECT_EQ(first_finding("sim/kernel/fibers.cpp", "#include <boost/fiber/all.hpp>"), "");
  EXPECT_EQ(first_finding("sim/kernel/fibers.cpp", "#include <boost/intrusive_ptr.hpp>"), "");
}

TEST(IncludeTable, LetsTheFoldersOfOneRowIncludeOneAnother) {
  EXPECT_EQ(first_finding("store/projector/projector.h", "#include \"store/outbox/outbox.h\""), "");
  EXPECT_EQ(first_finding("store/db/database.h", "#include \"store/db/statement.h\""), "");
  EXPECT_NE(first_finding("store/db/database.h", "#include \"store/sqlite/store.h\""), "");
  EXPECT_NE(first_finding("sim/fault/window.h", "#include \"sim/slo/rules.h\""), "");
}

TEST(IncludeTable, AllowsOpenSslOnlyForTheHashAndBoostJsonOnlyForJson) {
  EXPECT_EQ(first_finding("engine/base/sha256.cpp", "#include <openssl/evp.h>"), "");
  EXPECT_NE(first_finding("engine/base/uuid.cpp", "#include <openssl/rand.h>"), "");
  EXPECT_EQ(first_finding("engine/base/json.cpp", "#include <boost/json/basic_parser_impl.hpp>"), "");
  EXPECT_NE(first_finding("engine/base/time.cpp", "#include <boost/json.hpp>"), "");
}

TEST(IncludeTable, RefusesUnrootedAndUnknownHeaders) {
  EXPECT_NE(first_finding("store/bus/bus.cpp", "#include \"bus.h\""), "");
  EXPECT_NE(first_finding("store/bus/bus.cpp", "#include <curl/curl.h>"), "");
  EXPECT_NE(first_finding("store/bus/bus.cpp", "#include \"tests/support/world.h\""), "");
  EXPECT_EQ(first_finding("store/bus/bus.cpp", "#include <vector>"), "");
}

TEST(IncludeTable, RefusesAFolderWithoutARow) {
  EXPECT_NE(first_finding("sim/magic/wand.cpp", ""), "");
}

TEST(IncludeTable, SeesNoIncludeInsideACommentOrAString) {
  EXPECT_EQ(first_finding("sim/report/json.cpp", "// #include \"sim/world/world.h\""), "");
  EXPECT_EQ(first_finding("sim/report/json.cpp", "const char* s = R\"(\n#include \"sim/world/world.h\"\n)\";"), "");
}

TEST(IncludeTable, RefusesAMalformedTable) {
  EXPECT_THROW(parse_include_table("row engine/base | fmt"), std::runtime_error);
  EXPECT_THROW(parse_include_table("row engine/base | | fmt"), std::runtime_error);
  EXPECT_THROW(parse_include_table("row a | |\nrow a | |"), std::runtime_error);
  EXPECT_THROW(parse_include_table("folder engine/base"), std::runtime_error);
}

TEST(IncludeTable, AllowsOnlyFoldersThatAreRowsThemselves) {
  // A misspelt folder would allow nothing, and nobody would notice.
  const IncludeTable table = table_of_the_tree();
  for (const IncludeRow& row : table.rows) {
    for (const std::string& folder : row.folders) {
      const bool whole = folder == "engine" || folder == "store" || folder == "sim";
      EXPECT_TRUE(whole || table.row_of(folder + "/x.h") != nullptr) << row.folder << " may include " << folder;
    }
  }
}

}  // namespace
}  // namespace dvt::layers
