// Finds the contracts' test vectors, which are shared with other implementations and live outside this repository.
#pragma once

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "engine/base/json.h"

namespace dvt {

inline std::string contract_folder() {
  const char* const given = std::getenv("DVTSIM_SHARED_DATA");
  const std::string data = given != nullptr ? given : std::string(DVTSIM_SOURCE_ROOT) + "/../shared/data";
  return data + "/contracts/";
}

/// For GTEST_SKIP.
inline std::string contract_vectors_hint() {
  return "no contract vectors at " + contract_folder() + " (set DVTSIM_SHARED_DATA)";
}

/// The file's content; nullopt if it is not there. A file that is no JSON is an error.
inline std::optional<json::Value> contract_vectors(const std::string& name) {
  std::ifstream file(contract_folder() + name, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  auto value = json::parse(text.str());
  if (!value.has_value()) throw Error(name + ": " + value.error().message);
  return std::move(value).value();
}

}  // namespace dvt
