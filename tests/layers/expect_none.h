// How the layer tests fail: with all findings at once, one a line.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "tests/layers/source_text.h"

namespace dvt::layers {

inline void expect_none(const std::vector<Finding>& findings) {
  EXPECT_TRUE(findings.empty()) << told(findings);
}

}  // namespace dvt::layers
