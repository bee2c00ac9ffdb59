// Histories that real servers wrote (sources and licences: SOURCES.md beside them) keep the checker's rules, so that
// the rules are Temporal's and not only ours. Skipped where the data is not checked out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/history/history_check.h"

namespace dvt::engine {
namespace {

std::filesystem::path data_folder() {
  const char* given = std::getenv("DVTSIM_SHARED_DATA");
  return std::filesystem::path(given != nullptr ? std::string(given)
                                                : std::string(DVTSIM_SOURCE_ROOT) + "/../shared/data") /
         "temporal-histories";
}

// Rules that a recorded file breaks, and why. No file needs one.
const std::map<std::string, std::vector<std::string>> kExceptions = {};

TEST(RecordedHistories, KeepEveryRule) {
  const std::filesystem::path folder = data_folder();
  if (!std::filesystem::exists(folder))
    GTEST_SKIP() << "no recorded histories at " << folder << " (set DVTSIM_SHARED_DATA)";
  std::size_t files = 0, events = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    ++files;
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    const auto read = read_temporal_json(text.str());
    ASSERT_TRUE(read.has_value()) << entry.path() << ": " << testing::PrintToString(read.error());
    events += read.value().size();
    const auto excepted = kExceptions.find(entry.path().filename().string());
    for (const HistoryBreach& breach : check_history(read.value())) {
      const bool known = excepted != kExceptions.end() && std::find(excepted->second.begin(), excepted->second.end(),
                                                                    breach.rule) != excepted->second.end();
      EXPECT_TRUE(known) << entry.path().filename() << ": " << to_string(breach, read.value());
    }
  }
  EXPECT_EQ(files, 10U);
  EXPECT_EQ(events, 229U);
}

}  // namespace
}  // namespace dvt::engine
