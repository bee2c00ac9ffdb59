// Times are read from the numbers' own text, never through a double.
#include "sim/import/dbt_results.h"

#include "engine/base/format.h"

#include <array>
#include <limits>
#include <map>
#include <set>

#include "engine/base/json.h"
#include "engine/plan/duration_text.h"
#include "sim/import/dbt_json.h"
#include "sim/import/dbt_manifest.h"

namespace dvt::sim {

namespace {

constexpr int kNewestRunResults = 6;

std::optional<DbtStatus> status_from_text(std::string_view text) {
  struct Word {
    std::string_view text;
    DbtStatus status;
  };
  // A partial success is a microbatch model of which some batches failed; dbt skips what depends on it.
  static constexpr std::array kWords{Word{"success", DbtStatus::success},     Word{"pass", DbtStatus::success},
                                     Word{"warn", DbtStatus::success},        Word{"no-op", DbtStatus::success},
                                     Word{"reused", DbtStatus::success},      Word{"error", DbtStatus::error},
                                     Word{"runtime error", DbtStatus::error}, Word{"partial success", DbtStatus::error},
                                     Word{"fail", DbtStatus::fail},           Word{"skipped", DbtStatus::skipped}};
  for (const Word& word : kWords)
    if (word.text == text) return word.status;
  return std::nullopt;
}

/// Decimal seconds that are not negative.
std::optional<Duration> seconds_member(const json::Value& object, std::string_view key) {
  const json::Value* member = object.find(key);
  if (member == nullptr || !member->is_number()) return std::nullopt;
  const std::optional<Duration> duration = engine::duration_from_decimal(member->number_text(), seconds(1));
  return duration && duration->ns >= 0 ? duration : std::nullopt;
}

std::optional<std::uint32_t> threads_argument(const json::Value& args) {
  const json::Value* threads = args.find("threads");
  const std::optional<std::int64_t> number = threads == nullptr ? std::nullopt : threads->if_int();
  if (!number || *number < 1 || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

DbtResult read_result(const json::Value& entry, std::vector<std::string>& warnings) {
  DbtResult result;
  result.unique_id = text_or(entry, "unique_id", "");
  const std::string status = text_or(entry, "status", "");
  result.status = status_from_text(status);
  if (!result.status)
    warnings.push_back(
        fmt::format("result of \"{}\": unknown status \"{}\", outcome left out", result.unique_id, status));
  result.execution_time = seconds_member(entry, "execution_time");
  if (!result.execution_time)
    warnings.push_back(fmt::format("result of \"{}\": no usable execution_time", result.unique_id));
  result.message = text_or(entry, "message", "");
  return result;
}

}  // namespace

Result<DbtResults, std::string> read_dbt_results(std::string_view text) {
  const Result<json::Value, json::ParseError> parsed = parse_dbt_json(text);
  if (!parsed.has_value()) return failure(describe(parsed.error()));
  const json::Value& root = parsed.value();
  const json::Value* metadata = root.find("metadata");
  if (metadata == nullptr) return failure(std::string("there is no \"metadata\""));

  DbtResults out;
  const Result<int, std::string> version =
      dbt_schema_version(text_or(*metadata, "dbt_schema_version", ""), "run-results", kNewestRunResults);
  if (!version.has_value()) return failure(version.error());
  out.version = version.value();
  out.invocation_id = text_or(*metadata, "invocation_id", "");
  out.elapsed = seconds_member(root, "elapsed_time");
  if (const json::Value* args = root.find("args")) {
    out.command = text_or(*args, "which", text_or(*args, "rpc_method", ""));
    out.threads = threads_argument(*args);
  }

  const json::Value* results = root.find("results");
  const json::Array* list = results == nullptr ? nullptr : results->if_array();
  if (list == nullptr) return failure(std::string("there is no \"results\" list"));
  std::map<std::string, std::size_t> position;
  std::set<std::string> thread_ids;
  for (std::size_t i = 0; i < list->size(); ++i) {
    DbtResult result = read_result((*list)[i], out.warnings);
    if (result.unique_id.empty()) return failure(fmt::format("results[{}] has no unique_id", i));
    if (std::string thread = text_or((*list)[i], "thread_id", ""); !thread.empty())
      thread_ids.insert(std::move(thread));
    const auto [place, is_new] = position.try_emplace(result.unique_id, out.results.size());
    if (is_new) {
      out.results.push_back(std::move(result));
    } else {
      out.warnings.push_back(fmt::format("\"{}\" has more than one result: the last one counts", result.unique_id));
      out.results[place->second] = std::move(result);
    }
  }
  // The artifacts of most versions leave args.threads out; the results then name the threads that did the work.
  if (!out.threads && !thread_ids.empty()) out.threads = static_cast<std::uint32_t>(thread_ids.size());
  return out;
}

}  // namespace dvt::sim
