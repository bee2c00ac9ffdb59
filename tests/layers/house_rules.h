// Rules of the house that no compiler knows: every folder is explained, every source file is built, files open by
// saying what they are for, and the text speaks of the project alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/layers/source_text.h"
#include "tests/layers/source_tree.h"

namespace dvt::layers {

/// Words about the place where the text was written instead of about the project.
std::vector<Finding> check_words(const TextFile& file);

/// C++ files open with a comment, or include first the header of the same name, which does; headers have
/// `#pragma once`. A file of tests is opened by their names.
std::vector<Finding> check_opening(const TextFile& file);

/// Folders with neither a README.md of their own nor a mention (`name/`) in the nearest one above. A folder of tests/
/// that mirrors a folder of the source needs none.
std::vector<Finding> check_readmes(const std::vector<TextFile>& files);

/// .cpp files that no meson.build lists, and meson.builds with more static libraries than folders that hold sources.
std::vector<Finding> check_build_lists(const std::vector<TextFile>& files);

}  // namespace dvt::layers
