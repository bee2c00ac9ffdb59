// The rules of the house hold for the tree, and each check trips on a planted breach.
#include "tests/layers/house_rules.h"

#include <gtest/gtest.h>

#include "tests/layers/expect_none.h"

namespace dvt::layers {
namespace {

using CheckFile = std::vector<Finding> (*)(const TextFile&);

std::vector<Finding> check_tree(CheckFile check) {
  std::vector<Finding> findings;
  for (const TextFile& file : read_tree(source_root())) {
    for (Finding& finding : check(file)) findings.push_back(std::move(finding));
  }
  return findings;
}

TEST(HouseRules, TextSpeaksOfTheProjectAlone) {
  expect_none(check_tree(check_words));
}

TEST(HouseRules, FilesOpenWithWhatTheyAreFor) {
  expect_none(check_tree(check_opening));
}

TEST(HouseRules, EveryFolderIsExplained) {
  expect_none(check_readmes(read_tree(source_root())));
}

TEST(HouseRules, EverySourceFileIsBuilt) {
  expect_none(check_build_lists(read_tree(source_root())));
}

TEST(HouseRules, NoticeForeignWords) {
  const auto findings = [](std::string text) { return check_words({"engine/README.md", std::move(text)}).size(); };
  EXPECT_EQ(findings("The Ag"
                     "ent wrote this."),
            1U);
  EXPECT_EQ(findings("in an earlier sess"
                     "ion"),
            1U);
  EXPECT_EQ(findings("see Iss"
                     "ue #12"),
            1U);
  EXPECT_EQ(findings("see iss"
                     "ue 12"),
            1U);
  EXPECT_EQ(findings("cd /wo"
                     "rk/main"),
            1U);
  EXPECT_EQ(findings("../shared/sp"
                     "ec/design.md"),
            1U);
  EXPECT_EQ(findings("a magenta reagent of the framework/kernel, which issues 3 warnings; ../shared/data"), 0U);
}

TEST(HouseRules, NoticeAFileWithoutAnOpening) {
  EXPECT_EQ(check_opening({"engine/a.h", "#pragma once\n"}).size(), 2U);
  EXPECT_EQ(check_opening({"engine/a.h", "// What for.\n#pragma once\n"}).size(), 0U);
  EXPECT_EQ(check_opening({"engine/a.cpp", "#include <vector>\n"}).size(), 1U);
  EXPECT_EQ(check_opening({"engine/a.cpp", "#include \"engine/a.h\"\n"}).size(), 0U) << "its header says it";
  EXPECT_EQ(check_opening({"tests/engine/a_test.cpp", "#include <vector>\n"}).size(), 0U);
}

TEST(HouseRules, NoticeAFolderWithoutAReadme) {
  const TextFile root{"README.md", "engine/ is the engine"};
  const TextFile engine{"engine/README.md", "`base/` is the vocabulary"};
  const TextFile base{"engine/base/time.h", "// Time.\n"};
  const TextFile plan{"engine/plan/plan.h", "// Plans.\n"};
  const TextFile mirror{"tests/engine/base/time_test.cpp", "// Tests.\n"};
  const TextFile tests{"tests/README.md", "tests"};
  EXPECT_EQ(check_readmes({root, engine, base}).size(), 0U);
  ASSERT_EQ(check_readmes({root, engine, base, plan}).size(), 1U);
  EXPECT_EQ(check_readmes({root, engine, plan})[0].path, "engine/plan/README.md");
  EXPECT_EQ(check_readmes({root, engine, base, tests, mirror}).size(), 0U);
}

TEST(HouseRules, NoticeAFileThatNothingCompiles) {
  const TextFile list{"engine/base/meson.build", "lib = static_library('x', 'time.cpp')"};
  const TextFile time{"engine/base/time.cpp", "// Time.\n"};
  const TextFile uuid{"engine/base/uuid.cpp", "// Ids.\n"};
  EXPECT_EQ(check_build_lists({list, time}).size(), 0U);
  ASSERT_EQ(check_build_lists({list, time, uuid}).size(), 1U);
  EXPECT_EQ(check_build_lists({list, time, uuid})[0].path, "engine/base/uuid.cpp");
}

TEST(HouseRules, NoticeTwoLibrariesOfOneFolder) {
  const TextFile two{"store/meson.build",
                     "a = static_library('a', 'db/a.cpp')\nb = static_library('b', 'db/b.cpp', 'bus/c.cpp')"};
  EXPECT_EQ(check_build_lists({{"store/db/a.cpp", ""}, {"store/db/b.cpp", ""}, two}).size(), 1U);
  EXPECT_EQ(check_build_lists({{"store/bus/c.cpp", ""}, {"store/db/a.cpp", ""}, two}).size(), 0U) << "one a folder";
}

}  // namespace
}  // namespace dvt::layers
