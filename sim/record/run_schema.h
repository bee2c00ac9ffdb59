// The tables of run.db that the recorder writes; README.md explains them column by column.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "engine/base/time.h"

namespace dvt::sim {

/// Tables in the order in which they are copied.
inline constexpr std::array<std::string_view, 7> kRunTables = {"meta",     "timeline", "series", "sample_chunk",
                                                               "run_word", "run_row",  "history"};

/// Their CREATE statements.
std::string run_tables_sql();
/// run_summary over its two tables, and views with text times, for people who look with the sqlite3 program.
std::string run_views_sql(UnixNanos start);

}  // namespace dvt::sim
