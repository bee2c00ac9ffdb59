// A small CSV reader: a state machine over bytes, no allocation but the cells.
#include "sim/scenario/csv_column.h"

#include "engine/base/format.h"

#include <array>
#include <fstream>
#include <sstream>
#include <utility>

#include "engine/base/distribution.h"
#include "engine/plan/duration_text.h"
#include "sim/scenario/scalars.h"

namespace dvt::sim {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;

using Record = std::vector<std::string>;

// Takes one record off the front of `csv` and counts its lines. False: an unclosed quote.
bool take_record(std::string_view& csv, Record& record, std::size_t& lines) {
  record.assign(1, {});
  bool quoted = false;
  std::size_t at = 0;
  for (; at < csv.size(); ++at) {
    const char c = csv[at];
    if (c == '\n') ++lines;
    if (quoted) {
      if (c != '"') {
        record.back() += c;
      } else if (at + 1 < csv.size() && csv[at + 1] == '"') {
        record.back() += csv[++at];
      } else {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',') {
      record.emplace_back();
    } else if (c == '\n') {
      ++at;
      break;
    } else if (c != '\r') {
      record.back() += c;
    }
  }
  csv.remove_prefix(at);
  return !quoted;
}

Duration unit_of_name(std::string_view column) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 8> kSuffixes{{{"_ns", 1},
                                                                                {"_us", 1'000},
                                                                                {"_ms", 1'000'000},
                                                                                {"_s", 1'000'000'000},
                                                                                {"_seconds", 1'000'000'000},
                                                                                {"_m", 60'000'000'000},
                                                                                {"_minutes", 60'000'000'000},
                                                                                {"_h", 3'600'000'000'000}}};
  for (const auto& [suffix, ns] : kSuffixes) {
    if (column.ends_with(suffix)) return {ns};
  }
  return {};
}

}  // namespace

Result<std::vector<Duration>, std::string> read_duration_column(std::string_view csv, std::string_view column,
                                                                Duration unit) {
  if (csv.starts_with("\xEF\xBB\xBF")) csv.remove_prefix(3);
  std::size_t line = 1;
  Record record;
  if (!take_record(csv, record, line)) return failure(std::string("line 1: a quote is not closed"));
  std::size_t index = record.size();
  for (std::size_t i = 0; i < record.size(); ++i) {
    if (record[i] == column) index = i;
  }
  if (index == record.size())
    return failure(fmt::format("no column \"{}\"; the columns are {}", column, fmt::join(record, ", ")));
  if (unit.ns == 0) unit = unit_of_name(column);
  std::vector<Duration> values;
  while (!csv.empty()) {
    const std::size_t at = line;
    if (!take_record(csv, record, line)) return failure(fmt::format("line {}: a quote is not closed", at));
    if (record.size() == 1 && record[0].empty()) continue;
    if (record.size() <= index) return failure(fmt::format("line {}: no cell in column \"{}\"", at, column));
    const auto bare = unit.ns > 0 ? engine::duration_from_decimal(record[index], unit) : std::nullopt;
    if (bare && bare->ns >= 0 && *bare <= Distribution::kMax) {
      values.push_back(*bare);
      continue;
    }
    const auto parsed = parse_duration(record[index]);
    if (!parsed.has_value()) return failure(fmt::format("line {}: {}", at, parsed.error()));
    values.push_back(parsed.value());
  }
  if (values.empty()) return failure(fmt::format("column \"{}\" has no rows", column));
  return values;
}

std::vector<Duration> load_duration_column(const std::string& path, std::string_view column, Duration unit) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Error(fmt::format("{}: cannot be opened", path));
  if (file.tellg() > static_cast<std::streamoff>(kMaxFileBytes))
    throw Error(fmt::format("{}: larger than 64 MiB", path));
  file.seekg(0);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file && !file.eof()) throw Error(fmt::format("{}: cannot be read", path));
  auto values = read_duration_column(text.view(), column, unit);
  if (!values.has_value()) throw Error(fmt::format("{}: {}", path, values.error()));
  return std::move(values.value());
}

}  // namespace dvt::sim
