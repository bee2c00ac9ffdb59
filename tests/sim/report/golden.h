// Golden files: the expected bytes of a rendering, kept beside the tests. DVTSIM_UPDATE_GOLDEN=1 rewrites them; review
// the difference before it is committed.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace dvt::test {

inline void expect_golden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(DVT_GOLDEN_DIR) + "/" + name;
  const char* update = std::getenv("DVTSIM_UPDATE_GOLDEN");
  if (update != nullptr && std::string(update) == "1") {
    std::ofstream file(path, std::ios::binary);
    file << actual;
    ASSERT_TRUE(file.good()) << "cannot write " << path;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  ASSERT_TRUE(file.good()) << path << " is missing; run with DVTSIM_UPDATE_GOLDEN=1";
  const std::string expected((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_EQ(actual, expected) << "if this is meant, run with DVTSIM_UPDATE_GOLDEN=1 and review " << path;
}

}  // namespace dvt::test
