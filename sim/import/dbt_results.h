// dbt's run results (v1 to v6), reduced to what a plan's notes need. Only sim/import/dbt.cpp and tests read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace dvt::sim {

/// dbt's words: success, pass, warn, no-op, reused → success; error, runtime error, partial success → error.
enum class DbtStatus : std::uint8_t { success, error, fail, skipped };

struct DbtResult {
  std::string unique_id;
  std::optional<DbtStatus> status;
  std::optional<Duration> execution_time;
  std::string message;
};

struct DbtResults {
  int version = 0;
  std::string invocation_id;
  std::string command;  // args.which, or args.rpc_method; empty when there is neither
  std::optional<std::uint32_t> threads;
  std::optional<Duration> elapsed;
  std::vector<DbtResult> results;  // in the file's order; a node that occurs twice has its last result
  std::vector<std::string> warnings;
};

Result<DbtResults, std::string> read_dbt_results(std::string_view text);

}  // namespace dvt::sim
