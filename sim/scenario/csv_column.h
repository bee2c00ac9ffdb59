// One column of a CSV file as durations: recorded step times and arrival traces. RFC 4180 quoting, a header line,
// comma-separated, UTF-8; at most 64 MiB.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/time.h"

namespace dvt::sim {

/// Cells are durations with a unit (`250ms`), or bare decimals in `unit`. A unit of zero: bare decimals are allowed
/// only when the column's name ends with its unit (`_ns _us _ms _s _seconds _m _h`, or ` (ms)` …). The error names the
/// line.
Result<std::vector<Duration>, std::string> read_duration_column(std::string_view csv, std::string_view column,
                                                                Duration unit);

/// The same from a file. Throws dvt::Error when the file cannot be read or a cell is no duration.
std::vector<Duration> load_duration_column(const std::string& path, std::string_view column, Duration unit);

}  // namespace dvt::sim
